import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How often the kernel deals out time, microseconds: short, so that nobody waits long for their next turn. */
const periodMicroseconds = 5000;

const groups = "/sys/fs/cgroup";

/**
 * Holds each process to a share of a core, all of its threads together, by a control group of the kernel (version 1 or 2). Where
 * load and upstream share the machine, it is then the processes that are measured. Undefined where that cannot be done: it
 * needs root on Linux. Dispose of it when they have ended.
 */
export function holdTo(share: number, pids: readonly number[]): Disposable | undefined {
  const quota = Math.round(share * periodMicroseconds);
  const made: string[] = [];
  const isOld = existsSync(join(groups, "cpu/cpu.cfs_quota_us"));
  const parent = isOld ? join(groups, "cpu") : groups;
  try {
    for (const pid of pids) {
      const path = join(parent, `lowrouter-bench-${pid}`);
      mkdirSync(path);
      made.push(path);
      if (isOld) {
        writeFileSync(join(path, "cpu.cfs_period_us"), String(periodMicroseconds));
        writeFileSync(join(path, "cpu.cfs_quota_us"), String(quota));
      } else writeFileSync(join(path, "cpu.max"), `${quota} ${periodMicroseconds}`);
      writeFileSync(join(path, "cgroup.procs"), String(pid));
    }
  } catch {
    remove(made);
    return undefined;
  }
  return { [Symbol.dispose]: () => remove(made) };
}

/** Groups without processes. One whose processes have not quite ended is tried again for a moment, and else stays. */
function remove(made: readonly string[]): void {
  for (const path of made)
    for (let left = 20; left > 0 && existsSync(path); left--) {
      try {
        rmdirSync(path);
      } catch {
        Bun.sleepSync(10);
      }
    }
}

/** The children of a process; itself where it has none. Linux. */
export function workersOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  const children = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return children === "" ? [pid] : children.split(" ").map(Number);
}
