import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { dayOf } from "#src/lib/clock.ts";
import { dayAt } from "#src/report/usage.ts";
import { operatorPlacesOf, placesOf } from "#src/web/dashboard/places.ts";
import { fillStore } from "#test/bench/pages-fill.ts";
import { type Browser, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

/** What a page weighs in all as a browser gets it: itself, the style and the scripts. */
const mostBytes = 100_000;
const models = 250;
const keys = 40;
const days = 366;

let house: PeopleGateway;
let ada: Browser;
let account = "";

beforeAll(async () => {
  house = await startPeople(() => {}, { simulated: true });
  ada = await house.somebody("ada", { operator: true });
  const [row] = await house.store.read("SELECT id, account_id FROM person", []);
  account = String(row?.["account_id"]);
  const hashes: string[] = [];
  for (let at = 0; at < keys; at++) {
    const made = await createKey(house.store, house.clock, {
      accountId: account,
      name: `a key with a name of some length, number ${at}`,
      createdBy: String(row?.["id"]),
    });
    hashes.push(made.key.hash);
  }
  const now = house.clock.now();
  await fillStore(house.store, {
    accountId: account,
    keys: hashes,
    models: Array.from({ length: models }, (_, at) => `an-author/a-model-${at}`),
    generations: 2000,
    days: 30,
    now,
  });
  // Every model on every day, and every key with each of them over the year.
  await house.store.write([
    {
      sql: `WITH RECURSIVE d(day) AS (SELECT 0 UNION ALL SELECT day + 1 FROM d WHERE day < ${days - 1}),
m(model) AS (SELECT 0 UNION ALL SELECT model + 1 FROM m WHERE model < ${models - 1}),
k AS MATERIALIZED (SELECT hash, row_number() OVER (ORDER BY hash) - 1 AS at FROM api_key)
INSERT OR IGNORE INTO rollup SELECT date(?, '-' || day || ' days'), ?,
k.hash, 'user ' || ((day * 7 + model) % 900),
'an-author/a-model-' || model, 'provider-' || (model % 30), 'region-' || (model % 9), 'v0.4-2026-01',
(day * 31 + model * 17) % 977, (day * 7919 + model * 104729) % 999983, 0, 0, 0, (day * 6131 + model * 911) % 99991, 0,
(day * 15485863 + model * 32452843) % 99999989, 0, 0, 1, 1, abs(random() % 100000) * 1000000000, abs(random() % 100000) * 250000000, 0, 0, 0, 0, 1 FROM d CROSS JOIN m JOIN k ON k.at = (day + model) % ${keys}`,
      args: [dayOf(now), account],
    },
  ]);
}, 60_000);

afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
});

