import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { type Receiver, signatureOf, startReceiver, typesOf } from "#test/webhook/kit.ts";

let gateway: TestGateway;
let receiver: Receiver;
let strangers: string;
beforeAll(async () => {
  receiver = startReceiver();
  gateway = await startGateway({ config: (config) => (config.webhooks.allowPrivate = true) });
  strangers = await gateway.stranger({ type: "management" });
});
afterAll(async () => {
  await gateway.close();
  await receiver[Symbol.asyncDispose]();
});

const create = (body: unknown) => gateway.manage("/api/v1/webhooks", { body });
async function made(body: Record<string, unknown> = {}): Promise<{ id: string; secret: string }> {
  const { status, json, text } = await create({ name: "mine", url: receiver.url, ...body });
  expect([status, text]).toEqual([201, text]);
  return { id: String(at(json, "endpoint.id")), secret: String(at(json, "secret")) };
}
const remove = (id: string) => gateway.manage(`/api/v1/webhooks/${id}`, { method: "DELETE" });

test("a request's usage record arrives signed, without a word of it", async () => {
  const { id, secret } = await made({ event_types: ["generation.completed"] });
  const canary = "canary-of-a-prompt";
  const answered = await gateway.chat({ messages: [{ role: "user", content: canary }] });
  const [event] = await receiver.came(1);
  if (event === undefined) throw new Error("Nothing came");
  expect(event.headers.get("webhook-signature")).toBe(signatureOf(event, secret));
  expect(event.headers.get("webhook-id")).toBe(String(at(event.json, "id")));
  const generation = at(answered.json, "lowrouter.generation_id");
  expect(at(event.json, "type")).toBe("generation.completed");
  expect(at(event.json, "data.generation_id")).toBe(generation);
  const record = await gateway.ask(`/v1/generation/${String(generation)}`);
  for (const path of [
    "provider",
    "region",
    "prompt_tokens",
    "usage.cost",
    "eco.energy_wh",
    "eco.carbon_g",
    "eco.methodology_version",
    "key_id",
    "status",
  ])
    expect([path, at(event.json, `data.${path}`)]).toEqual([path, at(record.json, path)]);
  expect(at(event.json, "data.routing_trace")).toBeUndefined();
  expect(event.body).not.toContain(canary);
  const words = String(at(answered.json, "choices.0.message.content"));
  expect(event.body).not.toContain(words);
  await remove(id);
});

test("a webhook is made, read, changed and deleted", async () => {
  const body = {
    name: "billing",
    url: receiver.url,
    event_types: ["credits.low", "credits.exhausted"],
    api_key_hashes: ["a".repeat(64)],
  };
  const { json } = await create(body);
  const endpoint = at(json, "endpoint");
  expect(endpoint).toMatchObject({ ...body, disabled: false, updated_at: null, failures: 0 });
  expect(String(at(json, "secret"))).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const id = String(at(endpoint, "id"));
  expect(id).toStartWith("whk_");
  for (const base of ["/v1", "/api/v1"]) {
    const read = await gateway.manage(`${base}/webhooks/${id}`);
    expect([read.status, at(read.json, "data")]).toEqual([200, endpoint]);
    const listed = await gateway.manage(`${base}/webhooks`);
    expect(listAt(listed.json, "data")).toContainEqual(endpoint);
    expect(listed.text).not.toContain("whsec_");
  }
  const change = { disabled: true, event_types: null, name: "other" };
  const changed = await gateway.manage(`/api/v1/webhooks/${id}`, { method: "PATCH", body: change });
  expect(at(changed.json, "data")).toMatchObject({
    ...body,
    disabled: true,
    event_types: [],
    name: "other",
  });
  expect((await remove(id)).json).toEqual({ data: { deleted: true } });
  expect(refusal(await gateway.manage(`/api/v1/webhooks/${id}`))).toEqual([404, "not_found"]);
  const audit = await gateway.store.read(
    "SELECT action, detail FROM audit_event WHERE target = ? ORDER BY id",
    [id],
  );
  expect(audit.map((row) => row["action"])).toEqual([
    "webhook.created",
    "webhook.changed",
    "webhook.deleted",
  ]);
  expect(JSON.stringify(audit)).not.toContain(receiver.url);
});

test("what cannot be audited is not done", async () => {
  const { id } = await made();
  const all = "SELECT id, name, envelope FROM webhook ORDER BY id";
  const before = await gateway.store.read(all, []);
  const trigger = `CREATE TRIGGER full_log BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'full'); END`;
  await gateway.store.write([{ sql: trigger, args: [] }]);
  const statuses: number[] = [];
  for (const ask of [
    () => create({ name: "another", url: receiver.url }),
    () => gateway.manage(`/api/v1/webhooks/${id}`, { method: "PATCH", body: { name: "other" } }),
    () => gateway.manage(`/api/v1/webhooks/${id}/rotate-secret`, { method: "POST" }),
    () => remove(id),
  ])
    statuses.push((await ask()).status);
  const after = await gateway.store.read(all, []);
  await gateway.store.write([{ sql: "DROP TRIGGER full_log", args: [] }]);
  expect(statuses.filter((status) => status < 500)).toEqual([]);
  expect(after).toEqual(before);
  await remove(id);
});

