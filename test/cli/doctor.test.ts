import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** What doctor says of an empty state under a configuration, to people and to programs. */
async function examine(toml: string) {
  using folder = temporaryFolder();
  const file = join(folder.path, "lowrouter.toml");
  writeFileSync(file, `listen = "127.0.0.1:0"\n${toml}`);
  const ask = async (...words: string[]) => {
    let [out, err] = ["", ""];
    const given = ["doctor", "--config", file, "--data-dir", join(folder.path, "state"), ...words];
    const code = await run(given, {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      colour: false,
    });
    return { out, err, code };
  };
  const [people, programs] = [await ask(), await ask("--json")];
  const report: unknown = JSON.parse(programs.out);
  const checks = listAt(report, "data");
  const named = (name: string) => checks.find((one) => at(one, "name") === name);
  return { ...people, codes: [people.code, programs.code], report, checks, named };
}

test("a configuration that cannot be read is a check that needs fixing, and the machine is looked at", async () => {
  const { out, err, codes, report, checks, named } = await examine(
    "[billing]\ntopup_fee_pct = 150\n",
  );
  expect(codes).toEqual([1, 1]);
  expect(at(report, "ok")).toBe(false);
  expect(checks.map((one) => at(one, "name"))).toEqual([
    "configuration",
    "clock",
    "temporary directory",
    "open files",
    "catalogue",
  ]);
  expect(named("configuration")).toEqual({
    name: "configuration",
    ok: false,
    found: expect.stringContaining(
      "billing.topup_fee_pct: found 150, allowed is a number from 0 to 100",
    ),
    fix: "correct it, then run this again: data directory, disk, address, database, keys and providers were not looked at",
  });
  expect(out).toStartWith("FIX   configuration: ");
  expect(out).toContain("ok    clock: ");
  expect(err).toContain("checks need fixing: configuration");
});

test("a name that the bundled tables do not have is one too, and all but the providers is looked at", async () => {
  const { codes, checks, named } = await examine('[routing.aliases]\nfast = "no/model"\n');
  expect(codes).toEqual([1, 1]);
  expect(named("configuration")).toEqual({
    name: "configuration",
    ok: false,
    found: expect.stringContaining('routing.aliases."fast"'),
    fix: "correct it, then run this again: providers were not looked at",
  });
  expect(at(named("database"), "ok")).toBe(true);
  const names = checks.map((one) => String(at(one, "name")));
  expect(names.filter((name) => /^providers$|^provider .* in /.test(name))).toEqual([]);
});

test("a database elsewhere that refuses or does not answer is never a file to be moved away", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ headers }) =>
      new Response(null, { status: headers.has("authorization") ? 503 : 401 }),
  });
  const toml = `[database]\nurl = "http://127.0.0.1:${server.port}"\n`;
  const refused = await examine(toml);
  expect(refused.named("database")).toMatchObject({
    ok: false,
    fix: "check LOWROUTER_DATABASE_TOKEN: its server refuses it",
  });
  await server.stop(true);
  const away = await examine(toml);
  expect(away.named("database")).toMatchObject({
    ok: false,
    fix: expect.stringContaining("check database.url"),
  });
  for (const { out } of [refused, away]) expect(out).not.toContain("restore");
});

test("an address that no database has is a wrong configuration, and is not quoted", async () => {
  for (const url of ["mysql://user:hidden@127.0.0.1/x", "hidden", "libsql://", "file:"]) {
    const { named, out, err } = await examine(`[database]\nurl = "${url}"\n`);
    expect(named("configuration")).toMatchObject({
      ok: false,
      found: expect.stringContaining("Cannot use database.url: give file:PATH"),
    });
    expect(out + err).not.toContain("hidden");
  }
});

test("a program is told how to mend only what is not well", async () => {
  const { checks } = await examine("");
  for (const check of checks) expect(at(check, "fix") === undefined).toBe(at(check, "ok") === true);
});

const own = `[providers.mine]
protocol = "openai-chat"
base_url = "http://127.0.0.1:1/v1"
`;
const model = '[[models]]\nid = "own/model"\nprovider = "mine"\nupstream = "m"\n';

test.each([
  [
    "a variable",
    `${own}api_key_env = "NOBODY_SETS_THIS"\n`,
    "providers.mine.api_key_env names NOBODY_SETS_THIS, which is not set",
  ],
  [
    "an address of a provider that nobody knows",
    '[providers.opnai]\nregion = "eu-west"\n',
    "providers.opnai is no provider that is known, and has no base_url",
  ],
  [
    "a variable of several",
    `${own}[[providers.mine.keys]]\nenv = "NOR_THIS"\n`,
    "providers.mine.keys[0].env names NOR_THIS, which is not set",
  ],
  [
    "a price",
    `${own}${model}input_per_million = 1\n`,
    "the model own/model at mine lacks output_per_million, so it has no price",
  ],
  [
    "the other price",
    `${own}${model}output_per_million = 1\n`,
    "the model own/model at mine lacks input_per_million, so it has no price",
  ],
])("%s that is missing is told", async (_, toml, found) => {
  const { named } = await examine(toml);
  expect(named("settings")).toEqual({
    name: "settings",
    ok: false,
    found,
    fix: "set or say what is missing, or take the line away",
  });
});

test.each([
  ["nothing", ""],
  ["a model with both prices", `${own}${model}input_per_million = 1\noutput_per_million = 0\n`],
  ["a model without a price", `${own}${model}`],
  [
    "one price of a bundled model",
    '[[models]]\nid = "openai/gpt-4o-mini"\nprovider = "openai"\nupstream = "m"\ninput_per_million = 1\n',
  ],
  ["a provider that is off", `${own}enabled = false\napi_key_env = "NOBODY_SETS_THIS"\n`],
])("%s is whole", async (_, toml) => {
  const { named } = await examine(toml);
  expect(at(named("settings"), "ok")).toBe(true);
});
