import { join } from "node:path";
import { runToEnd, type Said } from "#test/lib/serving.ts";

/** Runs a command on the state in a folder, from the sources. */
export function command(folder: string, ...args: string[]): Promise<Said> {
  return runToEnd([...args, "--data-dir", join(folder, "state")]);
}
