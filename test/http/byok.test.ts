import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { backup } from "#src/store/backup.ts";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

const secret = "sk-canary-of-an-account-WxYz";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let strangers: string;
beforeAll(async () => {
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config: (config) => (config.providers = { openai: { base_urls: { "us-east": upstream.url } } }),
  });
  strangers = await gateway.stranger({ type: "management" });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const create = (body: unknown) => gateway.manage("/api/v1/byok", { body });
const patch = (id: string, body: unknown) =>
  gateway.manage(`/api/v1/byok/${id}`, { method: "PATCH", body });

async function made(body: Record<string, unknown> = {}): Promise<string> {
  const { status, json, text } = await create({ provider: "openai", key: secret, ...body });
  expect([status, text]).toEqual([201, text]);
  return String(at(json, "data.id"));
}

/** Each member of section 15: what is sent, and what the record says then. */
const members: [string, unknown, string, unknown][] = [
  ["name", "mine", "name", "mine"],
  ["label", "mine", "name", "mine"],
  ["disabled", true, "disabled", true],
  ["is_fallback", true, "is_fallback", true],
  ["always_use", true, "always_use", true],
  ["weight", 7, "weight", 7],
  ["rpm_limit", 60, "rpm_limit", 60],
  ["region", "us-east", "region", "us-east"],
  ["supported_models", ["gpt-4o-mini"], "supported_models", ["gpt-4o-mini"]],
  ["allowed_models", ["openai/gpt-4o-mini"], "allowed_models", ["openai/gpt-4o-mini"]],
  ["allowed_api_key_hashes", ["a".repeat(64)], "allowed_api_key_hashes", ["a".repeat(64)]],
  ["daily_budget", 2.5, "daily_budget", 2.5],
  ["monthly_budget", 50, "monthly_budget", 50],
  ["base_url", "https://1.1.1.1/v1", "base_url", "https://1.1.1.1/v1"],
];

describe.each(members)("%s %j", (name, value, path, shown) => {
  test("is kept when a key is made, and when it is changed", async () => {
    const created = await create({ provider: "openai", key: secret, [name]: value });
    expect([created.status, at(created.json, `data.${path}`)]).toEqual([201, shown]);
    const id = await made();
    const changed = await patch(id, { [name]: value });
    expect([changed.status, at(changed.json, `data.${path}`)]).toEqual([200, shown]);
    const read = await gateway.manage(`/api/v1/byok/${id}`);
    expect(at(read.json, "data")).toEqual(at(changed.json, "data"));
  });
});

test.each(["rpm_limit", "region", "base_url", "daily_budget", "monthly_budget"])(
  "%s is removed by null, and kept by a change of another member",
  async (name) => {
    const given = members.find(([member]) => member === name)?.[1];
    const id = await made({ [name]: given });
    expect(at((await patch(id, { name: "other" })).json, `data.${name}`)).toEqual(given);
    expect(at((await patch(id, { [name]: null })).json, `data.${name}`)).toBeNull();
  },
);

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const account = {
  type: "service_account",
  client_email: "canary@project.iam.gserviceaccount.com",
  project_id: "project",
  private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
};

test.each<[string, Record<string, unknown>, string]>([
  ["nothing", { provider: undefined, key: undefined }, "provider"],
  ["no key", { key: undefined }, "key"],
  ["an unknown provider", { provider: "nowhere" }, "provider"],
  ["an unknown member", { keys: [] }, "keys"],
  ["a member that is a secret", { "sk-slipped-canary": 1 }, "?"],
  ["an empty key", { key: " " }, "key"],
  ["a key that would end its header", { key: "sk-a\r\nx: canary" }, "key"],
  ["a key of more than 8 KB", { key: `canary${"a".repeat(8187)}` }, "key"],
  ["JSON that is none", { key: '{"canary' }, "key"],
  ["a key of another kind", { key: { access_key_id: "A", secret_access_key: "canary" } }, "key"],
  ["a number for a key", { key: 7 }, "key"],
  ["no weight", { weight: 0 }, "weight"],
  ["a weight in text", { weight: "1" }, "weight"],
  ["no requests a minute", { rpm_limit: 0 }, "rpm_limit"],
  ["a negative budget", { daily_budget: -1 }, "daily_budget"],
  ["an unknown region", { region: "atlantis" }, "region"],
  ["a region where it is not reached", { region: "eu-west" }, "region"],
  ["a hash that is none", { allowed_api_key_hashes: ["canary"] }, "allowed_api_key_hashes.0"],
  ["no service account", { provider: "vertex", key: "canary" }, "key"],
  [
    "a service account with a token server of its own",
    { provider: "vertex", key: { ...account, token_uri: "https://canary.example/token" } },
    "key",
  ],
  [
    "a service account whose token server only begins like Google's",
    {
      provider: "vertex",
      key: { ...account, token_uri: "https://oauth2.googleapis.com.canary.example/" },
    },
    "key",
  ],
  ["Azure without an address", { provider: "azure" }, "region"],
  ["Bedrock without a region", { provider: "bedrock" }, "region"],
  ["an address that is none", { base_url: "canary" }, "base_url"],
  ["an address of another kind", { base_url: "file:///etc/passwd" }, "base_url"],
  ["an address without TLS", { base_url: "http://1.1.1.1/v1" }, "base_url"],
  ["an address with a password", { base_url: "https://a:canary@1.1.1.1/v1" }, "base_url"],
  ["an address with a query", { base_url: "https://1.1.1.1/v1?canary" }, "base_url"],
  ["the machine itself", { base_url: "https://127.0.0.1/v1" }, "base_url"],
  ["the machine itself, otherwise written", { base_url: "https://2130706433/v1" }, "base_url"],
  ["the machine itself in IPv6", { base_url: "https://[::ffff:127.0.0.1]/v1" }, "base_url"],
  ["a cloud's metadata", { base_url: "https://169.254.169.254/latest" }, "base_url"],
  ["a private network", { base_url: "https://10.1.2.3/v1" }, "base_url"],
  ["a name of this machine", { base_url: "https://localhost/v1" }, "base_url"],
  ["an unusual port", { base_url: "https://1.1.1.1:22/v1" }, "base_url"],
])("%s is refused by name, and nothing of it is repeated or kept", async (_, body, param) => {
  const before = (await gateway.manage("/api/v1/byok")).text;
  const reply = await create({ provider: "openai", key: secret, ...body });
  expect([reply.status, at(reply.json, "error.param")]).toEqual([400, param]);
  expect(reply.text).not.toContain("canary");
  expect((await gateway.manage("/api/v1/byok")).text).toBe(before);
});

