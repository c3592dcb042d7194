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
    secret: () => Promise.resolve("sk-of-nobody"),
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
  [["usage", "--json", "--csv"], "Cannot use --json with --csv: give one of them"],
  [["key", "update", "abcdef", "--enable", "--disable"], "Cannot use --disable with --enable"],
  [["account", "create", "--name", "n".repeat(201)], "of 201 characters: give one of 1 to 200"],
  [["key", "create", "--account", "a", "--name", "n".repeat(201)], "give one of 1 to 200"],
  [["account", "create", "--name", "a", "--balance", "0x10"], "An amount such as 5.00 is needed"],
  [["key", "create", "--account", "a", "--name", "n", "--rpm", "0x7"], "A whole number is needed"],
  [["audit", "verify", "--ledger"], "Cannot use --ledger without a statement"],
  [["audit", "verify", "s.json", "--heads", "h"], "Cannot use --heads with a statement"],
  [["audit", "verify", "s.json", "--without-heads"], "Cannot use --without-heads with a statement"],
  [["provider", "key", "openai", "--rpm", "0"], "A whole number from 1 is needed"],
  [["provider", "key", "openai", "--label", "n".repeat(201)], "--label of 201 characters"],
  [
    ["provider", "key", "openai", "--account", "a", "--always-use", "--fallback"],
    "Cannot use --always-use with --fallback",
  ],
  [["key", "create", "--account", "a", "--name", "n", "--allowed-models", ""], "At least one name"],
  [["key", "create", "--account", "a", "--name", "n", "--allowed-providers", ","], "At least one"],
  [["provider", "key", "openai", "--models", " "], "At least one name is needed"],
  [["invite", "create", "--days", "1e2"], "A whole number is needed"],
])("%j is a mistake of usage, not of the configuration: it ends with 2", async (words, said) => {
  const { code, err } = await command(words);
  expect(code).toBe(2);
  expect(err).toContain(said);
});

test("usage by the same twice is by it once: a table has no column twice", async () => {
  using folder = temporaryFolder();
  let out = "";
  const output = { out: (text: string) => void (out += text), err: () => {}, colour: false };
  expect(await run(["usage", "--by", "day,day", "--csv", "--data-dir", folder.path], output)).toBe(
    0,
  );
  expect(out).toStartWith("date,requests,");
});

test("a table keeps to the width of its terminal", async () => {
  using folder = temporaryFolder();
  const at = ["--data-dir", folder.path];
  const quiet = { out: () => {}, err: () => {}, colour: false };
  await run(["account", "create", "--name", "a", ...at], quiet);
  await run(["key", "create", "--account", "a", "--name", "n".repeat(200), ...at], quiet);
  let out = "";
  const output = { ...quiet, out: (text: string) => void (out += text), columns: () => 120 };
  expect(await run(["key", "list", ...at], output)).toBe(0);
  expect(Math.max(...out.split("\n").map((line) => Bun.stringWidth(line)))).toBe(120);
  expect(out.replaceAll(/[^n]/g, "").length).toBeGreaterThanOrEqual(200);
});
