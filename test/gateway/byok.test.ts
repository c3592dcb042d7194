import { afterEach, expect, test } from "bun:test";
import { addProviderKey, removeProviderKey } from "#src/account/provider-keys.ts";
import { rotateMasterKey } from "#src/account/rotate.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { keyPlaceOf } from "#src/shared-keys.ts";
import {
  at,
  eventsOf,
  type GatewayOptions,
  listAt,
  refusal,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/** What an upstream answers to a key; 10 tokens in and 5 out unless it fails. */
type Script = (key: string) => Response | Promise<Response>;

const works: Script = () => completion("Hi");
const failing = (status: number, headers: Record<string, string> = {}) =>
  Response.json({ error: { message: "scripted" } }, { status, headers });

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let script: Script = works;
/** Keys in the order in which the upstream saw them. */
let seen: string[] = [];
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

async function start(change: (config: Config) => void = () => {}, options: GatewayOptions = {}) {
  seen = [];
  script = works;
  upstream = scriptedUpstream((request) => {
    const key = (request.headers.get("authorization") ?? "").replace("Bearer ", "");
    seen.push(key);
    return script(key);
  });
  gateway = await startGateway({
    ...options,
    config(config) {
      config.providers = { openai: { base_urls: { "us-east": upstream.url } } };
      const { secret } = config;
      config.secret = (name) => environment[name] ?? secret(name);
      change(config);
    },
  });
}

const environment: Record<string, string> = {
  OPENAI_API_KEY: "sk-of-the-operator",
  KEY_2: "sk-second",
};
const operators = "sk-of-the-operator";
const own = "sk-own-of-the-account-AbCd";

async function keep(body: Record<string, unknown> = {}): Promise<string> {
  const made = await gateway.manage("/api/v1/byok", {
    body: { provider: "openai", key: own, ...body },
  });
  expect([made.status, made.text]).toEqual([201, made.text]);
  return String(at(made.json, "data.id"));
}

/** The newest row of the ledger. */
async function lastRow() {
  const rows = await gateway.store.read("SELECT * FROM generation ORDER BY id DESC LIMIT 1", []);
  return rows[0] ?? {};
}

/** Decisions of the newest row's trace. */
async function lastTrace() {
  const trace: unknown = JSON.parse(String((await lastRow())["trace"]));
  return listAt({ trace }, "trace").map((entry) =>
    [
      at(entry, "decision"),
      at(entry, "reason"),
      at(entry, "credential") === undefined ? "" : (at(entry, "is_byok") ?? false),
    ].join(" "),
  );
}

test("an own key is used first, and marked in the answer, its row and its trace; it costs nothing here", async () => {
  await start();
  expect((await gateway.chat()).status).toBe(200);
  const before = await gateway.balance();
  await keep();
  const answer = await gateway.chat();
  expect(seen).toEqual([operators, own]);
  expect(at(answer.json, "usage.is_byok")).toBe(true);
  expect(at(answer.json, "usage.cost")).toBe(0);
  expect(at(answer.json, "usage.cost_details.upstream_inference_cost")).toBeGreaterThan(0);
  expect(await lastRow()).toMatchObject({ is_byok: 1, cost: 0, provider: "openai" });
  expect(await lastTrace()).toContainEqual(expect.stringMatching(/^selected .* true$/));
  expect(await gateway.balance()).toBe(before);
  expect(await gateway.imbalances()).toBe(0);
});

test("what own keys cost is counted apart, for the key and in the activity", async () => {
  await start();
  await keep();
  const answer = await gateway.chat();
  const price = Number(at(answer.json, "usage.cost_details.upstream_inference_cost"));
  const self = await gateway.ask("/v1/key");
  expect(at(self.json, "data.usage")).toBe(0);
  expect(at(self.json, "data.byok_usage")).toBeCloseTo(price, 12);
  const activity = await gateway.manage("/api/v1/activity?group_by=day,model");
  expect(at(activity.json, "data.0.usage")).toBe(0);
  expect(at(activity.json, "data.0.byok_usage_inference")).toBeCloseTo(price, 12);
});

test("another account's requests never meet it", async () => {
  await start();
  await keep();
  const stranger = await gateway.stranger();
  expect((await gateway.chatAs(stranger)).status).toBe(200);
  expect(seen).toEqual([operators]);
});

test.each([401, 429, 500])(
  "after a %d the operator's key stands in, and is paid",
  async (status) => {
    await start();
    await keep();
    script = (key) => (key === own ? failing(status) : completion("Hi"));
    const answer = await gateway.chat();
    expect([answer.status, at(answer.json, "usage.is_byok")]).toEqual([200, false]);
    expect(seen).toEqual([own, operators]);
    expect(Number((await lastRow())["cost"])).toBeGreaterThan(0);
  },
);

const proxied = () =>
  gateway.ask("/openai/v1/chat/completions", {
    body: { model: "gpt-4o-mini", max_tokens: 20, messages: [{ role: "user", content: "Hello" }] },
  });

test.each([401, 500])(
  "a proxied call is sent once; the operator's key stands in for an own one after three of %d",
  async (status) => {
    await start();
    await keep();
    script = (key) => (key === own ? failing(status) : completion("Hi"));
    const statuses: number[] = [];
    for (let count = 0; count < 4; count++) statuses.push((await proxied()).status);
    expect(statuses).toEqual([status, status, status, 200]);
    expect(seen).toEqual([own, own, own, operators]);
    expect(await lastRow()).toMatchObject({ is_byok: 0, status: "ok" });
    expect(await gateway.imbalances()).toBe(0);
  },
);

test("with always_use, a proxied call goes on with an own key that is known not to work", async () => {
  await start();
  await keep({ always_use: true });
  script = (key) => (key === own ? failing(401) : completion("Hi"));
  for (let count = 0; count < 4; count++) await proxied();
  expect(new Set(seen)).toEqual(new Set([own]));
});

test("an account that cannot pay keeps to its own key through the proxy, well or not", async () => {
  await start(undefined, { balance: 0 });
  await keep();
  script = () => failing(500);
  for (let count = 0; count < 4; count++) expect((await proxied()).status).not.toBe(402);
  expect(seen).not.toContain(operators);
});

test.each([401, 429, 500])("with always_use nothing stands in after a %d", async (status) => {
  await start();
  await keep({ always_use: true });
  script = (key) => (key === own ? failing(status) : completion("Hi"));
  const answer = await gateway.chat();
  expect(answer.status).not.toBe(200);
  expect(new Set(seen)).toEqual(new Set([own]));
});

test("with always_use nothing stands in where the key is not", async () => {
  await start((config) => {
    config.providers = {
      openai: { base_urls: { "us-east": upstream.url, "eu-west": upstream.url } },
    };
  });
  await keep({ always_use: true, region: "eu-west" });
  const at = (region: string) => gateway.chat({ route: { region } });
  expect((await at("us-east")).status).toBe(503);
  expect(seen).toEqual([]);
  expect((await at("eu-west")).status).toBe(200);
  expect(seen).toEqual([own]);
});

test("a fallback key is used after the operator's", async () => {
  await start();
  await keep({ is_fallback: true });
  expect((await gateway.chat()).status).toBe(200);
  script = (key) => (key === own ? completion("Hi") : failing(401));
  expect(at((await gateway.chat()).json, "usage.is_byok")).toBe(true);
  expect(seen).toEqual([operators, operators, own]);
});

test("a key for some models and some API keys is used for those alone", async () => {
  await start();
  const id = await keep({ allowed_models: ["openai/gpt-5.4"] });
  await gateway.chat();
  const change = (body: unknown) => gateway.manage(`/api/v1/byok/${id}`, { method: "PATCH", body });
  await change({ allowed_models: ["gpt-4o-mini"], supported_models: ["gpt-5.4"] });
  await gateway.chat();
  await change({ supported_models: [] });
  await gateway.chat();
  await change({ allowed_api_key_hashes: ["0".repeat(64)] });
  await gateway.chat();
  await change({ allowed_api_key_hashes: null });
  await gateway.chat();
  await change({ disabled: true });
  await gateway.chat();
  expect(seen).toEqual([operators, operators, own, operators, own, operators]);
});

test("an own key with an own address opens a provider that the operator has none for, to its account", async () => {
  await start((config) => {
    config.providers = {};
    config.limits.byokPrivateAddresses = true;
    config.secret = () => undefined;
  });
  const model = "mistral/mistral-small-2603";
  expect((await gateway.chat({ model })).status).toBe(503);
  await keep({ provider: "mistral", base_url: upstream.url, region: "eu-west" });
  const answer = await gateway.chat({ model });
  expect([answer.status, seen]).toEqual([200, [own]]);
  expect(at(answer.json, "lowrouter.region")).toBe("eu-west");
  expect((await gateway.chat({ model: "lowrouter/auto" })).status).toBe(200);
  expect((await gateway.chatAs(await gateway.stranger(), { model })).status).toBe(503);
});

test("the fee is a share of the price, and the first of a month may be free", async () => {
  await start((config) => {
    config.billing.byokFeePct = 5;
    config.billing.byokFreeMonthly = 2;
  });
  await keep();
  const costs: unknown[] = [];
  for (let count = 0; count < 3; count++) {
    const { json } = await gateway.chat();
    costs.push([at(json, "usage.cost"), at(json, "usage.cost_details.upstream_inference_cost")]);
  }
  const price = Number(at(costs, "2.1"));
  expect(costs).toEqual([
    [0, price],
    [0, price],
    [Math.ceil(price * 1e9 * 0.05) / 1e9, price],
  ]);
  expect(await gateway.imbalances()).toBe(0);
});

test("an account without credit is served on its own key alone", async () => {
  await start(undefined, { balance: 0 });
  expect(refusal(await gateway.chat())).toEqual([402, "insufficient_credits"]);
  await keep();
  expect((await gateway.chat()).status).toBe(200);
  script = () => failing(401);
  expect((await gateway.chat()).status).toBe(502);
  expect(new Set(seen)).toEqual(new Set([own]));
});

test("requests beyond a key's own rate go to the next, and are refused with a time where there is none", async () => {
  await start();
  const id = await keep({ rpm_limit: 2 });
  for (let count = 0; count < 3; count++) await gateway.chat();
  expect(seen).toEqual([own, own, operators]);
  expect(await lastTrace()).toContainEqual(expect.stringMatching(/^filtered key_rate_limit true$/));
  await gateway.manage(`/api/v1/byok/${id}`, { method: "PATCH", body: { always_use: true } });
  const refused = await gateway.chat();
  expect(refusal(refused)).toEqual([429, "rate_limit_exceeded"]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(seen).toHaveLength(3);
});

test("a budget holds under 100 requests at once", async () => {
  await start();
  const probe = await gateway.chat({ max_tokens: 5 });
  const price = Number(at(probe.json, "usage.cost"));
  seen = [];
  // What is held is bounded by bytes, so each holds more than it costs.
  const budget = price * 20;
  const id = await keep({ always_use: true, daily_budget: budget });
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => gateway.chat({ max_tokens: 5 })),
  );
  const served = answers.filter(({ status }) => status === 200).length;
  const refused = answers.filter(({ status }) => status === 402).length;
  expect([served + refused, served > 0, served <= 20]).toEqual([100, true, true]);
  expect(seen.length).toBe(served);
  const [row] = await gateway.store.read(
    "SELECT used FROM allowance WHERE kind = 'provider_daily' AND owner = ?",
    [id],
  );
  expect(Number(row?.["used"])).toBe(Math.round(served * price * 1e9));
  // What others held and did not use is there again.
  for (let count = served; count < 100; count++) await gateway.chat({ max_tokens: 5 });
  const [end] = await gateway.store.read(
    "SELECT used FROM allowance WHERE kind = 'provider_daily' AND owner = ?",
    [id],
  );
  expect(Number(end?.["used"])).toBeLessThanOrEqual(Math.round(budget * 1e9));
  expect(Number(end?.["used"])).toBeGreaterThan(Math.round(budget * 0.5e9));
});

