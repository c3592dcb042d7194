import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const create = (body: unknown) => gateway.manage("/api/v1/keys", { body });
const patch = (hash: string, body: unknown) =>
  gateway.manage(`/api/v1/keys/${hash}`, { method: "PATCH", body });

async function made(body: Record<string, unknown> = {}) {
  const { json } = await create({ name: "made", ...body });
  return { hash: String(at(json, "data.hash")), key: String(at(json, "key")) };
}

/** Each member of section 14: what is sent, and what the record says then. */
const members: [string, unknown, string, unknown][] = [
  ["name", "renamed", "name", "renamed"],
  ["limit", 150, "limit", 150],
  ["spending_limit", 151, "limit", 151],
  ["limit_usd", 152, "limit", 152],
  ["limit_reset", "weekly", "limit_reset", "weekly"],
  ["allowed_providers", ["openai", "anthropic"], "allowed_providers", ["openai", "anthropic"]],
  ["allowed_models", ["gpt-4o-mini"], "allowed_models", ["gpt-4o-mini"]],
  ["models", ["openai/gpt-4o-mini"], "allowed_models", ["openai/gpt-4o-mini"]],
  ["region", "eu-west", "region", "eu-west"],
  ["policy", "prefer-cheapest", "policy", "prefer-cheapest"],
  ["daily_credit_limit", 500, "daily_credit_limit", 500],
  ["monthly_credit_limit", 5000, "monthly_credit_limit", 5000],
  ["prefer_low_carbon", true, "prefer_low_carbon", true],
  ["enabled", false, "disabled", true],
  ["disabled", true, "disabled", true],
  ["rate_limit", { requests_per_minute: 60 }, "rate_limit.requests_per_minute", 60],
  ["rate_limit", { requests_per_day: 61 }, "rate_limit.requests_per_day", 61],
  ["rate_limit", { tokens_per_minute: 62 }, "rate_limit.tokens_per_minute", 62],
  ["rate_limit", { max_in_flight: 63 }, "rate_limit.max_in_flight", 63],
  ["carbon_budget_g", 2.5, "carbon_budget_g", 2.5],
  [
    "carbon_budget_action",
    { route_under_g_per_1k: 3 },
    "carbon_budget_action.route_under_g_per_1k",
    3,
  ],
  ["expires_at", "2099-12-31T23:59:59Z", "expires_at", "2099-12-31T23:59:59.000Z"],
];

describe.each(members)("%s %j", (name, value, path, shown) => {
  test("is kept when a key is made, and when it is changed", async () => {
    const created = await create({ name: "made", [name]: value });
    expect([created.status, at(created.json, `data.${path}`)]).toEqual([201, shown]);
    const { hash } = await made();
    const changed = await patch(hash, { [name]: value });
    expect([changed.status, at(changed.json, `data.${path}`)]).toEqual([200, shown]);
    const read = await gateway.manage(`/api/v1/keys/${hash}`);
    expect(at(read.json, "data")).toEqual(at(changed.json, "data"));
  });
});

test.each([
  ["limit", 5, "limit"],
  ["limit_reset", "daily", "limit_reset"],
  ["region", "eu-west", "region"],
  ["policy", "prefer-cheapest", "policy"],
  ["daily_credit_limit", 5, "daily_credit_limit"],
  ["monthly_credit_limit", 5, "monthly_credit_limit"],
  ["carbon_budget_g", 5, "carbon_budget_g"],
  ["expires_at", "2099-12-31T23:59:59Z", "expires_at"],
])("%s is removed by null, and kept by a change of another member", async (name, value, path) => {
  const { hash } = await made({ [name]: value });
  const kept = await patch(hash, { name: "other" });
  expect(at(kept.json, `data.${path}`)).not.toBeNull();
  const removed = await patch(hash, { [name]: null });
  expect([removed.status, at(removed.json, `data.${path}`)]).toEqual([200, null]);
});

test.each<[string, unknown, string]>([
  ["an unknown member", { limitt: 5 }, "limitt"],
  ["an unknown limit of rate", { rate_limit: { per_minute: 5 } }, "rate_limit.per_minute"],
  ["a negative limit", { limit: -1 }, "limit"],
  ["a limit in text", { limit: "5" }, "limit"],
  ["an unknown reset", { limit_reset: "hourly" }, "limit_reset"],
  ["an unknown region", { region: "atlantis" }, "region"],
  ["an unknown policy", { policy: "fastest" }, "policy"],
  [
    "no requests a minute",
    { rate_limit: { requests_per_minute: 0 } },
    "rate_limit.requests_per_minute",
  ],
  ["a date that is none", { expires_at: "tomorrow" }, "expires_at"],
  ["providers in one text", { allowed_providers: "openai" }, "allowed_providers"],
  ["a provider that nobody knows", { allowed_providers: ["openai", "opnai"] }, "allowed_providers"],
  ["an empty name", { name: "" }, "name"],
  ["a blank name", { name: " \t" }, "name"],
  ["an empty label", { label: "" }, "label"],
])("%s is refused by name, in creation and in change", async (_, body, param) => {
  const { hash } = await made();
  const before = await gateway.manage(`/api/v1/keys/${hash}`);
  const replies = [await create({ name: "made", ...Object(body) }), await patch(hash, body)];
  for (const reply of replies)
    expect([...refusal(reply), at(reply.json, "error.param")]).toEqual([
      400,
      "invalid_value",
      param,
    ]);
  expect((await gateway.manage(`/api/v1/keys/${hash}`)).json).toEqual(before.json);
});

