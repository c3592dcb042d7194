import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { freePort } from "#test/lib/port.ts";
import { command, executable, json, start } from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
const data = (name: string) => join(folder.path, name);
const at = ["--data-dir", data("state")];
// Nobody listens there, whatever runs on this machine: doctor looks.
const env = { ...upstream.env, LOWROUTER_LISTEN: `127.0.0.1:${freePort()}` };

const createdAccount = v.looseObject({ data: v.looseObject({ id: v.string() }) });
const createdKey = v.looseObject({
  key: v.string(),
  data: v.looseObject({ hash: v.string() }),
});

/** What the commands below are about; known once the first were run. */
const known = { account: "", key: "", hash: "", other: "", generation: "" };

beforeAll(async () => {
  await executable();
  const account = await json(["account", "create", "--name", "acme", "--balance", "5.00", ...at]);
  known.account = v.parse(createdAccount, account).data.id;
  const made = v.parse(
    createdKey,
    await json(["key", "create", "--account", "acme", "--name", "first", ...at]),
  );
  [known.key, known.hash] = [made.key, made.data.hash];
  const other = ["key", "create", "--account", "acme", "--name", "other", ...at];
  known.other = v.parse(createdKey, await json(other)).data.hash;
  const serving = await start(["serve", ...at], { env });
  const answer = await chat(serving.url, known.key);
  await answer.text();
  known.generation = answer.headers.get("x-lowrouter-generation-id") ?? "";
  await serving.stop();
}, 60_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

const litellm = join(import.meta.dir, "../fixtures/litellm/config.yaml");

/** A command, and what its JSON has to hold. `$name` stands for what is known. */
type Row = [words: string, expected: object];

const everyOption =
  "--limit 2 --limit-reset weekly --allowed-models openai/gpt-4o-mini,gpt-4o --allowed-providers openai,mistral --region us-east --policy prefer-cheapest --rpm 7 --carbon-budget-g 12.5 --expires-at 2099-12-31T23:59:59Z";
const everyPolicy = {
  limit: 2,
  limit_reset: "weekly",
  allowed_models: ["openai/gpt-4o-mini", "gpt-4o"],
  allowed_providers: ["openai", "mistral"],
  region: "us-east",
  policy: "prefer-cheapest",
  rate_limit: expect.objectContaining({ requests_per_minute: 7 }),
  carbon_budget_g: 12.5,
  expires_at: expect.stringContaining("2099-12-31T23:59:59"),
};

const inState: Row[] = [
  ["account create --name other --plan metered", { data: { plan: "metered", balance: 0 } }],
  ["account show acme", { data: { name: "acme", plan: "prepaid", granted: 5 } }],
  ["account list", { data: expect.arrayContaining([expect.objectContaining({ name: "acme" })]) }],
  [
    "key create --account acme --name second --limit 2 --rpm 60 --region eu-west --limit-reset daily",
    {
      key: expect.stringMatching(/^lr_live_\w{40,}$/),
      data: {
        name: "second",
        limit: 2,
        limit_reset: "daily",
        region: "eu-west",
        rate_limit: { requests_per_minute: 60 },
      },
    },
  ],
  [
    "key create --account acme --name boss --type management",
    { key: expect.stringMatching(/^lr_mgmt_/) },
  ],
  [
    `key create --account acme --name all ${everyOption}`,
    { data: { name: "all", ...everyPolicy } },
  ],
  [
    "key list --account acme",
    {
      data: expect.arrayContaining([
        expect.objectContaining({ name: "first", label: expect.stringMatching(/^lr_live_.+…?/) }),
        expect.objectContaining({ name: "all", ...everyPolicy }),
      ]),
    },
  ],
  ["key show $hash", { data: { name: "first", disabled: false } }],
  ["key update $hash --name renamed --limit 1.5", { data: { name: "renamed", limit: 1.5 } }],
  ["key update $other --disable", { data: { name: "other", disabled: true } }],
  ["key update $other --enable", { data: { name: "other", disabled: false } }],
  [`key update $other ${everyOption}`, { data: { name: "other", ...everyPolicy } }],
  ["credit add --account $account 1.5 --note gift", { data: { amount: 1.5 } }],
  ["credit add --account $account -0.5", { data: { amount: -0.5 } }],
  [
    "credit show --account acme",
    {
      data: {
        granted: 6,
        currency: "USD",
        transactions: expect.arrayContaining([
          expect.objectContaining({ type: "credit", amount: 1.5, description: "gift" }),
          expect.objectContaining({ type: "adjustment", amount: -0.5 }),
        ]),
      },
    },
  ],
  ["provider list", { data: [{ id: "openai", configured: true }] }],
  ["provider show mistral", { data: { id: "mistral", configured: false } }],
  ["provider test openai", { data: [{ ok: true, region: "eu-west" }] }],
  [
    "model list --routable",
    { data: expect.arrayContaining([expect.objectContaining({ id: "openai/gpt-4o-mini" })]) },
  ],
  ["model show gpt-4o-mini", { data: { id: "openai/gpt-4o-mini" } }],
  ["usage --by model,provider", { data: [{ model: "openai/gpt-4o-mini", requests: 1 }] }],
  ["usage --by region", { data: [{ region: "eu-west", requests: 1 }] }],
  ["usage --to 2020-01-31", { data: [] }],
  ["usage --from 2099-01-01", { data: [] }],
  ["usage --from 2020-01-01 --to 2099-01-01 --by day", { data: [{ requests: 1 }] }],
  ["generation show $generation", { id: expect.stringMatching(/^gen_/), provider: "openai" }],
  ["eco explain $generation", { recorded: { methodology_version: "v0.4-2026-01" } }],
  [
    "eco estimate --model gpt-4o-mini --tokens 1000 --region eu-west",
    {
      data: {
        region: "eu-west",
        eco: { energy_wh: expect.closeTo(3.0338, 6), methodology_version: "v0.4-2026-01" },
      },
    },
  ],
  [
    "eco estimate --model gpt-4o-mini --tokens 2000 --region us-east",
    { data: { region: "us-east", eco: { energy_wh: expect.closeTo(6.0676, 6) } } },
  ],
  ["eco methodology", { data: [{ version: "v0.4-2026-01" }, { version: "v0.11-2026-10" }] }],
  ["audit verify", { data: { ok: true, rows: 1, faults: [], imbalances: [] } }],
  ["backup $folder/copy.db", { data: { file: `${folder.path}/copy.db` } }],
  [
    "invite create --days 1",
    { url: expect.stringContaining("/register?invite="), data: { state: "open", role: null } },
  ],
  ["invite list", { data: expect.any(Array) }],
  ["account update acme --policy balanced", { data: { routing: { policy: "balanced" } } }],
  ["provider key list", { data: [] }],
  ["provider rotate", { data: { resealed: 0 } }],
  ["config show", { data: expect.any(Array), providers: expect.any(Array) }],
  ["config check", { data: { valid: true } }],
  ["doctor", { ok: true }],
];

const elsewhere: Row[] = [
  [
    "init --name first --data-dir $folder/init",
    {
      data: { account: expect.stringMatching(/^acc_/) },
      key: expect.stringMatching(/^lr_live_/),
      management_key: expect.stringMatching(/^lr_mgmt_/),
    },
  ],
  [
    "restore $folder/copy.db --data-dir $folder/restored",
    { data: { database: `${folder.path}/restored/lowrouter.db` } },
  ],
  [
    "account list --data-dir $folder/restored",
    { data: expect.arrayContaining([expect.objectContaining({ name: "acme" })]) },
  ],
  ["key revoke $hash --data-dir $folder/restored", { data: { deleted: true } }],
  [
    `import litellm ${litellm}`,
    { data: { config: { routing: expect.any(Object), providers: expect.any(Object) } } },
  ],
  ["service print", { data: { unit: expect.stringContaining("Type=notify") } }],
  ["version", { version: "0.1.0", bun: "1.4.5", methodologies: ["v0.4-2026-01", "v0.11-2026-10"] }],
];

function words(text: string): string[] {
  const names: Record<string, string> = { ...known, folder: folder.path };
  return text.replace(/\$(\w+)/g, (_, name: string) => names[name] ?? "").split(" ");
}

describe("--json", () => {
  const rows = [
    ...inState.map(([text, expected]): [string, object, string[]] => [text, expected, at]),
    ...elsewhere.map(([text, expected]): [string, object, string[]] => [text, expected, []]),
  ];
  test.each(rows)(
    "of %s is one document on stdout and nothing else",
    async (text, expected, more) => {
      const { out, err, code } = await command([...words(text), "--json", ...more], { env });
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(JSON.parse(out)).toMatchObject(expected);
      expect(out).not.toContain(upstream.env.OPENAI_API_KEY ?? "");
    },
  );

  // These need somebody or something that is only made by hand: test/cli and test/account ask them.
  const elsewhereAsked = [
    "account reset-link",
    "audit key",
    "grid import",
    "grid list",
    "invite revoke",
    "provider key disable",
    "provider key enable",
    "provider key remove",
    "report footprint",
    // Refused to an executable in a temporary directory: service.test.ts asks it.
    "service install",
  ];
  test("is asked of every command that --help lists, but the two that serve", async () => {
    const leaves = (await commands([])).map((path) => path.join(" "));
    const asked = new Set(rows.map(([text]) => text));
    const missed = leaves.filter(
      (leaf) => ![...asked].some((text) => `${text} `.startsWith(`${leaf} `)),
    );
    expect(leaves.length).toBeGreaterThan(25);
    expect(missed.toSorted()).toEqual([...elsewhereAsked, "demo", "serve"].toSorted());
  }, 60_000);
});

test("no command takes a secret as an argument", async () => {
  for (const path of await commands([])) {
    const { out } = await command([...path, "--help"]);
    const options = out.match(/--[\w-]+(?= <)/g) ?? [];
    const [usage = ""] = out.match(/^Usage: .*$/m) ?? [];
    const places = usage.match(/[<[][\w-]+(?=[>\].])/g) ?? [];
    // What a signature is verified with is public.
    const isVerified = path.join(" ") === "audit verify";
    const taking = [...options, ...places.filter((name) => name !== "[options")].filter(
      (name) => !(isVerified && name === "--key"),
    );
    expect(taking.filter((name) => /key|secret|token$|password|credential/.test(name))).toEqual([]);
  }
}, 60_000);

describe("for people", () => {
  test("a new key is alone on stdout, so that it can be piped", async () => {
    const { out, err } = await command([
      "key",
      "create",
      "--account",
      "acme",
      "--name",
      "p",
      ...at,
    ]);
    expect(out).toMatch(/^lr_live_\w+\n$/);
    expect(err).toContain("not shown again");
  });

  test.each([
    ["account list", "acme"],
    ["account show acme", "balance"],
    ["key list", "lr_live_"],
    ["credit show --account acme", "granted"],
    ["provider list --all", "Mistral"],
    ["model list", "openai/gpt-4o-mini"],
    ["usage", "requests"],
    ["usage --csv --by model", "openai/gpt-4o-mini,"],
    ["eco methodology", "Not measured"],
    ["audit verify", "The ledger verifies"],
    ["config show", "flag"],
    ["doctor", "ok    database"],
  ])("%s shows a table without colour or escapes", async (text, part) => {
    const { out, code } = await command([...words(text), ...at], { env });
    expect(code).toBe(0);
    expect(out).toContain(part);
    expect(out).not.toContain("\u001b");
    expect(out).not.toMatch(/undefined|NaN|\[object/);
    expect(out).not.toContain(known.key);
  });

  test("nothing yet is said on stderr, with what to do", async () => {
    const empty = ["--data-dir", data("empty")];
    const { out, err, code } = await command(["account", "list", ...empty]);
    expect({ out, code }).toEqual({ out: "", code: 0 });
    expect(err).toContain("lowrouter init");
  });
});

describe("a wrong command line", () => {
  test.each([
    ["nonsense", "lowrouter --help"],
    ["key", "lowrouter key"],
    ["key nonsense", "lowrouter key --help"],
    ["serve --lisen 1", "Did you mean --listen"],
    ["serve --listen here", "127.0.0.1:4000"],
    ["serve --listen 127.0.0.1:65536", "127.0.0.1:4000"],
    ["serve --workers none", "1 to 64"],
    ["serve --workers 65", "1 to 64"],
    ["demo --listen here", "127.0.0.1:4000"],
    ["account list --nonsense", "lowrouter account list --help"],
    ["key create", "--account"],
    ["restore", "lowrouter restore --help"],
    ["key create --account acme --name x --limit much", "5.00"],
    ["key create --account acme --name x --limit -1", "0 or more"],
    ["key create --account acme --name x --region mars", "eu-west"],
    ["key create --account acme --name x --type root", "management"],
    ["key create --account acme --name x --policy best", "balanced"],
    ["key create --account acme --name x --expires-at soon", "2026-12-31"],
    ["key update $hash", "--disable"],
    ["credit add --account acme much", "5.00"],
    ["credit add --account acme 0", "5.00"],
    ["account create --name x --plan gold", "prepaid or metered"],
    ["account create --name x --balance -1", "0 or more"],
    ["usage --by colour", "day"],
    ["usage --from yesterday", "2026-01-31"],
    ["eco estimate --model gpt-4o-mini --tokens many", "whole number"],
  ])("%s ends with 2 and says what would work", async (text, said) => {
    const more = /acme|\$hash/.test(text) ? at : [];
    const { out, err, code } = await command([...words(text), ...more]);
    expect({ out, code }).toEqual({ out: "", code: 2 });
    expect(err).toContain(said);
  });
});

describe("a command that fails", () => {
  test.each([
    ["account show nobody", "lowrouter account list"],
    ["key show nothing", "lowrouter key list"],
    ["key create --account nobody --name x", "lowrouter account create"],
    ["generation show gen_none", "X-LowRouter-Generation-ID"],
    ["eco explain gen_none", "X-LowRouter-Generation-ID"],
    ["model show nothing", "lowrouter model list"],
    ["provider show nothing", "lowrouter provider list --all"],
    ["provider test mistral", "MISTRAL_API_KEY"],
    ["init", "lowrouter account list"],
    ["backup $folder/copy.db", "exists"],
    ["backup $folder/none/copy.db", "directory that exists"],
    ["restore $folder/copy.db", "exists"],
    ["restore $folder/nothing.db", "--data-dir"],
  ])("%s ends with 1 and says what would work", async (text, said) => {
    const { out, err, code } = await command([...words(text), ...at], { env });
    expect({ out, code }).toEqual({ out: "", code: 1 });
    expect(err).toStartWith("lowrouter: ");
    expect(err).toContain(said);
    expect(err).not.toMatch(/\n +at /);
  });

  test("a name that two accounts share is refused: the money could go to the wrong one", async () => {
    const twins = ["--data-dir", data("twins")];
    await json(["account", "create", "--name", "twin", ...twins]);
    await json(["account", "create", "--name", "twin", ...twins]);
    const { err, code } = await command(["credit", "add", "--account", "twin", "5", ...twins]);
    expect(code).toBe(1);
    expect(err).toContain("Give the id");
  });

  test("a data directory that cannot be made is named, with the option that changes it", async () => {
    const { err, code } = await command(["account", "list", "--data-dir", "/proc/none"]);
    expect(code).toBe(1);
    expect(err).toContain("/proc/none");
    expect(err).toContain("--data-dir");
  });

  test("doctor says what to fix", async () => {
    const { out, err, code } = await command(["doctor", ...at]);
    expect(code).toBe(1);
    expect(out).toContain("OPENAI_API_KEY");
    expect(err).toContain("providers");
  });

  test("provider test says when the credential is refused, and not what it is", async () => {
    const wrong = { ...env, OPENAI_API_KEY: "sk-wrong-secret" };
    const { out, err, code } = await command(["provider", "test", "openai", ...at], { env: wrong });
    expect(code).toBe(1);
    expect(out).toContain("FAIL");
    expect(`${out}${err}`).not.toContain("sk-wrong-secret");
  });
});

test("--version and version say what this is", async () => {
  expect((await command(["--version"])).out).toBe("lowrouter 0.1.0\n");
  const { out } = await command(["version"]);
  expect(out).toMatch(/^lowrouter 0\.1\.0 \([0-9a-f]{40}\)\nBun 1\.4\.5, SQLite 3\./);
});

test("lowrouter alone prints its help", async () => {
  const { out, err, code } = await command([]);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  expect(out).toContain("Commands:");
});

/** Every command without commands of its own, as --help lists them. */
async function commands(path: string[]): Promise<string[][]> {
  const { out } = await command([...path, "--help"]);
  const [, listed] = out.split("Commands:\n");
  if (listed === undefined) return [path];
  const names = [...listed.matchAll(/^ {2}(\w[\w-]*)/gm)].map(([, name = ""]) => name);
  const below = names.filter((name) => name !== "help").map((name) => commands([...path, name]));
  return (await Promise.all(below)).flat();
}