test("all that is done to a webhook is audited with the key and the address that it came from", async () => {
  const { id } = await made({ event_types: ["generation.completed"] });
  const before = receiver.got.length;
  await gateway.chat();
  await receiver.came(before + 1);
  const listed = await gateway.manage(`/api/v1/webhooks/${id}/deliveries`);
  const path = `/api/v1/webhooks/${id}`;
  const headers = { "x-forwarded-for": "198.51.100.7" };
  const paths: [string, string, unknown?][] = [
    ["PATCH", path, { name: "other" }],
    ["POST", `${path}/rotate-secret`],
    ["POST", `${path}/test`],
    ["POST", `${path}/deliveries/${String(at(listed.json, "data.0.id"))}/replay`],
    ["DELETE", path],
  ];
  for (const [method, of, body] of paths)
    expect((await gateway.manage(of, { method, headers, body })).status).toBeLessThan(300);
  const audit = await gateway.store.read(
    "SELECT action, actor, address FROM audit_event WHERE target = ? ORDER BY id",
    [id],
  );
  expect(audit.map((row) => [row["action"], row["address"]])).toEqual([
    ["webhook.created", "127.0.0.1"],
    ["webhook.changed", "198.51.100.7"],
    ["webhook.secret_rotated", "198.51.100.7"],
    ["webhook.tested", "198.51.100.7"],
    ["webhook.replayed", "198.51.100.7"],
    ["webhook.deleted", "198.51.100.7"],
  ]);
  expect(new Set(audit.map((row) => String(row["actor"]).length))).toEqual(new Set([64]));
});

test.each<[string, Record<string, unknown>, string, string]>([
  ["no name", { name: undefined }, "missing_field", "name"],
  ["no address", { url: undefined }, "missing_field", "url"],
  ["an empty name", { name: "" }, "invalid_value", "name"],
  ["an address that is none", { url: "canary" }, "invalid_value", "url"],
  ["another scheme", { url: "file:///canary" }, "invalid_value", "url"],
  ["an address with a user", { url: "https://canary:word@1.1.1.1/" }, "invalid_value", "url"],
  ["an unknown event", { event_types: ["canary"] }, "invalid_value", "event_types.0"],
  ["events that are no list", { event_types: "credits.low" }, "invalid_value", "event_types"],
  ["a hash that is none", { api_key_hashes: ["canary"] }, "invalid_value", "api_key_hashes.0"],
  ["a flag in text", { disabled: "true" }, "invalid_value", "disabled"],
  ["an unknown member", { secret: "whsec_canary" }, "invalid_value", "secret"],
  ["an unknown member that is a secret", { "whsec-canary": 1 }, "invalid_value", "?"],
])("%s is a 400 that names it and quotes nothing", async (_, parts, code, param) => {
  const refused = await create({ name: "mine", url: receiver.url, ...parts });
  expect([...refusal(refused), at(refused.json, "error.param")]).toEqual([400, code, param]);
  expect(refused.text).not.toContain("canary");
  const { id } = await made();
  const { name: _name, url: _url, ...rest } = parts;
  const given = Object.values(parts).some((value) => value !== undefined) ? parts : rest;
  const patched = await gateway.manage(`/api/v1/webhooks/${id}`, { method: "PATCH", body: given });
  expect(patched.status).toBe(code === "missing_field" ? 200 : 400);
  await remove(id);
});

test("a body that is no JSON is a 400, one that is too long a 413", async () => {
  expect(refusal(await create("{"))).toEqual([400, "invalid_json"]);
  expect(refusal(await create({ name: "x".repeat(70_000) }))).toEqual([413, "body_too_large"]);
});

const paths: [method: string, path: string][] = [
  ["GET", ""],
  ["PATCH", ""],
  ["DELETE", ""],
  ["POST", "/rotate-secret"],
  ["POST", "/test"],
  ["GET", "/deliveries"],
  ["POST", "/deliveries/DELIVERY/replay"],
];

