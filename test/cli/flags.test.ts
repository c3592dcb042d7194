import { expect, test } from "bun:test";
import { run } from "#src/cli/program.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Runs a command line on an empty directory. */
async function command(words: readonly string[]): Promise<{ code: number; err: string }> {
  using folder = temporaryFolder();
  let err = "";
  const at = words[0] === "demo" ? [] : ["--data-dir", folder.path];
  const code = await run([...words, ...at], {
    out: () => {},
    err: (text) => void (err += text),
    colour: false,
  });
  return { code, err };
}

test.each([
  [["serve", "--listen", "here"], '"here"'],
  [["serve", "--listen", "127.0.0.1:65536"], "HOST:PORT"],
  [["serve", "--workers", "none"], "1 to 64"],
  [["serve", "--workers", "65"], "1 to 64"],
  [["demo", "--listen", "here"], "HOST:PORT"],
  [["usage", "--from", "2026-13-01"], '"2026-13-01" for --from'],
  [["usage", "--to", "2026-06-31"], '"2026-06-31" for --to'],
])("%j is a mistake of usage, not of the configuration: it ends with 2", async (words, said) => {
  const { code, err } = await command(words);
  expect(code).toBe(2);
  expect(err).toContain(said);
});