const several = (config: Config) => {
  config.providers = {
    openai: { base_urls: { "us-east": upstream.url }, keys: [{ env: "KEY_2", weight: 3 }] },
  };
};

test("several keys of the operator are taken by their weights", async () => {
  await start(several);
  for (let count = 0; count < 200; count++) await gateway.chat();
  const second = seen.filter((key) => key === "sk-second").length;
  // 150 expected; six standard deviations.
  expect(Math.abs(second - 150)).toBeLessThan(37);
});

test("a key that is refused leaves the place to the next, and is left alone", async () => {
  await start(several);
  script = (key) => (key === "sk-second" ? failing(401) : completion("Hi"));
  for (let count = 0; count < 40; count++) expect((await gateway.chat()).status).toBe(200);
  expect(seen.filter((key) => key === "sk-second")).toHaveLength(3);
  const providers = await gateway.ask("/v1/providers");
  expect(providers.text).not.toContain("sk-second");
});

test("a rate limit of one key moves on to the next", async () => {
  await start((config) => {
    config.providers = {
      openai: {
        base_urls: { "us-east": upstream.url },
        keys: [
          { env: "OPENAI_API_KEY", rpm: 3 },
          { env: "KEY_2", rpm: 4 },
        ],
      },
    };
  });
  const statuses = [];
  for (let count = 0; count < 8; count++) statuses.push((await gateway.chat()).status);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 429]);
  expect(seen.filter((key) => key === "sk-second")).toHaveLength(4);
});