test.each(paths)(
  "%s …%s of another account's webhook is a 404, as of none",
  async (method, path) => {
    const { id } = await made();
    await gateway.chat();
    const { json } = await gateway.manage(`/api/v1/webhooks/${id}/deliveries`);
    const delivery = String(at(json, "data.0.id"));
    const body = method === "PATCH" ? { body: { disabled: true } } : {};
    const ask = (of: string, key: string) =>
      gateway.ask(`/api/v1/webhooks/${of}${path.replace("DELIVERY", delivery)}`, {
        method,
        key,
        ...body,
      });
    const foreign = await ask(id, strangers);
    const none = await ask("whk_none", strangers);
    expect(refusal(foreign)).toEqual([404, "not_found"]);
    expect(foreign.text).toBe(none.text.replaceAll("whk_none", id));
    expect(refusal(await ask(id, gateway.key))).toEqual([403, "wrong_key_type"]);
    const still = await gateway.manage(`/api/v1/webhooks/${id}`);
    expect(at(still.json, "data.disabled")).toBe(false);
    // And of a webhook of one's own, another webhook's delivery.
    if (path.includes("DELIVERY")) {
      const { id: other } = await made();
      expect(refusal(await ask(other, gateway.managementKey))).toEqual([404, "not_found"]);
      await remove(other);
    }
    await remove(id);
  },
);

test("a stranger's list holds nothing of ours, and its events do not come to us", async () => {
  const { id } = await made({ event_types: ["generation.completed"] });
  const listed = await gateway.ask("/api/v1/webhooks", { key: strangers });
  expect(listAt(listed.json, "data")).toEqual([]);
  const before = receiver.got.length;
  const own = await gateway.chatAs(await gateway.stranger());
  expect(own.status).toBe(200);
  await gateway.chat();
  const after = (await receiver.came(before + 1)).slice(before);
  expect(after.map((one) => at(one.json, "account_id"))).toEqual([gateway.accountId]);
  await remove(id);
});

test("deliveries show their tries and what was sent, page by page, and can be replayed", async () => {
  const { id, secret } = await made({ event_types: ["generation.completed"] });
  const before = receiver.got.length;
  for (let time = 0; time < 3; time++) await gateway.chat();
  await receiver.came(before + 3);
  await gateway.until(async () => {
    const { json } = await gateway.manage(`/api/v1/webhooks/${id}/deliveries`);
    return listAt(json, "data").every((one) => at(one, "state") === "delivered");
  });
  const first = await gateway.manage(`/api/v1/webhooks/${id}/deliveries?page_size=2`);
  const token = String(at(first.json, "next_page_token"));
  const second = await gateway.manage(
    `/api/v1/webhooks/${id}/deliveries?page_size=2&page_token=${token}`,
  );
  const all = [...listAt(first.json, "data"), ...listAt(second.json, "data")];
  expect(all.length).toBe(3);
  expect(at(second.json, "next_page_token")).toBeNull();
  expect(all[0]).toMatchObject({
    type: "generation.completed",
    attempts: 1,
    next_at: null,
    tries: [{ status: 204, reason: null }],
    payload: { id: at(all[0], "event_id"), account_id: gateway.accountId },
  });
  const again = await gateway.manage(
    `/api/v1/webhooks/${id}/deliveries/${String(at(all[0], "id"))}/replay`,
    { method: "POST" },
  );
  expect([again.status, at(again.json, "data.event_id")]).toEqual([201, at(all[0], "event_id")]);
  const replayed = (await receiver.came(before + 4)).at(-1);
  expect(replayed?.headers.get("webhook-id")).toBe(String(at(all[0], "event_id")));
  if (replayed)
    expect(replayed.headers.get("webhook-signature")).toBe(signatureOf(replayed, secret));
  await remove(id);
});

test("a rotated secret is shown once, and signs with the one before", async () => {
  const { id, secret } = await made({ event_types: ["credits.low"] });
  const rotated = await gateway.manage(`/api/v1/webhooks/${id}/rotate-secret`, { method: "POST" });
  const next = String(at(rotated.json, "secret"));
  expect(next).not.toBe(secret);
  const before = receiver.got.length;
  const tested = await gateway.manage(`/api/v1/webhooks/${id}/test`, { method: "POST" });
  expect(at(tested.json, "data")).toMatchObject({ state: "delivered", type: "webhook.test" });
  const event = receiver.got[before];
  if (event === undefined) throw new Error("Nothing came");
  expect(event.headers.get("webhook-signature")?.split(" ")).toEqual(
    [next, secret].map((one) => signatureOf(event, one)),
  );
  expect(typesOf([event])).toEqual(["webhook.test"]);
  await remove(id);
});

test("fifty webhooks are enough", async () => {
  const ids: string[] = [];
  for (let left = 50; left > 0; left--) ids.push((await made({ disabled: true })).id);
  const refused = await create({ name: "one more", url: receiver.url });
  expect(refusal(refused)).toEqual([400, "invalid_value"]);
  expect(listAt((await gateway.manage("/api/v1/webhooks")).json, "data").length).toBe(50);
  for (const id of ids) await remove(id);
});
