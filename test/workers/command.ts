import { join } from "node:path";
import { cleanEnvironment, type Ended } from "#test/bin/executable.ts";

const root = join(import.meta.dir, "../..");

/** Runs a command on the state in a folder, from the sources. */
export async function command(folder: string, ...args: string[]): Promise<Ended> {
  const at = ["--data-dir", join(folder, "state")];
  const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), ...args, ...at], {
    cwd: root,
    env: cleanEnvironment(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}
