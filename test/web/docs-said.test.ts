import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Caller } from "#src/account/account.ts";
import type { Demand } from "#src/allowance/allowance.ts";
import { classify, thrownFault } from "#src/gateway/fault.ts";
import { rateHeaders } from "#src/gateway/reserve.ts";
import { namedAtMost } from "#src/gateway/routing/traced.ts";
import {
  boughtUsd,
  perDay,
  perDayOnceBought,
  perMinute,
} from "#src/gateway/routing/free-limits.ts";
import { encode } from "#src/lib/bytes.ts";
import { isObject } from "#src/lib/json.ts";
import type { Route } from "#src/provider/deployment.ts";
import { noticeOfRefusal } from "#src/webhook/refusals.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

/* What pages say in numbers and names, from the code that it is about. */

const root = join(import.meta.dir, "../..");
const pageAt = async (path: string) =>
  (await Bun.file(join(root, path)).text()).replaceAll(/\s+/g, " ");
const content = (name: string) => pageAt(`src/web/content/${name}.md`);

let gateway: TestGateway;
let route: Route;
beforeAll(async () => {
  gateway = await startGateway();
  const found = gateway.app.routes.find("openai/gpt-4o-mini");
  const [first] = found ? gateway.app.routes.of(found.model) : [];
  if (first === undefined) throw new Error("Nothing serves the model");
  route = first;
});
afterAll(() => gateway.close());

/** Whether another route is tried after an answer. */
function movesOn(status: number, error: object = {}): boolean {
  const body = encode(JSON.stringify({ error }));
  const head = { status, header: () => undefined };
  return thrownFault(classify(head, body, route, "openai-chat"), route).moveOn;
}

test("the statuses of a provider that are passed through are those that the page on errors lists", async () => {
  const page = await content("api/errors");
  const [, list = ""] = /A (400[\d, ]* or \d+) of the provider/.exec(page) ?? [];
  const said = [...list.matchAll(/\d+/g)].map(Number);
  const passed = Array.from({ length: 200 }, (_, at) => 400 + at).filter((one) => !movesOn(one));
  expect(said).toEqual(passed);
  const [, against = ""] = /not against the request: ([\d, ]+)/.exec(page) ?? [];
  const [, others = ""] = /- ([\d, ]+) and any other status/.exec(page) ?? [];
  const moved = [...`${against} ${others}`.matchAll(/\d+/g)].map(Number);
  expect(moved.length).toBe(6);
  for (const status of moved) expect([status, movesOn(status)]).toEqual([status, true]);
  expect(movesOn(400, { code: "insufficient_quota" })).toBe(true);
  expect(movesOn(400, { code: "context_length_exceeded" })).toBe(true);
  expect(movesOn(400, { code: "invalid_encrypted_content" })).toBe(true);
});

test("what the guide says of the next model is so", async () => {
  const page = await content("guides/routing-and-residency");
  const [, moved = ""] =
    /such as a ([\d, ]+ or \d+), and when the prompt is too long/.exec(page) ?? [];
  const [, stays = ""] =
    /the request itself, such as a (\d+ or \d+), is the answer/.exec(page) ?? [];
  const numbers = (text: string) => [...text.matchAll(/\d+/g)].map(([one]) => movesOn(Number(one)));
  expect(numbers(moved)).toEqual([true, true, true, true]);
  expect(numbers(stays)).toEqual([false, false]);
});

test("as many candidates are told as pages say, and none says that all are", async () => {
  expect(namedAtMost).toBe(8);
  for (const name of [
    "api/generations",
    "guides/first-request",
    "guides/routing-and-residency",
  ] as const) {
    const page = await content(name);
    expect([
      name,
      page.includes("of those in line beyond the attempts"),
      /the first eight/.test(page),
    ]).toEqual([name, true, true]);
    expect(page).not.toContain("every candidate");
  }
});

test("limits of free requests are as pages say", async () => {
  const many = perDayOnceBought.toLocaleString("en-US");
  for (const path of ["src/web/content/guides/local-engines.md", "docs/routing.md"]) {
    const page = await pageAt(path);
    expect(page).toMatch(new RegExp(`\\b${perMinute}( requests)? a minute and ${perDay} a day`));
    expect(page).toMatch(new RegExp(`${many} once credit of ${boughtUsd} USD`));
    expect(page).toMatch(/given to it or bought/);
    expect(page).toMatch(/metered/);
  }
});

test("a limit without a window has no end to tell, and the page names it", async () => {
  const demand = { owner: "k", windowStart: 0, limit: 5, amount: 1 };
  const named = (one: Demand) => Object.keys(rateHeaders(one, 1));
  expect(named({ ...demand, kind: "in_flight" })).not.toContain("X-RateLimit-Reset");
  expect(named({ ...demand, kind: "requests_day", windowEnd: 1 })).toContain("X-RateLimit-Reset");
  expect(await content("api/conventions")).toContain("absent where that is `max_in_flight`");
});

test("a refused key's event holds what the page says", async () => {
  const page = await content("api/webhooks");
  const [, row = ""] = /\| `key\.limit_reached` \|[^|]*\|([^|]*)\|/.exec(page) ?? [];
  const [all = "", ofMoney = ""] = row.split(";");
  const names = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  const caller = await gateway.app.findCaller(gateway.key);
  if (caller === undefined) throw new Error("The key is not known");
  expect(dataOf(caller, "requests_day")).toEqual(names(all).toSorted());
  for (const kind of ["key_limit", "key_daily", "key_monthly"] as const)
    expect(dataOf(caller, kind)).toEqual([...names(all), ...names(ofMoney)].toSorted());
  expect(page).toContain("those of providers are nobody's, and have no `account_id`");
});

function dataOf(caller: Caller, kind: Demand["kind"]): unknown {
  const refused: Demand = { kind, owner: "k", windowStart: 0, limit: 5, amount: 1 };
  const found = noticeOfRefusal(
    caller,
    { refused, standing: { limit: 5, used: 5, remaining: 0 } },
    "EUR",
  );
  const data = found?.notice.data;
  return isObject(data) ? Object.keys(data).toSorted() : undefined;
}
