import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, hostTarget } from "#src/build.ts";

const root = join(import.meta.dir, "../..");
let built: Promise<string> | undefined;

/** The compiled executable, made once per run and kept away from node_modules. */
export function executable(): Promise<string> {
  built ??= (async () => {
    const outfile = join(mkdtempSync(join(tmpdir(), "lowrouter-bin-")), "lowrouter");
    await build({ entry: join(root, "src/main.ts"), outfile, target: hostTarget() });
    return outfile;
  })();
  return built;
}

/** An environment without the keys and settings of whoever runs the tests. */
export function cleanEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: tmpdir(), TMPDIR: tmpdir(), ...extra };
}

/** Runs a command to its end. */
export async function command(
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
) {
  const child = Bun.spawn([await executable(), ...args], {
    cwd: options.cwd ?? "/proc",
    env: options.env ?? cleanEnvironment(),
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

/** A gateway process. */
export interface Process {
  url: string;
  child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Milliseconds from start to a healthy answer. */
  startMs: number;
}

/** Starts `serve` or `demo` and waits until it is healthy. */
export async function start(args: string[], env: Record<string, string> = {}): Promise<Process> {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const path = await executable();
  const from = performance.now();
  const child = Bun.spawn([path, ...args, "--listen", `127.0.0.1:${port}`], {
    cwd: "/proc",
    env: cleanEnvironment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  while (child.exitCode === null && performance.now() - from < 15_000) {
    const healthy = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return { url, child, startMs: performance.now() - from };
    await Bun.sleep(3);
  }
  child.kill("SIGKILL");
  throw new Error(`Cannot start ${args.join(" ")}: ${await child.stderr.text()}`);
}

function freePort(): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port } = server;
  server.stop(true);
  if (port === undefined) throw new Error("Cannot find a free port");
  return port;
}

/** Whether something is left of a path. */
export const exists = existsSync;
