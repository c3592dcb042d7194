import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { cleanEnvironment, executable, unwritable } from "#test/bin/executable.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Runs a line of the shell, in which `$0` is the executable, and the exit code of the first command is printed last. */
async function shell(line: string, dir: string): Promise<{ out: string; err: string }> {
  const child = Bun.spawn(["bash", "-c", line, await executable()], {
    cwd: unwritable,
    env: cleanEnvironment({ LOWROUTER_DATA_DIR: dir }),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err };
}

test("who reads the first line alone gets it, and no word of the runtime", async () => {
  using folder = temporaryFolder();
  const line = `"$0" model list --json | head -n 1; echo "\${PIPESTATUS[0]}"`;
  expect(await shell(line, folder.path)).toEqual({ out: "{\n0\n", err: "" });
});

test.skipIf(!existsSync("/dev/full"))("an output that is not kept is a failure", async () => {
  using folder = temporaryFolder();
  const said = await shell('"$0" version > /dev/full; echo $?', folder.path);
  expect(said).toEqual({
    out: "1\n",
    err: "lowrouter: Cannot write the output (ENOSPC): what was printed is not whole\n",
  });
});