test("a label alone names the key", async () => {
  expect(at((await create({ label: "labelled" })).json, "data.name")).toBe("labelled");
});

test("a key without a name is refused, and so is a body that is no object", async () => {
  const unnamed = await create({});
  expect([...refusal(unnamed), at(unnamed.json, "error.param")]).toEqual([
    400,
    "missing_field",
    "name",
  ]);
  expect(refusal(await create("{"))).toEqual([400, "invalid_json"]);
  for (const body of ["[]", "null", '"name"', "7"]) expect((await create(body)).status).toBe(400);
});

test("a disabled, an expired and a deleted key are 401 on the next request", async () => {
  const { hash, key } = await made();
  const status = async () => (await gateway.ask("/v1/key", { key })).status;
  expect(await status()).toBe(200);
  await patch(hash, { disabled: true });
  expect(await status()).toBe(401);
  await patch(hash, { disabled: false });
  expect(await status()).toBe(200);
  await patch(hash, { expires_at: "2020-01-01T00:00:00Z" });
  expect(await status()).toBe(401);
  await patch(hash, { expires_at: null });
  expect(await status()).toBe(200);
  await gateway.manage(`/api/v1/keys/${hash}`, { method: "DELETE" });
  expect(await status()).toBe(401);
  const again = await gateway.manage(`/api/v1/keys/${hash}`, { method: "DELETE" });
  expect(refusal(again)).toEqual([404, "key_not_found"]);
});

test("a limit that is lowered or removed rules the next request", async () => {
  const { hash, key } = await made();
  const status = async () => (await gateway.chatAs(key)).status;
  expect(await status()).toBe(200);
  await patch(hash, { limit: 0 });
  expect(await status()).toBe(402);
  await patch(hash, { limit: null });
  expect(await status()).toBe(200);
  await patch(hash, { rate_limit: { requests_per_minute: 1 } });
  expect([await status(), await status()]).toEqual([200, 429]);
  await patch(hash, { rate_limit: null });
  expect(await status()).toBe(200);
});

test("a secret is shown once: neither lists nor records nor the key itself repeat it", async () => {
  const { hash, key } = await made();
  expect(key).toStartWith("lr_live_");
  for (const path of [
    "/api/v1/keys?page_size=1000&include_disabled=true",
    `/api/v1/keys/${hash}`,
  ]) {
    const { text } = await gateway.manage(path);
    expect(text).toContain(key.slice(-4));
    expect(text).not.toContain(key);
  }
  expect((await gateway.ask("/v1/key", { key })).text).not.toContain(key);
});

test("a management key is made as such, and manages", async () => {
  const { key } = await made({ key_type: "management" });
  expect(key).toStartWith("lr_mgmt_");
  expect((await gateway.ask("/api/v1/keys", { key })).status).toBe(200);
});

test("pages of the list hold every key once; disabled ones only when asked for", async () => {
  const { hash } = await made({ disabled: true });
  const all = await gateway.manage("/api/v1/keys?page_size=1000&include_disabled=true");
  const enabled = await gateway.manage("/api/v1/keys?page_size=1000");
  const hashes = (json: unknown) => listAt(json, "data").map((one) => String(at(one, "hash")));
  expect(hashes(all.json)).toContain(hash);
  expect(hashes(enabled.json)).not.toContain(hash);
  const paged: string[] = [];
  for (let offset = 0; offset < hashes(all.json).length; offset += 7) {
    const page = await gateway.manage(
      `/api/v1/keys?page_size=7&offset=${offset}&include_disabled=true`,
    );
    paged.push(...hashes(page.json));
  }
  expect(paged).toEqual(hashes(all.json));
});

