import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import * as v from "valibot";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startGateway()));
afterAll(() => gateway.close());
beforeEach(() => patch({ carbon_budget_g: null }));

const keyRecords = v.array(
  v.looseObject({ hash: v.string(), carbon_resets_at: v.nullable(v.string()) }),
);

const show = () => gateway.manage("/api/v1/account");
const patch = (body: unknown) => gateway.manage("/api/v1/account", { method: "PATCH", body });

test("an account's budget is set, shown with what is left, met by the next request, and lifted", async () => {
  expect(at((await show()).json, "data.carbon_budget_g")).toBeNull();
  expect((await gateway.chat()).status).toBe(200);
  const set = await patch({ carbon_budget_g: 0, carbon_budget_reset: "daily" });
  expect(set.status).toBe(200);
  expect(set.json).toMatchObject({
    data: {
      id: gateway.accountId,
      carbon_budget_g: 0,
      carbon_budget_reset: "daily",
      carbon_budget_action: "refuse",
      carbon_left_g: 0,
    },
  });
  expect(Number(at(set.json, "data.carbon_used_g"))).toBeGreaterThan(0);
  expect(String(at(set.json, "data.carbon_resets_at"))).toEndWith("T00:00:00.000Z");
  expect(refusal(await gateway.chat())).toEqual([402, "carbon_budget_reached"]);
  const wider = await patch({ carbon_budget_g: 1000 });
  expect(at(wider.json, "data.carbon_budget_reset")).toBe("daily");
  expect((await gateway.chat()).status).toBe(200);
  expect(at((await patch({ carbon_budget_g: null })).json, "data.carbon_budget_action")).toBeNull();
});

test("the action is kept as it was given", async () => {
  const action = { route_under_g_per_1k: 0.2 };
  const set = await patch({ carbon_budget_g: 5, carbon_budget_action: action });
  expect(at(set.json, "data.carbon_budget_action")).toEqual(action);
  expect(
    at((await patch({ carbon_budget_reset: "daily" })).json, "data.carbon_budget_action"),
  ).toEqual(action);
});

test.each([
  [{ carbon_budget_g: -1 }, "carbon_budget_g"],
  [{ carbon_budget_g: "5" }, "carbon_budget_g"],
  [{ carbon_budget_g: 5, carbon_budget_reset: "weekly" }, "carbon_budget_reset"],
  [{ carbon_budget_g: 5, carbon_budget_action: "warn" }, "carbon_budget_action"],
  [{ carbon_budget: 5 }, "carbon_budget"],
])("%j is refused with the member's name", async (body, member) => {
  const reply = await patch(body);
  expect(refusal(reply)).toEqual([400, "invalid_value"]);
  expect(String(at(reply.json, "error.param"))).toStartWith(member);
  expect(at((await show()).json, "data.carbon_budget_g")).toBeNull();
});

test("a key of inference may neither see nor change it", async () => {
  expect(refusal(await gateway.ask("/api/v1/account"))).toEqual([403, "wrong_key_type"]);
  const body = { carbon_budget_g: null };
  const tried = await gateway.ask("/api/v1/account", { method: "PATCH", body });
  expect(refusal(tried)).toEqual([403, "wrong_key_type"]);
});

test("a key's record says what is used of its own budget and what is left, to itself and in the list", async () => {
  const made = async (more: object) => {
    const body = { name: "k", ...more };
    const { json } = await gateway.manage("/api/v1/keys", { method: "POST", body });
    return { hash: String(at(json, "data.hash")), key: String(at(json, "key")) };
  };
  const without = await made({});
  const daily = await made({ carbon_budget_g: 5, carbon_budget_reset: "daily" });
  const monthly = await made({ carbon_budget_g: 20 });
  const grams = async (key: string) => {
    const reply = await gateway.chatAs(key);
    return Number(at(reply.json, "lowrouter.eco.carbon_g"));
  };
  await grams(without.key);
  const used = (await grams(monthly.key)) + (await grams(monthly.key));
  expect(used).toBeGreaterThan(0);

  const listed = await gateway.manage("/api/v1/keys");
  const records = new Map(
    v.parse(keyRecords, at(listed.json, "data")).map((one) => [one.hash, one]),
  );
  const now = new Date();
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  expect(records.get(monthly.hash)).toMatchObject({
    carbon_budget_g: 20,
    carbon_budget_reset: "monthly",
    carbon_used_g: expect.closeTo(used, 5),
    carbon_left_g: expect.closeTo(20 - used, 5),
    carbon_resets_at: new Date(Date.UTC(year, month + 1)).toISOString(),
  });
  expect(records.get(daily.hash)).toMatchObject({ carbon_used_g: 0, carbon_left_g: 5 });
  const none = { carbon_used_g: null, carbon_left_g: null, carbon_resets_at: null };
  expect(records.get(without.hash)).toMatchObject(none);

  const self = await gateway.ask("/v1/key", { key: monthly.key });
  expect(at(self.json, "data")).toMatchObject({
    carbon_budget_g: 20,
    carbon_used_g: expect.closeTo(used, 5),
    carbon_resets_at: records.get(monthly.hash)?.carbon_resets_at,
  });
  const other = await gateway.ask("/v1/key", { key: without.key });
  expect(at(other.json, "data")).toMatchObject({ carbon_budget_g: null, ...none });
});

test("a change stands in the audit log", async () => {
  await patch({ carbon_budget_g: 7 });
  const [row] = await gateway.store.read(
    "SELECT action, target, detail FROM audit_event WHERE action = 'carbon_budget.changed' ORDER BY id DESC",
    [],
  );
  expect(row).toMatchObject({ action: "carbon_budget.changed", target: gateway.accountId });
  expect(JSON.stringify(row)).toContain("monthly");
});

test("a member that nobody knows is named, unless it is as long as a body", async () => {
  const long = "x".repeat(100_000);
  for (const [name, shown] of [
    ["carbon_budget_grams", "carbon_budget_grams"],
    [long, "?"],
  ] as const) {
    const reply = await patch({ [name]: 1 });
    expect([reply.status, at(reply.json, "error.param")]).toEqual([400, shown]);
    expect(reply.text.length).toBeLessThan(500);
  }
});