test("a place that fails is left with all its keys before it is asked with another", async () => {
  const other = scriptedUpstream(() => completion("Elsewhere"));
  await start((config) => {
    several(config);
    const { openai } = config.providers;
    if (openai) openai.base_urls = { "us-east": upstream.url, "eu-west": other.url };
  });
  script = () => failing(500);
  const answer = await gateway.chat({ provider: { order: ["openai/us-east", "openai/eu-west"] } });
  await other.stop();
  expect([answer.status, seen.length, other.requests()]).toEqual([200, 1, 1]);
});

test("through a provider's own path, an own key is used and marked too", async () => {
  await start();
  await keep();
  const answer = await gateway.ask("/openai/v1/chat/completions", {
    body: { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] },
  });
  expect([answer.status, seen]).toEqual([200, [own]]);
  await gateway.until(async () => (await lastRow())["is_byok"] === 1);
  expect(await lastRow()).toMatchObject({ is_byok: 1, cost: 0 });
});

test("a key that another process keeps is used, and one that it removes is not", async () => {
  await start();
  const config = loadConfig({ dataDir: gateway.folder }, {});
  const made = { clock: systemClock, ids: createIds(systemClock), place: keyPlaceOf(config) };
  const used = async () => at((await gateway.chat()).json, "usage.is_byok");
  const { accountId } = gateway;
  const secret = { kind: "key" as const, key: own };
  const key = await addProviderKey(gateway.store, made, {
    accountId,
    provider: "openai",
    label: "own",
    secret,
  });
  await gateway.until(async () => (await used()) === true);
  await rotateMasterKey(gateway.store, made.place);
  const second = await keep({ name: "after the rotation" });
  expect(await used()).toBe(true);
  await removeProviderKey(gateway.store, key.id);
  await removeProviderKey(gateway.store, second);
  await gateway.until(async () => (await used()) === false);
});

