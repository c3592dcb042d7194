import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey, deleteKey } from "#src/account/keys.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { dayOf } from "#src/lib/clock.ts";
import { textOf } from "#src/store/store.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { elementsOf } from "#test/web/outline.ts";
import { type Browser, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

const dayMs = 86_400_000;

let house: PeopleGateway;
/** Owner of the account. */
let ada: Browser;
let account = "";
/** Ids of people by their names, and hashes of keys. */
const ids = { ada: "", max: "" };
const keys = { ada: "", second: "", max: "" };
let today = "";
/** Requests in all: one, and for each filter another that differs in that alone. */
let all = 0;

async function record(parts: Partial<Generation>): Promise<void> {
  const { app } = house.gateway;
  const generation = sampleGeneration({
    accountId: account,
    keyId: keys.ada,
    model: "a/one",
    user: "u 1&2",
    createdAt: house.clock.now(),
    ...parts,
    id: app.ids.next("gen"),
  });
  await app.ledger.record({ generation, movements: [] });
}

async function keyOf(name: string, createdBy: string): Promise<string> {
  const { store, clock } = house;
  return (await createKey(store, clock, { accountId: account, name, createdBy })).key.hash;
}

beforeAll(async () => {
  house = await startPeople();
  ada = await house.somebody("ada");
  const personOf = async (name: string) => {
    const sql = "SELECT id, account_id FROM person WHERE name = ?";
    const [row = {}] = await house.store.read(sql, [name]);
    return [textOf(row, "id") ?? "", textOf(row, "account_id") ?? ""] as const;
  };
  [ids.ada, account] = await personOf("ada");
  await house.somebody("max", { accountId: account, role: "member" });
  [ids.max] = await personOf("max");
  keys.ada = await keyOf("ada's", ids.ada);
  keys.second = await keyOf("ada's second", ids.ada);
  keys.max = await keyOf("max's", ids.max);
  const now = house.clock.now();
  today = dayOf(now);
  const others: Partial<Generation>[] = [
    { model: "a/two" },
    { provider: "mistral" },
    { region: "us-east" },
    { keyId: keys.second },
    { keyId: keys.max },
    { user: "somebody" },
    { createdAt: now - 2 * dayMs },
  ];
  all = others.length + 1;
  await Promise.all([{}, ...others].map(record));
}, 60_000);

afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
});

/** Addresses of a page's links, that begin so. */
async function linksOf(text: string, path: string): Promise<URL[]> {
  const elements = await elementsOf(text);
  return elements
    .flatMap(({ tag, attributes }) =>
      tag === "a" ? attributes.flatMap(([name, value]) => (name === "href" ? [value] : [])) : [],
    )
    .filter((href) => href.startsWith(`${path}?`))
    .map((href) => new URL(href.replaceAll("&amp;", "&"), "http://gateway"));
}

test("each filter of usage leaves out what it names, alone and with the others", async () => {
  const requests = async (query: Record<string, string>) => {
    const search = new URLSearchParams({ account, ...query, format: "json" });
    return at(JSON.parse((await ada.get(`/dashboard/usage?${search}`)).text), "totals.requests");
  };
  expect(await requests({})).toBe(all);
  const filters: Record<string, string>[] = [
    { model: "a/one" },
    { provider: "openai" },
    { region: "eu-west" },
    { user: "u 1&2" },
    { maker: ids.ada },
    { from: today },
  ];
  for (const filter of filters) expect([filter, await requests(filter)]).toEqual([filter, all - 1]);
  expect(await requests({ key: keys.ada })).toBe(all - 2);
  const together = [{ key: keys.ada }, ...filters].flatMap((one) => Object.entries(one));
  expect(await requests(Object.fromEntries(together))).toBe(1);
});