test("the pages of a list lead on by their tokens, past keys that are made and deleted meanwhile", async () => {
  const hashes = (json: unknown) => listAt(json, "data").map((one) => String(at(one, "hash")));
  const ours = new Set<string>();
  for (let count = 0; count < 5; count++) ours.add((await made()).hash);
  const before = hashes((await gateway.manage("/api/v1/keys?page_size=1000")).json);
  const paged: string[] = [];
  let token: unknown = "";
  while (typeof token === "string") {
    const { json } = await gateway.manage(`/api/v1/keys?page_size=2&page_token=${token}`);
    paged.push(...hashes(json));
    token = at(json, "next_page_token");
    await made();
    const last = paged.at(-1) ?? "";
    if (ours.has(last)) await gateway.manage(`/api/v1/keys/${last}`, { method: "DELETE" });
  }
  expect(paged).toEqual(before);
  const whole = await gateway.manage(`/api/v1/keys?page_size=1000`);
  expect(at(whole.json, "next_page_token")).toBeNull();
});

test("another account's key is not found, and stays as it is", async () => {
  const { hash } = await made();
  const other = await gateway.stranger({ type: "management" });
  const replies = [
    await gateway.ask(`/api/v1/keys/${hash}`, { key: other }),
    await gateway.ask(`/api/v1/keys/${hash}`, {
      key: other,
      method: "PATCH",
      body: { disabled: true },
    }),
    await gateway.ask(`/api/v1/keys/${hash}`, { key: other, method: "DELETE" }),
  ];
  expect(replies.map(refusal)).toEqual(replies.map(() => [404, "key_not_found"]));
  const { json } = await gateway.manage(`/api/v1/keys/${hash}`);
  expect(at(json, "data.disabled")).toBe(false);
  const listed = await gateway.ask("/api/v1/keys?include_disabled=true", { key: other });
  expect(listAt(listed.json, "data")).toHaveLength(1);
});

test("a member that nobody knows is named, unless it is as long as a body", async () => {
  const long = await create({ name: "made", ["x".repeat(100_000)]: 1 });
  expect([long.status, at(long.json, "error.param")]).toEqual([400, "?"]);
  expect(long.text.length).toBeLessThan(500);
  const short = await create({ name: "made", limt: 1 });
  expect([short.status, at(short.json, "error.param")]).toEqual([400, "limt"]);
});

describe("the type of a key", () => {
  test.each(["regular", "management"] as const)(
    "%s is taken again where it is changed, and another is refused, with all that came with it",
    async (type) => {
      const { hash } = await made({ key_type: type });
      const same = await patch(hash, { key_type: type, name: "same" });
      expect([same.status, at(same.json, "data.name")]).toEqual([200, "same"]);
      const other = type === "regular" ? "management" : "regular";
      const reply = await patch(hash, { key_type: other, name: "other" });
      expect(refusal(reply)).toEqual([400, "invalid_value"]);
      expect(at(reply.json, "error.param")).toBe("key_type");
      const { json } = await gateway.manage(`/api/v1/keys/${hash}`);
      expect([at(json, "data.key_type"), at(json, "data.name")]).toEqual([type, "same"]);
    },
  );

  test("of a key that there is not is a 404", async () => {
    expect(refusal(await patch("none", { key_type: "regular" }))).toEqual([404, "key_not_found"]);
  });
});

test.each<[Record<string, unknown>, string, string]>([
  [{ limit: 5, spending_limit: 6 }, "limit", "spending_limit"],
  [{ limit: null, limit_usd: 6 }, "limit", "limit_usd"],
  [{ spending_limit: 0, limit_usd: 0.5 }, "spending_limit", "limit_usd"],
  [{ allowed_models: ["openai/*"], models: [] }, "allowed_models", "models"],
  [{ enabled: true, disabled: true }, "enabled", "disabled"],
])(
  "%j says one thing twice and differently: refused, and nothing changes",
  async (body, one, other) => {
    const { hash } = await made({ limit: 3 });
    const before = await gateway.manage(`/api/v1/keys/${hash}`);
    for (const reply of [await create({ name: "made", ...body }), await patch(hash, body)]) {
      expect([...refusal(reply), at(reply.json, "error.param")]).toEqual([
        400,
        "invalid_value",
        other,
      ]);
      expect(at(reply.json, "error.message")).toContain(`both "${one}" and "${other}"`);
    }
    expect((await gateway.manage(`/api/v1/keys/${hash}`)).json).toEqual(before.json);
  },
);

test("what says the same thing twice alike is taken, as the record shows it", async () => {
  const { hash } = await made({ limit: 3 });
  const twice = { limit: 4, spending_limit: 4, models: ["openai/*"], allowed_models: ["openai/*"] };
  // A label may be another name: some clients send both.
  const same = { enabled: false, disabled: true, name: "one", label: "two" };
  const reply = await patch(hash, { ...twice, ...same });
  expect([reply.status, at(reply.json, "data.limit"), at(reply.json, "data.disabled")]).toEqual([
    200,
    4,
    true,
  ]);
});