test("an operator's stored key takes the place of none, and stands beside one of the environment", async () => {
  await start();
  const config = loadConfig({ dataDir: gateway.folder }, {});
  const made = { clock: systemClock, ids: createIds(systemClock), place: keyPlaceOf(config) };
  const secret = { kind: "key" as const, key: "sk-stored-by-the-operator" };
  const stored = { provider: "openai", label: "stored", weight: 1000, secret };
  await addProviderKey(gateway.store, made, stored);
  await gateway.until(async () => {
    await gateway.chat();
    return seen.includes("sk-stored-by-the-operator");
  });
  const answer = await gateway.chat();
  expect(at(answer.json, "usage.is_byok")).toBe(false);
  script = (key) => (key === operators ? completion("Hi") : failing(401));
  expect((await gateway.chat()).status).toBe(200);
  const listed = await gateway.manage("/api/v1/byok");
  expect(listed.text).toBe('{"data":[]}');
});

test("the health of each of the operator's keys is told, and an own key's failures are nobody else's", async () => {
  await start(several);
  script = (key) => (key === "sk-second" || key === own ? failing(401) : completion("Hi"));
  await keep();
  for (let count = 0; count < 40; count++) await gateway.chat();
  const providers = await gateway.ask("/v1/providers");
  const openai = listAt(providers.json, "data").find((one) => at(one, "id") === "openai");
  const region = listAt(openai, "regions").find((one) => at(one, "id") === "us-east");
  const standing = at(region, "models.0");
  expect(at(standing, "status")).toBe("degraded");
  expect(at(standing, "credentials")).toEqual([
    { id: "env_1", status: "ok", reason: null },
    { id: "env_2", status: "unavailable", reason: "credential_refused" },
  ]);
  expect((await gateway.chatAs(await gateway.stranger())).status).toBe(200);
});

