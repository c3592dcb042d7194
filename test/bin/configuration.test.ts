import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, executable } from "#test/bin/executable.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const data = (name: string) => join(folder.path, name);
const at = ["--data-dir", data("state")];

beforeAll(async () => void (await executable()), 60_000);
afterAll(() => folder[Symbol.dispose]());

describe("a bad configuration", () => {
  const rows: [toml: string, said: string[]][] = [
    ['[billing]\nusd_rate = "much"\n', ["billing.usd_rate", "much", "number"]],
    ["[billing]\nunknown = 1\n", ["billing.unknown", "currency"]],
    ["nonsense = 1\n", ["nonsense", "data_dir"]],
    ['[routing]\npolicy = "best"\n', ["routing.policy", "best", "balanced"]],
    ["[billing\n", ["bad.toml", "TOML"]],
    ["[providers.x]\nfoo = 1\n", ["providers.x.foo", "base_url"]],
  ];
  test.each(rows)("%j stops every command with 78: key, found and allowed", async (toml, said) => {
    const file = data("bad.toml");
    writeFileSync(file, toml);
    for (const words of [["serve"], ["config", "check"], ["account", "list"]]) {
      const { out, err, code } = await command([...words, "--config", file, ...at]);
      expect({ out, code }).toEqual({ out: "", code: 78 });
      for (const part of said) expect(err).toContain(part);
    }
  });

  test.each([
    ["LOWROUTER_ECO_METHODOLOGY", "v9", "v0.4-2026-01"],
    ["LOWROUTER_LOG_FORMAT", "xml", "json"],
    ["LOWROUTER_IDLE_S", "long", "number"],
    ["LOWROUTER_LISTEN", "here", "127.0.0.1:4000"],
  ])("%s=%s stops the start with 78 and says what is allowed", async (name, value, allowed) => {
    for (const words of [["serve"], ["config", "check"]]) {
      const { err, code } = await command([...words, ...at], { env: { [name]: value } });
      expect(code).toBe(78);
      expect(err).toContain(`"${value}"`);
      expect(err).toContain(allowed);
    }
  });

  test("a model of a provider that nobody defined is refused, by check as by serve", async () => {
    const file = data("stray.toml");
    writeFileSync(file, '[[models]]\nid = "a/b"\nprovider = "nope"\n');
    for (const words of [
      ["serve", ...at],
      ["config", "check"],
    ]) {
      const { err, code } = await command([...words, "--config", file]);
      expect(code).toBe(78);
      expect(err).toContain("[providers.nope]");
    }
  });
});
