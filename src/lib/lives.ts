import { readFileSync } from "node:fs";

/** Whether a process of this machine, and of this container, runs. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Only ESRCH means that it is gone; EPERM that it is someone else's.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
  return !isEnded(pid);
}

/** Whether it has ended, and waits for its parent to notice: in a container whose first process never looks, for good. */
function isEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before it may hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) === "Z";
  } catch {
    // No Linux, or not for us to see.
    return false;
  }
}