/** Bytes on the way, and the text. */
async function weigh(path: string): Promise<{ status: number; bytes: number; text: string }> {
  const response = await fetch(house.url + path, {
    redirect: "manual",
    decompress: false,
    headers: {
      accept: "text/html",
      "accept-encoding": "gzip",
      cookie: [...ada.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    },
  });
  const sent = new Uint8Array(await response.arrayBuffer());
  const isPacked = response.headers.get("content-encoding") === "gzip";
  const text = new TextDecoder().decode(isPacked ? Bun.gunzipSync(sent) : sent);
  return { status: response.status, bytes: sent.length, text };
}

function pagePaths(): string[] {
  const person = {
    id: "per_1",
    name: "",
    email: "",
    operator: true,
    twoFactor: false,
    personalAccountId: account,
  };
  const visitor = {
    account: { id: account, name: "", plan: "metered" as const, disabled: false, createdAt: 0 },
    role: "owner" as const,
    person,
    sessionId: "ses_1",
    memberships: [],
  };
  const today = dayOf(house.clock.now());
  const year = `from=${dayAt(today, 1 - days)}&to=${today}`;
  return [
    ...[...placesOf(visitor), ...operatorPlacesOf(visitor)].map(({ path }) => path),
    "/dashboard?baseline=openai/gpt-4o",
    `/dashboard/usage?${year}&group=day`,
    `/dashboard/usage?${year}&group=model`,
    `/dashboard/usage?${year}&group=key,maker`,
    `/dashboard/usage?${year}&group=user&sort=carbon`,
    `/dashboard/usage?${year}&group=day,model,provider,region,key,user,maker`,
    "/dashboard/transactions?model=an-author/a-model-3",
  ];
}

test("every page of the dashboard weighs under 100 KB with a year of 250 models and 40 keys, and names no other host", async () => {
  const seen: string[] = [];
  const weights: Record<string, number> = {};
  for (const path of pagePaths()) {
    const { status, bytes, text } = await weigh(path);
    // A room that is not built yet.
    if (status === 404) continue;
    expect([path, status]).toEqual([path, 200]);
    seen.push(path.split("?")[0] ?? "");
    const parts = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(
      ([, part = ""]) => part,
    );
    const others = await Promise.all([...new Set(parts)].map(weigh));
    const whole = others.reduce((sum, other) => sum + other.bytes, bytes);
    weights[path] = whole;
    expect([path, whole > mostBytes]).toEqual([path, false]);
    const loaded = [
      ...text.matchAll(
        /<(?:script|img|link|iframe|source|video|audio)\b[^>]*(?:src|href)="([^"]*)"/g,
      ),
      ...text.matchAll(/<form\b[^>]*action="([^"]*)"/g),
    ].map(([, address = ""]) => address);
    expect([path, loaded.filter((one) => !/^(\/(?!\/)|data:,)/.test(one))]).toEqual([path, []]);
  }
  for (const path of ["/dashboard", "/dashboard/usage"]) expect(seen).toContain(path);
  if (process.env.SHOW_WEIGHTS !== undefined) console.log(weights);
}, 60_000);

test("what does not fit in the table is one row that sums, said plainly", async () => {
  const today = dayOf(house.clock.now());
  const { text } = await weigh(
    `/dashboard/usage?from=${dayAt(today, -365)}&to=${today}&group=day,model,key`,
  );
  const [, shown, all] = /The first (\d+) of ([\d,]+) combinations/.exec(text) ?? [];
  expect(shown).toBe("50");
  const count = Number(all?.replaceAll(",", ""));
  expect(count).toBeGreaterThan(90_000);
  expect(text).toContain(`<strong>${(count - 50).toLocaleString("en-US")} others</strong>`);
  expect(text).toContain("JSON and CSV hold the first 50,000");
  const rows = [
    ...text.matchAll(/<tr><th scope="row">(?:<[^>]+>)?([^<]*)(?:<[^>]+>)?<\/th>(.*?)<\/tr>/g),
  ];
  const [requests = ""] = [...(rows[0]?.[2] ?? "").matchAll(/<td class="n">([\d,]+)<\/td>/g)].map(
    ([, n = ""]) => n,
  );
  expect(Number(requests.replaceAll(",", ""))).toBeGreaterThan(0);
  const number = (cells: string | undefined) =>
    Number(/<td class="n">([\d,]+)<\/td>/.exec(cells ?? "")?.[1]?.replaceAll(",", ""));
  const table = rows.slice(0, 52);
  const total = number(table[51]?.[2]);
  expect(table[51]?.[1]).toBe("Total");
  expect(table.slice(0, 51).reduce((sum, [, , cells]) => sum + number(cells), 0)).toBe(total);
});

test("CSV has every row up to 50,000 and says in its name where it is cut", async () => {
  const today = dayOf(house.clock.now());
  const cut = await ada.get(
    `/dashboard/usage?from=${dayAt(today, -365)}&to=${today}&group=day,model,key&format=csv`,
  );
  expect(cut.text.trimEnd().split("\r\n")).toHaveLength(50_001);
  expect(cut.headers.get("content-disposition")).toMatch(/usage-first-50000-of-\d{5,}\.csv/);
  const whole = await ada.get(
    `/dashboard/usage?from=${dayAt(today, -365)}&to=${today}&group=model,key&format=csv`,
  );
  expect(whole.text.trimEnd().split("\r\n").length).toBeGreaterThan(models * 30);
  expect(whole.headers.get("content-disposition")).toContain('"usage.csv"');
}, 20_000);
