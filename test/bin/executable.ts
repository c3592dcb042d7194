import { copyFileSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, hostTarget } from "#src/build.ts";
import { freePort } from "#test/lib/port.ts";

const root = join(import.meta.dir, "../..");
const sources = ["src", "db", "data", "package.json", "bun.lock"];
let made: Promise<string> | undefined;

/** The compiled executable of the sources as they are, with no node_modules above it. Made only where none is. */
export function executable(): Promise<string> {
  made ??= make();
  return made;
}

async function make(): Promise<string> {
  // One for each copy of the sources, so that none is tested with another's.
  const folder = join(tmpdir(), `lowrouter-executable-${Bun.hash(root).toString(36)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "lowrouter");
  const changed = Math.max(...sources.map((name) => lastChange(join(root, name))));
  if (lastChange(path) > changed) return path;
  const ready = join(root, "dist/lowrouter");
  if (lastChange(ready) > changed) {
    // Under its own name only when whole: another run may be starting the one that is there.
    copyFileSync(ready, `${path}.new`);
    renameSync(`${path}.new`, path);
  } else {
    await build({ entry: join(root, "src/main.ts"), outfile: path, target: hostTarget() });
  }
  return path;
}

/** When the newest file under a path changed, Unix milliseconds; 0 where there is none. */
function lastChange(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  // The folder's own time tells of what was removed.
  return Math.max(found.mtimeMs, ...readdirSync(path).map((name) => lastChange(join(path, name))));
}

/** An environment without the keys and settings of whoever runs the tests. */
export function cleanEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: tmpdir(), TMPDIR: tmpdir(), ...extra };
}

/** A directory where nobody can make a file, not even root. */
export const unwritable = "/proc";

/** What a command said and how it ended. */
export interface Ended {
  out: string;
  err: string;
  code: number;
}

/** Runs a command to its end. */
export async function command(
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  const child = Bun.spawn([await executable(), ...args], {
    cwd: options.cwd ?? unwritable,
    env: cleanEnvironment(options.env),
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}

/** Runs a command that has to succeed, and reads its JSON. */
export async function json(args: string[], env?: Record<string, string>): Promise<unknown> {
  const { out, err, code } = await command([...args, "--json"], { env });
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${err}`);
  return JSON.parse(out);
}

/** A gateway process that is listening. */
export interface Process {
  url: string;
  port: number;
  pid: number;
  /** Milliseconds from start to a healthy answer. */
  startMs: number;
  /** All it wrote until now. */
  out(): string;
  err(): string;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Its exit code; null when a signal ended it. */
  ended: Promise<number | null>;
  /** Asks it to end, and waits. */
  stop(): Promise<number | null>;
}

export interface StartOptions {
  env?: Record<string, string>;
  cwd?: string;
}

const startWithinMs = 15_000;

/** Starts `serve` or `demo` on a free port and waits until it is healthy. */
export async function start(args: string[], options: StartOptions = {}): Promise<Process> {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const path = await executable();
  const from = performance.now();
  const child = Bun.spawn([path, ...args, "--listen", `127.0.0.1:${port}`], {
    cwd: options.cwd ?? unwritable,
    env: cleanEnvironment(options.env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  const ended = Promise.all([child.exited, out.done, err.done]).then(() => child.exitCode);
  while (child.exitCode === null && performance.now() - from < startWithinMs) {
    const healthy = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) {
      const startMs = performance.now() - from;
      const kill = (signal: "SIGTERM" | "SIGKILL") => child.kill(signal);
      const stop = () => {
        kill("SIGTERM");
        return ended;
      };
      return {
        url,
        port,
        pid: child.pid,
        startMs,
        out: out.text,
        err: err.text,
        kill,
        ended,
        stop,
      };
    }
    await Bun.sleep(3);
  }
  child.kill("SIGKILL");
  await ended;
  throw new Error(`Cannot start ${args.join(" ")}: ${err.text()}`);
}

function collect(stream: ReadableStream<Uint8Array>): { text(): string; done: Promise<void> } {
  let text = "";
  const done = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  })();
  return { text: () => text, done };
}

/** Waits until something is so; the state of another process can only be asked for. */
export async function until(what: string, so: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + startWithinMs;
  while (!(await so())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await Bun.sleep(5);
  }
}
