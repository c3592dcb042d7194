import { describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { fromUnits, nano } from "#src/ledger/money.ts";
import { addCredit, balanceOf } from "#src/ledger/transactions.ts";
import { seedHistory } from "#src/demo/history.ts";
import { dayOf } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { textOf } from "#src/store/store.ts";
import { foreignForms, askedWith, staff } from "#test/web/dashboard-keys-kit.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/credits";
const day = 86_400_000;
const script = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`;

interface Row {
  date: string;
  id: string | null;
  type: string;
  amount: number;
  description: string;
  requests: number | null;
}

interface Answer {
  balance: number;
  granted: number;
  used: number;
  is_cut: boolean;
  data: Row[];
}

async function listOf(browser: Browser, query = ""): Promise<Answer> {
  return JSON.parse((await browser.get(`${path}?format=json${query}`)).text);
}

function nanos(amount: number): number {
  return Math.round(amount * 1e9);
}

function sumOf(rows: readonly { amount: number }[]): number {
  return rows.reduce((sum, { amount }) => sum + nanos(amount), 0);
}

/** Days of use, and of credits, refunds and adjustments between. */
async function seeded(
  house: PeopleGateway,
  { days = 40, random = lehmer() }: { days?: number; random?: () => number } = {},
): Promise<void> {
  const { app, services } = house.gateway;
  const { store } = services;
  const account = (await services.keys.find(await secretOf(house)))?.account;
  const { key } = await createKey(store, house.clock, { accountId: house.accountId, name: "key" });
  if (account === undefined) throw new Error("no account");
  await seedHistory({
    app,
    store,
    callers: [{ key, account }],
    clock: house.clock,
    random,
    days,
  });
  const now = house.clock.now();
  let time = now - days * day;
  const past = { now: () => time, monotonic: () => 0 };
  const ids = createIds(past);
  for (let i = 0; time < now; i++) {
    const type = (["credit", "refund", "adjustment"] as const)[i % 3] ?? "credit";
    const amount = nano((type === "credit" ? 1 : -1) * (1_000_000_001 + i));
    const entry = { type, amount, description: `entry ${i}`, by: "test" };
    await addCredit(store, { clock: past, ids }, { accountId: house.accountId, ...entry });
    time += 0.7 * day;
  }
  app.allowances.refresh(house.accountId);
}

/** The same chance every time. */
function lehmer(): () => number {
  let state = 7;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

async function secretOf(house: PeopleGateway): Promise<string> {
  const made = await createKey(house.store, house.clock, {
    accountId: house.accountId,
    name: "first",
  });
  return made.secret;
}

describe("credits", () => {
  test("are there for owners and admins alone, each of their own account", async () => {
    await using house = await startPeople();
    const { owner, admin, member, other, nobody } = await staff(house);
    for (const one of [path, `${path}?format=csv`, "/dashboard/statements"]) {
      const query = one.includes("?") ? "&" : "?";
      const statuses = [owner, admin, member].map(async (who) => (await who.get(one)).status);
      expect([one, await Promise.all(statuses)]).toEqual([one, [200, 200, 404]]);
      expect((await nobody.get(one)).to).toBe(`/login?next=${encodeURIComponent(one)}`);
      const foreign = await other.get(`${one}${query}account=${house.accountId}`);
      const missing = await other.get(`${one}${query}account=acc_missing`);
      expect([foreign.status, missing.status]).toEqual([404, 404]);
      expect(words(foreign)).toBe(words(missing));
      for (const headers of foreignForms)
        expect((await owner.post(path, {}, headers)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await listOf(owner)).granted).toBe(5);
    expect((await listOf(other)).granted).toBe(0);
  });

  test("of all days and entries add up to the balance, to the nano-unit, page by page too", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    await seeded(house);
    const { owner } = await staff(house);
    const all = await listOf(owner);
    const { balance } = await balanceOf(house.store, house.accountId);
    expect(sumOf(all.data)).toBe(balance);
    expect(nanos(all.balance)).toBe(balance);
    expect(new Set(all.data.map(({ type }) => type)).size).toBe(4);
    const usage = all.data.filter(({ type }) => type === "usage");
    expect(usage.length).toBeGreaterThan(30);
    expect(new Set(usage.map(({ date }) => date)).size).toBe(usage.length);
    const [row] = await house.store.read(
      "SELECT count(*) AS requests FROM generation WHERE account_id = ?",
      [house.accountId],
    );
    expect(usage.reduce((sum, { requests }) => sum + (requests ?? 0), 0)).toBe(
      Number(row?.["requests"]),
    );
    // Days newest first, the usage of a day above what else happened on it.
    const days = all.data.map(({ date }) => date.slice(0, 10));
    expect(days).toEqual(days.toSorted().reverse());

    const csv = (await owner.get(`${path}?format=csv`)).text.trim().split("\r\n");
    expect(csv).toHaveLength(all.data.length + 1);
    const seen: string[] = [];
    let next: string | undefined = path;
    let pages = 0;
    while (next !== undefined) {
      const { text } = await owner.get(next);
      seen.push(
        ...[
          ...text.matchAll(/<th scope="row">(?:<a [^>]+>|<time [^>]+><span[^>]*>)([\d -]{10})/g),
        ].map(([, date = ""]) => date),
      );
      next = /rel="next" href="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
      pages++;
    }
    expect(pages).toBeGreaterThan(1);
    expect(seen).toEqual(days);
  });

  test("go on from every place, an entry's or a day's, without a row twice or none", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    await seeded(house);
    const { owner } = await staff(house);
    const { data } = await listOf(owner);
    for (let at = 0; at < data.length; at++) {
      const place = data[at]?.id ?? data[at]?.date ?? "";
      expect([place, (await listOf(owner, `&before=${place}`)).data]).toEqual([
        place,
        data.slice(at + 1),
      ]);
    }
    const noDays = ["2026-13-40", "2026-02-30", "1969-12-31", "1000-01-01"];
    for (const wrong of [...noDays, "txn_1", "x", "txn_../../etc", "9"]) {
      const page = await owner.get(`${path}?before=${encodeURIComponent(wrong)}`);
      expect([wrong, page.status]).toEqual([wrong, 400]);
    }
  });

  test("a request of a moment ago is in the sum and in the balance", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { owner } = await staff(house);
    expect((await askedWith(house, await secretOf(house))).status).toBe(200);
    const all = await listOf(owner);
    const [usage] = all.data;
    expect(usage).toMatchObject({ date: dayOf(house.clock.now()), type: "usage", requests: 1 });
    expect(sumOf(all.data)).toBe(nanos(all.balance));
    expect(all.balance).toBeLessThan(5);
  });

  test("show who gave them by name, and never which operator", async () => {
    await using house = await startPeople();
    const { owner, ids } = await staff(house);
    const { people } = house.gateway.services;
    await house.store.write([
      { sql: "UPDATE person SET operator = 1 WHERE id = ?", args: [ids.other] },
    ]);
    for (const by of [ids.other, ids.owner, "cli"])
      await addCredit(house.store, people, {
        accountId: house.accountId,
        type: "credit",
        amount: fromUnits(1),
        description: script,
        by,
      });
    const page = await owner.get(path);
    const text = words(page);
    for (const name of ["the operator", "owner@example.org", "the command line"])
      expect(text).toContain(name);
    expect(text).not.toContain("other@example.org");
    expect(page.text).not.toContain("<script>alert");
    expect(page.text).not.toContain("<img");
    expect(text).toContain("The operator of this gateway adds credit");
  });

  test("lead to buying where it can be bought", async () => {
    await using house = await startPeople((config) => {
      config.stripe.secrets = { key: "sk_test", webhook: "whsec_test" };
    });
    const { owner } = await staff(house);
    expect((await owner.get(path)).text).toContain('href="/dashboard/credits/buy"');
  });
});

describe("statements", () => {
  test("list months with their requests, energy, carbon and methodologies, which add up to the requests' own", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    await seeded(house);
    const { owner } = await staff(house);
    const { data } = JSON.parse((await owner.get("/dashboard/statements?format=json")).text);
    const rows = await house.store.read(
      `SELECT strftime('%Y-%m', created_at / 1000, 'unixepoch') AS month, count(*) AS requests,
        sum(energy_wh) AS wh, sum(carbon_g) AS g, sum(carbon_g IS NULL) AS without,
        group_concat(DISTINCT methodology) AS methodologies
        FROM generation WHERE account_id = ? GROUP BY month ORDER BY month DESC`,
      [house.accountId],
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(data).toHaveLength(rows.length);
    for (const [at, row] of rows.entries()) {
      expect(data[at]).toMatchObject({
        month: textOf(row, "month"),
        is_over: at > 0,
        requests: row["requests"],
        requests_without_estimate: row["without"],
        methodologies: [textOf(row, "methodologies")],
      });
      expect(data[at].energy_wh).toBeCloseTo(Number(row["wh"]), 6);
      expect(data[at].carbon_g).toBeCloseTo(Number(row["g"]), 6);
    }
    const { text } = await owner.get("/dashboard/statements");
    expect(text).toContain(`href="/dashboard/statements/${data[1].month}"`);
    expect(text).toContain(
      `href="/dashboard/statements/${data[0].month}">${data[0].month}</a>, not over yet`,
    );
    const csv = (await owner.get("/dashboard/statements?format=csv")).text.trim().split("\r\n");
    expect(csv).toHaveLength(data.length + 1);
  });

  test("a month without any estimate says so, and not nought", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    // Every request fails, and so none has an estimate.
    await seeded(house, { days: 1, random: () => 0.01 });
    const { owner } = await staff(house);
    const { data } = JSON.parse((await owner.get("/dashboard/statements?format=json")).text);
    expect(data.length).toBeGreaterThan(0);
    for (const month of data) {
      expect(month).toMatchObject({ energy_wh: null, carbon_g: null, methodologies: null });
      expect(month.requests_without_estimate).toBe(month.requests);
    }
    expect(words(await owner.get("/dashboard/statements"))).toContain("100 %");
  });
});
