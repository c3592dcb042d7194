/** Child processes of the benchmark: start, wait until they answer, look at, stop. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A started server. */
export interface Running {
  port: number;
  pid: number;
  /** Milliseconds from its start to its first answer, to within two. */
  startMilliseconds: number;
  stop(): Promise<void>;
}

export interface Start {
  name: string;
  command: string[];
  port: number;
  env?: Record<string, string | undefined>;
  /** Where its output goes, as `<name>.log`. */
  folder: string;
}

const readyMilliseconds = 15_000;
const stopMilliseconds = 5_000;
const pollMilliseconds = 2;

/** Starts a server and waits until it answers HTTP; fails with the end of its log. */
export async function start({ name, command, port, env, folder }: Start): Promise<Running> {
  const log = Bun.file(join(folder, `${name}.log`));
  const started = performance.now();
  const child = Bun.spawn(withDescriptors(command), {
    stdin: "ignore",
    stdout: log,
    stderr: log,
    env: { ...process.env, ...env },
  });
  const stop = async () => {
    child.kill();
    const late = setTimeout(() => child.kill("SIGKILL"), stopMilliseconds);
    await child.exited;
    clearTimeout(late);
  };
  const deadline = started + readyMilliseconds;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await answers(port))
      return { port, pid: child.pid, startMilliseconds: performance.now() - started, stop };
    await Bun.sleep(pollMilliseconds);
  }
  await stop();
  const said = (await log.text().catch(() => "")).trim().split("\n").slice(-3).join(" ");
  throw new Error(`Cannot start ${name}: it did not answer on port ${port}. ${said}`);
}

/** The command with as many descriptors as it may have: each stream takes two. It keeps its process id. */
export function withDescriptors(command: readonly string[]): string[] {
  if (process.platform === "win32") return [...command];
  return ["/bin/sh", "-c", 'ulimit -S -n "$(ulimit -H -n)"; exec "$0" "$@"', ...command];
}

async function answers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000) });
    await answer.body?.cancel();
    return true;
  } catch {
    // Not listening yet.
    return false;
  }
}

/** A folder that is removed, with what is in it, when the block ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "lowrouter-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** What a process and its children use. */
export interface Use {
  /** Resident memory, MB of 10^6 bytes. */
  residentMegabytes: number;
  /** Processor time since their start. */
  cpuSeconds: number;
}

/** Linux gives clock ticks to programs at 100 a second on every architecture. */
const ticksPerSecond = 100;

/** Reads /proc; undefined where there is none. */
export async function use(pid: number): Promise<Use | undefined> {
  try {
    const total: Use = { residentMegabytes: 0, cpuSeconds: 0 };
    for (const member of [pid, ...(await descendants(pid))]) {
      const [status, stat] = await Promise.all([
        readFile(`/proc/${member}/status`, "utf8"),
        readFile(`/proc/${member}/stat`, "utf8"),
      ]);
      const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      total.residentMegabytes += (kibibytes * 1024) / 1e6;
      // The name, in brackets, may hold spaces; user and system time are fields 14 and 15.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      total.cpuSeconds += (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    }
    return total;
  } catch {
    // Not Linux, or gone: unknown, not zero.
    return undefined;
  }
}

async function descendants(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const children = await readFile(`/proc/${pid}/task/${thread}/children`, "utf8");
    for (const child of children
      .split(" ")
      .filter((text) => text !== "")
      .map(Number)) {
      found.push(child, ...(await descendants(child)));
    }
  }
  return found;
}
