import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { type FullHouse, startFullHouse } from "#test/browser/full-house.ts";
import {
  accountPages,
  commonPages,
  cookiesOf,
  forAccount,
  operatorPages,
} from "#test/browser/pages.ts";
import { dayAt } from "#src/report/usage.ts";
import { dayOf } from "#src/lib/clock.ts";

/** Most that a page weighs in all as a browser gets it: itself, the style and the scripts, with headers. */
const mostBytes = 100_000;
const leastBytes = 5000;
/** From here on SHOW_WEIGHTS lists a page. */
const heavyBytes = 40_000;

let full: FullHouse;
let chromium: TestBrowser;
let paths: string[] = [];

beforeAll(async () => {
  [full, chromium] = await Promise.all([startFullHouse(), startBrowser()]);
  const { house, huge } = full;
  const today = dayOf(house.clock.now());
  const year = `from=${dayAt(today, -365)}&to=${today}`;
  const own = Object.values({ ...accountPages(huge), ...operatorPages(huge) }).flat();
  const wide = [
    `/dashboard/usage?${year}&group=day`,
    `/dashboard/usage?${year}&group=day,model,provider,region,key,user,maker`,
    `/dashboard/what-if?${year}`,
  ];
  const open = Object.values(await commonPages(house))
    .flat()
    .filter(({ who }) => who === undefined)
    .map(({ path }) => path);
  paths = [...[...own, ...wide].map((path) => forAccount(path, huge.accountId)), ...open];
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await full?.[Symbol.asyncDispose]();
});

test("no page weighs 100 KB in all with a year of 250 models, 40 keys and long names, or asks another host", async () => {
  const half = (rest: number) => paths.filter((_, at) => at % 2 === rest);
  const weights = (await Promise.all([weigh(half(0)), weigh(half(1))])).flat();
  expect(weights.filter(({ bytes }) => bytes >= mostBytes)).toEqual([]);
  // A page has its style at least: that nothing was counted would be no proof.
  expect(weights.filter(({ bytes }) => bytes < leastBytes)).toEqual([]);
  if (process.env["SHOW_WEIGHTS"] !== undefined)
    console.log(weights.filter(({ bytes }) => bytes >= heavyBytes));
}, 120_000);

interface Weight {
  path: string;
  bytes: number;
}

/** What pages weigh for who comes to each of them first. */
async function weigh(some: readonly string[]): Promise<Weight[]> {
  const { house, ada } = full;
  const context = await chromium.browser.newContext({ viewport: { width: 1280, height: 400 } });
  await context.addCookies(cookiesOf(ada, house.url));
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
  let bytes = 0;
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  const others: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(house.url) && !request.url().startsWith("data:"))
      others.push(request.url());
  });
  const weights: Weight[] = [];
  for (const path of some) {
    bytes = 0;
    const answer = await page.goto(house.url + path);
    expect([path, answer?.status()]).toEqual([path, path.startsWith("/there-is-no") ? 404 : 200]);
    // A page whose frame came ahead is loaded before its end is told; what is told comes in order.
    await answer?.finished();
    await page.evaluate("0");
    weights.push({ path, bytes });
  }
  expect(others).toEqual([]);
  await context.close();
  return weights;
}

test("every page says without JavaScript all that it says with it, but for what only a script can do", async () => {
  const { house, ada, lived } = full;
  const own = Object.values({ ...accountPages(lived), ...operatorPages(lived) }).flat();
  const open = Object.values(await commonPages(house)).flat();
  const [plain, scripted] = await Promise.all(
    [false, true].map(async (javaScriptEnabled) => {
      const context = await chromium.browser.newContext({ javaScriptEnabled });
      await context.addCookies(cookiesOf(ada, house.url));
      return context.newPage();
    }),
  );
  if (plain === undefined || scripted === undefined) throw new Error("There are two pages");
  const missing: Record<string, string[]> = {};
  let scripts = 0;
  for (const path of [
    ...own,
    ...open.filter((one) => one.who === undefined).map((one) => one.path),
  ]) {
    // Without one there is nothing that could say more.
    if (!(await ada.get(path)).text.includes("<script")) continue;
    scripts++;
    const [without, withIt] = await Promise.all(
      [plain, scripted].map(async (page) => {
        await page.goto(house.url + path);
        return linesOf(page);
      }),
    );
    const lost = (withIt ?? []).filter((line) => !(without ?? []).includes(line));
    const told = lost.filter((line) => !scriptOnly.has(line));
    if (told.length > 0) missing[path] = told;
  }
  expect(missing).toEqual({});
  expect(scripts).toBeGreaterThan(3);
}, 120_000);

/** What is not there without a script because it would do nothing. */
const scriptOnly = new Set([
  "Copy page",
  "Copy the key",
  "Copy the line",
  "Name of a new passkey",
  "Add a passkey",
  "Watching.",
  "Connecting…",
]);

/** What is to be read on a page; times that go on between two looks are left out. */
async function linesOf(page: Page): Promise<string[]> {
  const text = await page.locator("main").innerText();
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/\d+ (ms|s|min|MB|MiB)\b|\d\d:\d\d/.test(line));
}
