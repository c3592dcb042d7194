import { describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { createIds } from "#src/lib/id.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { staff } from "#test/web/dashboard-keys-kit.ts";
import { tableOf } from "#test/web/outline.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const dayMs = 86_400_000;
const script = `<script>alert(1)</script>`;

/** An account with two makers of keys, who used each some of the last days. */
async function used(house: PeopleGateway) {
  house.clock.set(Date.UTC(2026, 5, 20, 12));
  const people = await staff(house);
  const { accountId } = house;
  const keyOf = async (createdBy: string, name: string) =>
    (await createKey(house.store, house.clock, { accountId, name, createdBy })).key.hash;
  const keys = {
    admin: await keyOf(people.ids.admin, script),
    member: await keyOf(people.ids.member, "member's"),
  };
  const one = (keyId: string, days: number, parts: Partial<Generation> = {}) =>
    house.gateway.app.ledger.record({
      generation: sampleGeneration({
        id: house.gateway.app.ids.next("gen"),
        accountId,
        keyId,
        createdAt: house.clock.now() - days * dayMs,
        cost: nano(2_000_000),
        ...parts,
      }),
      movements: [],
    });
  await one(keys.admin, 3);
  await one(keys.admin, 3, { model: "openai/gpt-4o-mini", cost: nano(5_000_000) });
  await one(keys.member, 0);
  // Older than the page looks.
  await one(keys.member, 40);
  await addCredit(
    house.store,
    { clock: house.clock, ids: createIds(house.clock) },
    { accountId, type: "credit", amount: nano(7_000_000_000), description: "Test", by: "test" },
  );
  return { ...people, accountId, keys };
}

async function jsonAt(browser: Browser, query = ""): Promise<unknown> {
  const answer = await browser.get(`/dashboard?format=json${query}`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  return JSON.parse(answer.text);
}

const sum = (rows: readonly unknown[], name: string) =>
  rows.reduce<number>((all, row) => all + Number(at(row, name)), 0);

describe("the overview for programs", () => {
  test("is at the same address as JSON, and says what the page says", async () => {
    await using house = await startPeople();
    const { admin, accountId } = await used(house);
    const told = await jsonAt(admin, `&account=${accountId}&baseline=openai/gpt-4o`);
    expect(told).toMatchObject({
      object: "overview",
      account: { id: accountId },
      currency: "USD",
      from: "2026-05-22",
      to: "2026-06-20",
      totals: { requests: 3, usage: 0.009, methodology_version: "v0.4-2026-01" },
      money: { spent_this_month: 0.009, band: "green" },
      baseline: { model: "openai/gpt-4o", methodology_version: "v0.4-2026-01" },
    });
    const days = listAt(told, "days");
    expect(days.length).toBe(30);
    expect(days.at(-1)).toMatchObject({ date: "2026-06-20", requests: 1, usage: 0.002 });
    expect(days.at(-4)).toMatchObject({ date: "2026-06-17", requests: 2, usage: 0.007 });
    // Nothing was asked for on that day, so nothing was emitted.
    expect(days[0]).toMatchObject({ requests: 0, carbon_g: 0, energy_wh_high: 0 });
    const models = listAt(told, "models");
    expect(models.map((row) => at(row, "model"))).toEqual(["openai/gpt-4o-mini", "openai/gpt-5.4"]);
    for (const name of ["requests", "usage", "energy_wh", "carbon_g"])
      for (const rows of [days, models])
        expect(sum(rows, name)).toBeCloseTo(Number(at(told, `totals.${name}`)), 9);
    expect(listAt(told, "models_today")).toMatchObject([{ model: "openai/gpt-5.4", requests: 1 }]);
    expect(listAt(told, "requests").length).toBe(3);
    const page = await admin.get(`/dashboard?account=${accountId}&baseline=openai/gpt-4o`);
    expect(page.text).toContain("baseline=openai%2Fgpt-4o&amp;format=json");
    expect(page.text).toContain("format=csv");
    // The page names the balance that programs are told.
    expect(at(told, "money.balance")).toBe(11.989);
    expect(words(page)).toContain("Its balance is 11.989 USD");
    const last = await tableOf(page.text, /^The last requests, newest first$/);
    expect(last.map(([, model, place, status, spend]) => [model, place, status, spend])).toEqual([
      ["openai/gpt-5.4", "openai eu-west", "answered", "0.002"],
      ["openai/gpt-4o-mini", "openai eu-west", "answered", "0.005"],
      ["openai/gpt-5.4", "openai eu-west", "answered", "0.002"],
    ]);
  });

  test("shows amounts at a glance in its cards, never more than there is, and whole beside", async () => {
    await using house = await startPeople();
    const { admin, accountId } = await used(house);
    await house.store.write([
      { sql: "UPDATE account SET plan = 'prepaid' WHERE id = ?", args: [accountId] },
    ]);
    const page = await admin.get(`/dashboard?account=${accountId}`);
    expect(page.text).toContain('<span title="11.989 USD">11.98 USD</span>');
    // Less than one is shown as it is.
    expect(words(page)).toContain("Spend, 30 days 0.009 USD");
  });

  test("is a CSV file of its tables, each row named for its table", async () => {
    await using house = await startPeople();
    const { admin } = await used(house);
    const answer = await admin.get("/dashboard?format=csv");
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="overview.csv"');
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const [head = "", ...lines] = answer.text.trim().split("\r\n");
    expect(head).toStartWith("table,date,model,requests,prompt_tokens");
    const tables = lines.map((line) => line.split(",")[0]);
    const count = (name: string) => tables.filter((one) => one === name).length;
    expect([count("days"), count("models"), count("models_today")]).toEqual([30, 2, 1]);
    expect(lines).toContainEqual(expect.stringMatching(/^days,2026-06-17,,2,/));
    expect(lines).toContainEqual(expect.stringMatching(/^models,,openai\/gpt-4o-mini,1,/));
  });

  test("tells a member of the own keys alone, and of no money", async () => {
    await using house = await startPeople();
    const { member, accountId } = await used(house);
    const told = await jsonAt(member, `&account=${accountId}`);
    expect(at(told, "totals.requests")).toBe(1);
    expect(at(told, "money")).toBeUndefined();
    expect(listAt(told, "models").map((row) => at(row, "model"))).toEqual(["openai/gpt-5.4"]);
    expect(listAt(told, "requests").length).toBe(1);
    const csv = await member.get("/dashboard?format=csv");
    expect(csv.text).not.toContain("openai/gpt-4o-mini");
  });

  test("is nobody's without a session, and no other account's", async () => {
    await using house = await startPeople();
    const { other, nobody, accountId } = await used(house);
    expect((await nobody.get("/dashboard?format=json")).to).toStartWith("/login?next=");
    const foreign = await other.get(`/dashboard?format=json&account=${accountId}`);
    expect(foreign.status).toBe(404);
    expect(foreign.text).not.toContain("gpt");
  });
});
