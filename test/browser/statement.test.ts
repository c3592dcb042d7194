import { afterAll, beforeAll, expect, test } from "bun:test";
import { createLedger } from "#src/ledger/commit.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import {
  axeOn,
  contrastOn,
  type Look,
  sideways,
  press,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { busyMonth, generationOf, monthBefore } from "#test/statement/kit.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

const busy = monthBefore(systemClock.now());
const running = monthBefore(systemClock.now(), 0);
let house: PeopleGateway;
let chromium: TestBrowser;
let cookies: { name: string; value: string; url: string }[] = [];

beforeAll(async () => {
  [house, chromium] = await Promise.all([startPeople(), startBrowser()]);
  const ada = await house.somebody("ada", { operator: true });
  cookies = [...ada.cookies].map(([name, value]) => ({ name, value, url: house.url }));
  const [row] = await house.store.read("SELECT account_id FROM person", []);
  const account = String(row?.["account_id"]);
  const past = createFakeClock(0);
  const ids = createIds(past);
  const ledger = createLedger({ store: house.store, clock: past, processId: "proc_browser" });
  for (const ask of [...busyMonth(account, house.accountId, busy), { at: running.from, account }]) {
    past.set(ask.at + 3);
    void ledger.record({ generation: generationOf(ask, ids.next("gen")), movements: [] });
  }
  await ledger.close();
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

/** Pages in every look; where it is set, a picture of each is kept in the folder STATEMENT_PICTURES names. */
async function lookAt(width: Look["width"]): Promise<void> {
  const look: Look = { width, scheme: "light" };
  await (await chromium.context(look)).addCookies(cookies);
  const page = await chromium.open(look);
  const folder = process.env.STATEMENT_PICTURES;
  for (const path of [
    "/dashboard/statements",
    `/dashboard/statements/${busy.name}`,
    `/dashboard/statements/${running.name}`,
    `/dashboard/statements/${running.name}?partial=yes`,
    "/operator/statements",
    `/operator/statements/${busy.name}`,
  ]) {
    await page.goto(house.url + path);
    expect([path, await page.locator("h1").count()]).toEqual([path, 1]);
    expect([path, width, await sideways(page)]).toEqual([path, width, 0]);
    const name = `${folder}/st${path.replaceAll(/[/?=]/g, "-")}-${width}`;
    if (folder) await page.screenshot({ path: `${name}-light.png`, fullPage: true });
    expect([path, width, await axeOn(page)]).toEqual([path, width, []]);
    await page.emulateMedia({ colorScheme: "dark" });
    if (folder) await page.screenshot({ path: `${name}-dark.png`, fullPage: true });
    expect([path, width, "dark", await contrastOn(page)]).toEqual([path, width, "dark", []]);
    await page.emulateMedia({ colorScheme: "light" });
  }
  await page.close();
}

test("statements show axe nothing at 320 and 1280 px, light and dark, and scroll down alone", async () => {
  await Promise.all(([320, 1280] as const).map(lookAt));
}, 60_000);

test("on paper a statement has its figures, and nothing to press, choose or go to", async () => {
  const look: Look = { width: 1280, scheme: "light" };
  await (await chromium.context(look)).addCookies(cookies);
  const page = await chromium.open(look);
  for (const path of [`/dashboard/statements/${busy.name}`, "/dashboard/credits"]) {
    await page.goto(house.url + path);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("h1").isVisible()).toBe(true);
    const left = page.locator("nav, button, select, input, .button, .formats, .themes");
    const shown = await left.filter({ visible: true }).allInnerTexts();
    expect([path, shown]).toEqual([path, []]);
  }
  await page.close();
}, 20_000);

test("a month is opened from the list, and its PDF comes down, with JavaScript off", async () => {
  const look: Look = { width: 1280, scheme: "light", script: false };
  await (await chromium.context(look)).addCookies(cookies);
  const page = await chromium.open(look);
  await page.goto(`${house.url}/dashboard/statements`);
  await press(page.getByRole("link", { name: busy.name, exact: true }));
  expect(await page.locator("h1").innerText()).toContain(`Footprint statement ${busy.name}`);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "PDF", exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toStartWith(`footprint-${busy.name}-acc_`);
  await page.close();
}, 20_000);
