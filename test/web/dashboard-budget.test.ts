import { afterAll, beforeAll, expect, test } from "bun:test";
import { getCarbonBudget } from "#src/account/carbon-budget.ts";
import { at } from "#test/lib/gateway.ts";
import { alertOf, askedWith, makeKey, type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { tableOf } from "#test/web/outline.ts";
import { type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/budget";
let house: PeopleGateway;
let people: Staff;
beforeAll(async () => {
  house = await startPeople(() => {}, { simulated: true });
  people = await staff(house);
});
afterAll(() => house[Symbol.asyncDispose]());

const kept = () => getCarbonBudget(house.store, house.accountId);

test("a budget is set, the next request of every key meets it, and it is lifted", async () => {
  const { secret } = await makeKey(people.member, { name: "one" });
  const empty = await people.admin.get(path);
  expect(words(empty)).toContain("There is no budget");
  const sent = await people.admin.post(path, {
    carbon_budget_g: "0",
    carbon_budget_reset: "daily",
    carbon_budget_action: "refuse",
  });
  expect([sent.status, sent.to]).toEqual([303, `${path}?done=changed`]);
  expect(await kept()).toEqual({ grams: 0, reset: "daily", action: "refuse" });
  const refused = await askedWith(house, secret, { model: "openai/gpt-4o-mini" });
  expect(at(await refused.json(), "error.code")).toBe("carbon_budget_reached");
  const lifted = await people.admin.post(`${path}/lift`, { lift: "budget" });
  expect(lifted.to).toBe(`${path}?done=lifted`);
  expect(await kept()).toBeUndefined();
  const served = await askedWith(house, secret, { model: "openai/gpt-4o-mini" });
  expect(served.status).toBe(200);
});

test("the page shows what is left with a bar, its numbers and the limits of the estimate", async () => {
  await people.admin.post(path, {
    carbon_budget_g: "40",
    carbon_budget_reset: "monthly",
    carbon_budget_action: "route",
    "carbon_budget_action.route_under_g_per_1k": "0.5",
  });
  await house.store.write([
    {
      sql: "UPDATE allowance SET used = 30000000 WHERE kind = 'carbon' AND owner = ?",
      args: [house.accountId],
    },
  ]);
  const page = await people.admin.get(path);
  expect(words(page)).toContain("10 g CO2e left of 40 g; 75 % is used");
  expect(page.text).toContain('value="75"');
  expect(await tableOf(page.text, /^The budget in the window that runs$/)).toEqual([
    ["Budget", "40"],
    ["Used", "30"],
    ["Left", "10"],
  ]);
  // The foot of every page says it too.
  const [main = ""] = page.text.split("</main>");
  expect(main).toContain("embodied hardware");
  expect(page.text).toContain(
    'name="carbon_budget_action.route_under_g_per_1k" type="text" value="0.5"',
  );
  expect(await kept()).toEqual({ grams: 40, reset: "monthly", action: { routeUnderGPer1k: 0.5 } });
});

test.each([
  [{ carbon_budget_g: "much" }, "carbon_budget_g"],
  [{ carbon_budget_g: "" }, "grams"],
  [{ carbon_budget_g: "<script>alert(1)</script>" }, "carbon_budget_g"],
  [{ carbon_budget_g: "5", carbon_budget_action: "route" }, "route_under_g_per_1k"],
])("%j is refused, said by name, and shown again as text", async (fields, said) => {
  const before = await kept();
  const page = await people.admin.post(path, { carbon_budget_reset: "daily", ...fields });
  expect(page.status).toBe(400);
  expect(alertOf(page)).toContain(said);
  expect(page.text).not.toContain("<script>alert");
  expect(await kept()).toEqual(before);
});

test("is for owners and admins of the account alone", async () => {
  expect((await people.owner.get(path)).status).toBe(200);
  expect((await people.member.get(path)).status).toBe(404);
  expect((await people.nobody.get(path)).status).not.toBe(200);
  const foreign = await people.other.post(`${path}?account=${house.accountId}`, {
    carbon_budget_g: "1",
    carbon_budget_reset: "daily",
    carbon_budget_action: "refuse",
  });
  expect(foreign.status).toBe(404);
});