test("credentials of the clouds are kept in the form that they are given out in", async () => {
  const kinds: [Record<string, unknown>, Record<string, unknown>][] = [
    [{ provider: "vertex", key: account }, { kind: "google" }],
    [
      { provider: "vertex", key: JSON.stringify(account), region: "europe-west4" },
      { kind: "google" },
    ],
    [
      {
        provider: "bedrock",
        key: {
          access_key_id: "AKIDEXAMPLEEXAMPLE",
          secret_access_key: "canary",
          region: "us-east-1",
        },
      },
      { kind: "aws", region: "us-east-1", label: "AKI...MPLE" },
    ],
    [
      { provider: "bedrock", key: secret, region: "us-east" },
      { kind: "key", region: "us-east" },
    ],
    [
      { provider: "azure", key: { key: secret, endpoint: "https://1.1.1.1", deployment: "mine" } },
      { kind: "key", base_url: "https://1.1.1.1", deployment: "mine" },
    ],
  ];
  for (const [body, shown] of kinds) {
    const reply = await create(body);
    expect([reply.status, at(reply.json, "data")]).toEqual([201, expect.objectContaining(shown)]);
    expect(reply.text).not.toContain("canary");
  }
});

test("a management key is needed", async () => {
  const id = await made();
  for (const path of ["/api/v1/byok", `/api/v1/byok/${id}`])
    expect(refusal(await gateway.ask(path))).toEqual([403, "wrong_key_type"]);
  expect(refusal(await gateway.ask("/api/v1/byok", { key: null }))).toEqual([
    401,
    "missing_api_key",
  ]);
  const body = { provider: "openai", key: secret };
  expect(refusal(await gateway.ask("/api/v1/byok", { body }))).toEqual([403, "wrong_key_type"]);
});

test("another account's key looks like one that does not exist", async () => {
  const id = await made();
  const as = { key: strangers };
  for (const request of [{}, { method: "PATCH", body: { name: "taken" } }, { method: "DELETE" }]) {
    const foreign = await gateway.ask(`/api/v1/byok/${id}`, { ...as, ...request });
    const missing = await gateway.ask("/api/v1/byok/pk_missing", { ...as, ...request });
    expect(refusal(foreign)).toEqual([404, "not_found"]);
    expect(foreign.text).toBe(missing.text);
  }
  expect((await gateway.ask("/api/v1/byok", as)).text).toBe('{"data":[]}');
  expect((await gateway.manage(`/api/v1/byok/${id}`)).status).toBe(200);
  expect(listAt((await gateway.manage("/api/v1/byok")).json, "data")).toContainEqual(
    expect.objectContaining({ id }),
  );
});

test("a key that is deleted is gone, and not used by the next request", async () => {
  const id = await made({ always_use: true });
  const own = async () => at((await gateway.chat()).json, "usage.is_byok");
  expect(await own()).toBe(true);
  for (const one of listAt((await gateway.manage("/api/v1/byok")).json, "data"))
    await gateway.manage(`/api/v1/byok/${String(at(one, "id"))}`, { method: "DELETE" });
  expect(await own()).toBe(false);
  expect(refusal(await gateway.manage(`/api/v1/byok/${id}`))).toEqual([404, "not_found"]);
});

test("a secret is replaced, its provider is not", async () => {
  const id = await made();
  const changed = await patch(id, { key: "sk-renewed-canary-9999" });
  expect(at(changed.json, "data.label")).toBe("sk-...9999");
  const moved = await patch(id, { provider: "mistral" });
  expect([...refusal(moved), at(moved.json, "error.param")]).toEqual([
    400,
    "invalid_value",
    "provider",
  ]);
});

test("no secret is in any file, copy, log line or answer, whatever is done with it", async () => {
  const id = await made();
  const texts = [
    (await gateway.manage("/api/v1/byok")).text,
    (await gateway.manage(`/api/v1/byok/${id}`)).text,
    (await create(`{"key": "${secret}`)).text,
    (await create({ key: secret, provider: secret })).text,
    (await patch(id, { name: 7, key: secret })).text,
    (await gateway.manage(`/api/v1/byok/${secret}`)).text,
    (await gateway.chat()).text,
    (await gateway.ask("/v1/providers")).text,
    (await gateway.ask("/openai/v1/models")).text,
  ];
  await gateway.until(() => true);
  await backup(gateway.store, join(gateway.folder, "copy.db"));
  for (const text of [...texts, gateway.logged()]) expect(text).not.toContain(secret);
  for (const name of readdirSync(gateway.folder))
    expect([name, readFileSync(join(gateway.folder, name)).includes(secret)]).toEqual([
      name,
      false,
    ]);
});
