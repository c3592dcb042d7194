import { join } from "node:path";
import { freePort } from "#test/lib/port.ts";

const root = join(import.meta.dir, "../..");
const startWithinMs = 30_000;

/** How the program under trial is started: an executable, else the sources. */
export interface Program {
  command(args: readonly string[]): string[];
  /** Where it is run. */
  folder: string;
  /** Set where the sources run: modules that are loaded before them. */
  preload?: (module: string) => Program;
}

/** The program from its sources. */
export function fromSources(preloads: readonly string[] = []): Program {
  return {
    command: (args) => [
      process.execPath,
      ...preloads.flatMap((module) => ["--preload", module]),
      join(root, "src/main.ts"),
      ...args,
    ],
    // Where tsconfig.json says how pages are made.
    folder: root,
    preload: (module) => fromSources([...preloads, module]),
  };
}

/** The program as an executable. */
export function fromExecutable(path: string): Program {
  return { command: (args) => [path, ...args], folder: "/" };
}

/** What a command said and how it ended: an exit code, null where a signal did it. */
export interface Ended {
  out: string;
  err: string;
  code: number | null;
}

/** A command that runs. */
export interface Running {
  pid: number;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  ended: Promise<Ended>;
}

/** A gateway that listens. */
export interface Gateway extends Running {
  url: string;
  port: number;
  /** Its log so far. */
  err(): string;
}

/** Starts a command. */
export function spawn(
  program: Program,
  args: readonly string[],
  env: Record<string, string>,
): Running & { err(): string } {
  const child = Bun.spawn(program.command(args), {
    cwd: program.folder,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  return {
    pid: child.pid,
    err: err.text,
    kill: (signal) => child.kill(signal),
    ended: Promise.all([child.exited, out.done, err.done]).then(() => ({
      out: out.text(),
      err: err.text(),
      code: child.exitCode,
    })),
  };
}

/** Starts `serve` on a port, a free one unless given, and waits until it is healthy. Throws with its log where it is not. */
export async function serve(
  program: Program,
  args: readonly string[],
  env: Record<string, string>,
  port = freePort(),
): Promise<Gateway> {
  const child = spawn(program, ["serve", ...args, "--listen", `127.0.0.1:${port}`], env);
  let isOver = false;
  void child.ended.then(() => (isOver = true));
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + startWithinMs;
  while (!isOver && performance.now() < deadline) {
    const isHealthy = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).then(
      async (response) => (await response.text(), response.ok),
      () => false,
    );
    if (isHealthy) return { ...child, url, port };
    await Bun.sleep(5);
  }
  child.kill("SIGKILL");
  await child.ended;
  throw new Error(`Cannot start the gateway: ${child.err().slice(-2000)}`);
}

function collect(stream: ReadableStream<Uint8Array>): { text(): string; done: Promise<void> } {
  let text = "";
  const done = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  })();
  return { text: () => text, done };
}
