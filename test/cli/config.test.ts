import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const file = join(folder.path, "lowrouter.toml");
writeFileSync(
  file,
  `[billing]
currency = "EUR"
[routing.aliases]
fast = "own/model"
[routing.fallbacks]
"*" = ["openai/gpt-4o-mini", "own/model"]
[providers.own]
base_url = "http://user:hidden-1@127.0.0.1:9/v1?key=hidden-2"
region = "eu-west"
api_key_env = "OWN_KEY"
keys = [{ env = "OWN_KEY_2", weight = 3 }]
[[models]]
id = "own/model"
provider = "own"
wh_per_1k_tokens = 1.5
[[models]]
id = "openai/gpt-4o-mini"
provider = "openai"
input_per_million = 7
[oidc.corp]
issuer = "https://id.example.org/"
client_id = "gateway"
client_secret_env = "CORP_SECRET"
`,
);
const secrets = {
  CORP_SECRET: "hidden-3",
  OWN_KEY: "hidden-4",
  OWN_KEY_2: "hidden-5",
  OPENAI_API_KEY: "hidden-6",
};
const before = { ...process.env };
Object.assign(process.env, secrets);
afterAll(() => {
  for (const name of Object.keys(secrets)) delete process.env[name];
  Object.assign(process.env, before);
  folder[Symbol.dispose]();
});

async function ran(...words: string[]): Promise<string> {
  let out = "";
  const output = { out: (text: string) => void (out += text), err: () => {}, colour: false };
  expect(await run([...words, "--config", file], output)).toBe(0);
  return out;
}

const show = (...words: string[]) => ran("config", "show", ...words);

/** What has no variable and no default: the file alone says it. */
const said = [
  ["providers.own.base_url", "http://127.0.0.1:9/v1"],
  ["providers.own.region", "eu-west"],
  ["providers.own.api_key_env", "OWN_KEY"],
  ["providers.own.keys", "env = OWN_KEY_2, weight = 3"],
  ['models."own/model".provider', "own"],
  ['models."own/model".wh_per_1k_tokens', "1.5"],
  ['models."openai/gpt-4o-mini".provider', "openai"],
  ['models."openai/gpt-4o-mini".input_per_million', "7"],
  ['routing.aliases."fast"', "own/model"],
  ['routing.fallbacks."*"', "openai/gpt-4o-mini, own/model"],
  ["oidc.corp.name", "corp"],
  ["oidc.corp.issuer", "https://id.example.org"],
  ["oidc.corp.client_id", "gateway"],
  ["oidc.corp.client_secret_env", "CORP_SECRET"],
];

test("config show prints providers, models, names and OpenID of the file too", async () => {
  const rows = listAt(JSON.parse(await show("--json")), "data");
  expect(rows).toContainEqual({
    key: "billing.currency",
    value: "EUR",
    origin: "file",
    name: null,
  });
  for (const [key, value] of said)
    expect(rows).toContainEqual({ key, value, origin: "file", name: null });
  const lines = (await show()).split("\n").map((line) => line.trim().split(/ {2,}/));
  for (const [key = "", value = ""] of said) expect(lines).toContainEqual([key, value, "file"]);
});

test.each(["lowrouter/auto", "auto:floor", "fast", "openai/gpt-4o-mini:floor"])(
  "%s may be the model of requests that name none",
  async (model) => {
    const valid = join(folder.path, "valid.toml");
    const alias = '[routing.aliases]\nfast = "openai/gpt-4o-mini"\n';
    writeFileSync(valid, `[routing]\ndefault_model = "${model}"\n${alias}`);
    const output = { out: () => {}, err: () => {}, colour: false };
    expect(await run(["config", "check", valid], output)).toBe(0);
  },
);

test("model list and model show have the price of the file for a bundled model", async () => {
  const id = "openai/gpt-4o-mini";
  const shown: unknown = JSON.parse(await ran("model", "show", id));
  expect(at(shown, "data.pricing")).toMatchObject({ prompt: "0.000007", completion: "0.0000006" });
  expect(at(shown, "data.endpoints.0.pricing")).toEqual(at(shown, "data.pricing"));
  const line = (await ran("model", "list")).split("\n").find((one) => one.includes(`${id} `));
  expect(line?.trim().split(/ {2,}/).slice(0, 3)).toEqual([id, "7", "0.6"]);
});

test("config show prints no secret", async () => {
  expect((await show()) + (await show("--json"))).not.toMatch(/hidden-\d/);
});

test.each([
  ['[[models]]\nid = "own/model"\n', "models.0.provider is missing"],
  ['[oidc.corp]\nissuer = "https://id.example.org"\n', "oidc.corp.client_id is missing"],
  ["listen = 4000\n", "listen: found 4000, allowed is a text"],
  ['[providers.own]\nregions = "eu"\n', 'providers.own.regions: found "eu", allowed is a list'],
  ['data_dir = ["a"]\n', "data_dir: found a list, allowed is a text"],
  ["routing = 1\n", "routing: found 1, allowed is a section"],
  ['[log]\nlevel = "info"\n\nformat = \n\n[otel]\n', 'wrong.toml" as TOML, line 4: '],
  ['[otel]\nservice_name = ""\n', 'service_name: found "", allowed is a text that is not empty'],
  [
    '[routing]\ndefault_model = "openai/no-such"\n',
    'Cannot use routing.default_model: "openai/no-such" is no model of the catalogue',
  ],
  ["workers = 1\nworkers = 2\n", 'wrong.toml" as TOML, line 2: '],
  ["[[[", 'wrong.toml" as TOML, line 1: '],
  // Longer than anybody writes: its lines are not tried one by one.
  [`${"\n".repeat(600)}= 1\n`, 'wrong.toml" as TOML: '],
])("config check says of %j what is wrong with it, and where", async (text, words) => {
  const wrong = join(folder.path, "wrong.toml");
  writeFileSync(wrong, text);
  let err = "";
  const output = { out: () => {}, err: (more: string) => void (err += more), colour: false };
  expect(await run(["config", "check", wrong], output)).toBe(78);
  expect(err).toContain(words);
});
