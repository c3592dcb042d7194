import { join } from "node:path";
import { cleanEnvironment } from "#test/bin/executable.ts";
import { freePort } from "#test/lib/port.ts";

const root = join(import.meta.dir, "../..");

/** The command that runs what is in the sources. */
export const fromSources: readonly string[] = [process.execPath, join(root, "src/main.ts")];

/** A process that serves. */
export interface Serving {
  url: string;
  port: number;
  pid: number;
  /** What it said so far, on stderr. */
  err(): string;
  signal(name: "SIGTERM" | "SIGKILL" | "SIGHUP" | "SIGUSR1" | "SIGUSR2"): void;
  /** The exit code; null when a signal ended it. */
  ended: Promise<number | null>;
}

export interface ServingOptions {
  args: readonly string[];
  /** What runs it; the sources where it is absent. */
  command?: readonly string[] | undefined;
  env?: Record<string, string> | undefined;
  /** Where it listens; here where it is absent. */
  host?: string | undefined;
}

const running = new Set<() => void>();

/** Ends what a test that failed left running. */
export function endServing(): void {
  for (const kill of running) kill();
}

/** Starts `serve` on a free port and waits until it says that it listens. Throws what it said where it ends before. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { args, command = fromSources, env, host = "127.0.0.1" } = options;
  const port = freePort();
  const listen = `${host}:${port}`;
  const child = Bun.spawn([...command, "serve", ...args, "--listen", listen], {
    cwd: root,
    env: cleanEnvironment(env),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const kill = () => child.kill("SIGKILL");
  running.add(kill);
  const ended = child.exited.then(() => {
    running.delete(kill);
    return child.exitCode;
  });
  let text = "";
  const listening = Promise.withResolvers<void>();
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes("listens on")) listening.resolve();
    }
    listening.reject(new Error(`Cannot start ${[...command, ...args].join(" ")}: ${text}`));
  })();
  await listening.promise;
  return {
    url: `http://${listen}`,
    port,
    pid: child.pid,
    err: () => text,
    signal: (name) => void child.kill(name),
    ended,
  };
}

const longestMs = 60_000;

/** How a command ended, and what it said. */
export interface Said {
  out: string;
  err: string;
  code: number;
}

/** Runs a command of the sources to its end; one that does not come to it is ended after a while. */
export async function runToEnd(
  args: readonly string[],
  env?: Record<string, string>,
): Promise<Said> {
  const child = Bun.spawn([...fromSources, ...args], {
    cwd: root,
    env: cleanEnvironment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: longestMs,
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}