test("a streamed answer on an own key is marked, and its row too", async () => {
  gateway = await startGateway();
  upstream = scriptedUpstream(() => completion("unused"));
  await keep();
  const answer = await gateway.chat({ stream: true, stream_options: { include_usage: true } });
  const usages = eventsOf(answer.text).flatMap((event) => at(event, "usage") ?? []);
  expect(usages.map((usage) => at(usage, "is_byok"))).toContain(true);
  await gateway.until(async () => (await lastRow())["is_byok"] === 1);
  expect(await lastRow()).toMatchObject({ is_byok: 1, cost: 0, status: "ok" });
});

test("an address that an account chose is judged again at each connection", async () => {
  let reached = 0;
  const inside = scriptedUpstream(() => {
    reached++;
    return completion("Hi");
  });
  await start((config) => (config.limits.byokPrivateAddresses = true));
  await keep({ always_use: true, base_url: inside.url, region: "us-east" });
  expect([(await gateway.chat()).status, reached]).toEqual([200, 1]);
  await gateway.close();
  const { store, ...rest } = await startGateway({
    config(config) {
      config.providers = { openai: { base_urls: { "us-east": upstream.url } } };
    },
  });
  gateway = { store, ...rest };
  // As a row that was written while more was allowed, or whose name leads elsewhere by now.
  const id = await keep({ always_use: true, region: "us-east" });
  await store.write([
    { sql: "UPDATE provider_key SET base_url = ? WHERE id = ?", args: [inside.url, id] },
  ]);
  await gateway.manage(`/api/v1/byok/${id}`, { method: "PATCH", body: { name: "noticed" } });
  seen = [];
  expect((await gateway.chat()).status).toBe(502);
  await inside.stop();
  expect([reached, seen]).toEqual([1, []]);
});

test("a key's own rate holds on a provider's own path too, where the next key is taken", async () => {
  await start();
  const id = await keep({ rpm_limit: 1 });
  const ask = () =>
    gateway.ask("/openai/v1/chat/completions", {
      body: {
        model: "gpt-4o-mini",
        messages: [{ role: "user", content: "a rate of its own holds on a provider" }],
      },
    });
  expect([(await ask()).status, (await ask()).status, seen]).toEqual([200, 200, [own, operators]]);
  await gateway.manage(`/api/v1/byok/${id}`, { method: "PATCH", body: { always_use: true } });
  expect(refusal(await ask())).toEqual([429, "rate_limit_exceeded"]);
  expect(seen).toHaveLength(2);
});
