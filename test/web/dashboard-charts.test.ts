import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano } from "#src/ledger/money.ts";
import { dayOf } from "#src/lib/clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { tableOf } from "#test/web/outline.ts";
import { type Browser, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

const dayMs = 86_400_000;
const none = { energyWh: undefined, carbonG: undefined, methodology: undefined } as const;
const unknown = "— No request of these has an estimate: no route, or no known model size";

let house: PeopleGateway;
let ada: Browser;
let query = "";

/** Requests on three days: with an estimate, without any, and a request of each. */
beforeAll(async () => {
  house = await startPeople();
  const { store, clock, accountId, gateway } = house;
  ada = await house.somebody("ada", { accountId, role: "owner" });
  const { key } = await createKey(store, clock, { accountId, name: "k" });
  const now = clock.now();
  const one = (daysAgo: number, parts: Partial<Generation>) =>
    gateway.app.ledger.record({
      generation: sampleGeneration({
        accountId,
        keyId: key.hash,
        createdAt: now - daysAgo * dayMs,
        ...parts,
        id: gateway.app.ids.next("gen"),
      }),
      movements: [],
    });
  const known = { model: "a/known", cost: nano(2_000_000_000), energyWh: 0.5, carbonG: 0.125 };
  const unsized = { ...none, model: "a/unknown", cost: nano(3_000_000_000) };
  await Promise.all([one(4, known), one(3, unsized), one(2, known), one(2, unsized)]);
  const days = { from: dayOf(now - 5 * dayMs), to: dayOf(now - 2 * dayMs) };
  query = `?${new URLSearchParams({ account: accountId, ...days })}`;
}, 60_000);

afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
});

/** Figures of a chart's table, without their labels. */
async function figuresOf(path: string, title: RegExp): Promise<string[]> {
  const { text } = await ada.get(path);
  return (await tableOf(text, title)).map(([, value = ""]) => value);
}

test("charts by day tell nothing used from not known, each in its own unit", async () => {
  const path = `/dashboard/usage${query}`;
  expect(await figuresOf(path, /^Spend by day, USD$/)).toEqual(["0", "2", "3", "5"]);
  expect(await figuresOf(path, /^Energy by day, Wh$/)).toEqual(["0", "0.5", unknown, "0.5"]);
  expect(await figuresOf(path, /^Carbon by day, g CO2e$/)).toEqual([
    "0",
    "0.125",
    unknown,
    "0.125",
  ]);
});

test("charts by group tell what is not known, and are the same numbers as the table of the page", async () => {
  const path = `/dashboard/usage${query}&group=model`;
  const { text } = await ada.get(path);
  expect(await tableOf(text, /^Spend, USD$/)).toEqual([
    ["a/unknown", "6"],
    ["a/known", "4"],
  ]);
  expect(await tableOf(text, /^Carbon, g CO2e$/)).toEqual([
    ["a/unknown", unknown],
    ["a/known", "0.25"],
  ]);
  const rows = await tableOf(text, /^Usage by model$/);
  expect(rows.map((row) => [row[0], row[6], row[9]])).toEqual([
    ["a/unknown", "6.00", unknown],
    ["a/known", "4.00", "0.25"],
    ["Total", "10.00", "0.25"],
  ]);
});

test("charts of the overview tell nothing used from not known", async () => {
  const path = `/dashboard?account=${house.accountId}`;
  const spend = await figuresOf(path, /^Spend by day, USD$/);
  expect(spend.slice(-6)).toEqual(["0", "2", "3", "5", "0", "0"]);
  const carbon = await figuresOf(path, /^Carbon by day, g CO2e$/);
  expect(carbon.slice(-6)).toEqual(["0", "0.125", unknown, "0.125", "0", "0"]);
});

test("every page with estimates says itself what they leave out, besides the foot of all pages", async () => {
  await ada.post(`/dashboard/budget?account=${house.accountId}`, {
    carbon_budget_g: "5",
    carbon_budget_reset: "monthly",
    carbon_budget_action: "refuse",
  });
  for (const page of ["", "/usage", "/what-if", "/budget"]) {
    const path = `/dashboard${page}`;
    const { text } = await ada.get(`${path}${query}`);
    const [main = ""] = text.split("</main>");
    const limits = main.lastIndexOf("Not measured: training");
    expect([path, limits > main.lastIndexOf("<figure")]).toEqual([path, true]);
  }
});

test("every chart of energy or carbon says beside itself what the estimate leaves out, and no chart of money does", async () => {
  for (const page of ["", `/usage${query}&group=model`]) {
    const { text } = await ada.get(
      `/dashboard${page === "" ? `?account=${house.accountId}` : page}`,
    );
    const charts = text.match(/<figure class="chart".*?<\/figure>/gs) ?? [];
    const told = charts.map((chart) => [
      /<strong>(.*?)<\/strong>/.exec(chart)?.[1] ?? "",
      chart.includes("Not measured: training"),
    ]);
    expect(told.length).toBeGreaterThan(1);
    for (const [title, isSaid] of told)
      expect([title, isSaid]).toEqual([title, /Carbon|Energy/.test(String(title))]);
  }
});