test("all that leads on from usage keeps what its address asks for", async () => {
  const asked = {
    account,
    group: "day,model,provider,region,key,user,maker",
    from: today,
    to: today,
    sort: "tokens",
    model: "a/one",
    provider: "openai",
    region: "eu-west",
    key: keys.ada,
    user: "u 1&2",
    maker: ids.ada,
  };
  const { text } = await ada.get(`/dashboard/usage?${new URLSearchParams(asked)}`);
  // The menu beside the page begins anew.
  const links = (await linksOf(text, "/dashboard/usage")).filter(
    ({ searchParams }) => searchParams.size > 1,
  );
  const formats = links.flatMap(({ searchParams }) => searchParams.get("format") ?? []);
  expect(formats).toEqual(["json", "csv"]);
  const removed = links.flatMap(({ searchParams }) => {
    const told = Object.fromEntries(searchParams);
    const without = Object.keys(asked).filter((name) => !searchParams.has(name));
    const { format: _, ...rest } = told;
    const kept = Object.entries(asked).filter(([name]) => !without.includes(name));
    expect(rest).toEqual(Object.fromEntries(kept));
    expect(without.length).toBeLessThanOrEqual(1);
    return without;
  });
  expect(removed.toSorted()).toEqual(["key", "maker", "model", "provider", "region", "user"]);
  // A place of the table, for each grouping but the day.
  const places = links.filter(({ searchParams }) => !searchParams.has("format"));
  expect(places.length).toBe(removed.length * 2);
});

test("a place in the table of usage leads to itself, besides what the address asks for", async () => {
  const asked = { account, group: "model", from: today, to: today, user: "u 1&2" };
  const { text } = await ada.get(`/dashboard/usage?${new URLSearchParams(asked)}`);
  const links = await linksOf(text, "/dashboard/usage");
  const told = links.map(({ searchParams }) => Object.fromEntries(searchParams));
  expect(told).toContainEqual({ ...asked, model: "a/two" });
  expect(told).toContainEqual({ ...asked, model: "a/one" });
});

test("requests of a key that is deleted stay with whoever made it", async () => {
  const gone = await keyOf("gone", ids.max);
  const createdAt = house.clock.now() - 40 * dayMs;
  await record({ keyId: gone, createdAt });
  const byMaker = async (query = "") => {
    const day = dayOf(createdAt);
    const { text } = await ada.get(
      `/dashboard/usage?account=${account}&group=maker&from=${day}&to=${day}&format=json${query}`,
    );
    const rows = listAt(JSON.parse(text), "data");
    return rows.map((row) => [at(row, "created_by"), at(row, "requests")]);
  };
  expect(await byMaker()).toEqual([[ids.max, 1]]);
  await deleteKey(house.store, house.clock, account, gone);
  // What is over is remembered for ten minutes.
  house.clock.advance(600_000);
  expect(await byMaker()).toEqual([[ids.max, 1]]);
  expect(await byMaker(`&maker=${ids.max}`)).toEqual([[ids.max, 1]]);
  expect(await byMaker(`&maker=${ids.ada}`)).toEqual([]);
});

test("all that leads on from the list of requests keeps what its address asks for", async () => {
  const asked = {
    start: today,
    end: today,
    model: "a/one",
    provider: "openai",
    region: "eu-west",
    key: keys.ada,
    user: "u 1&2",
    status: "ok",
    account,
  };
  const before = house.gateway.app.ids.next("gen");
  const path = "/dashboard/transactions";
  const { text } = await ada.get(`${path}?${new URLSearchParams({ ...asked, before })}`);
  const told = (await linksOf(text, path)).map(({ searchParams }) =>
    Object.fromEntries(searchParams),
  );
  expect(told).toContainEqual(asked);
  for (const format of ["json", "csv"]) expect(told).toContainEqual({ ...asked, format });
});

test("the files that pages offer are there", async () => {
  const { text } = await ada.get("/dashboard");
  const pages = [...text.matchAll(/<a href="(\/dashboard[^"?#]*)"/g)].map(([, path = ""]) => path);
  const offered: string[] = [];
  for (const page of new Set(pages)) {
    const files = [...(await ada.get(page)).text.matchAll(/href="([^"]*format=(json|csv)[^"]*)"/g)];
    for (const [, href = "", format] of files) {
      const { status, headers } = await ada.get(href.replaceAll("&amp;", "&"));
      const type = format === "json" ? "application/json" : "text/csv; charset=utf-8";
      expect([href, status, headers.get("content-type")]).toEqual([href, 200, type]);
      expect(href.split("?")[0]).toBe(page);
      offered.push(`${page} ${format}`);
    }
  }
  for (const name of ["", "/usage", "/transactions", "/keys", "/credits", "/members", "/audit"])
    for (const format of ["json", "csv"]) expect(offered).toContain(`/dashboard${name} ${format}`);
});
