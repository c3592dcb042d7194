import { afterAll, beforeAll, describe, expect } from "bun:test";
import {
  axeOn,
  browserRuns,
  browserTest,
  contrastOn,
  type Look,
  sideways,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { selling } from "#test/payment/kit.ts";
import { startStripe, type StripeDouble } from "#test/payment/stripe.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

const path = "/dashboard/credits/buy";
let stripe: StripeDouble;
let house: PeopleGateway;
let chromium: TestBrowser;
let cookies: { name: string; value: string; url: string }[] = [];
let waiting = "";

beforeAll(async () => {
  if (!browserRuns) return;
  stripe = startStripe();
  // The double shows its own page: what it answers to a browser that comes.
  stripe.answer(({ headers }) =>
    Response.json({
      id: `cs_test_${headers.get("idempotency-key")}`,
      url: `${stripe.url}/page-of-payment`,
    }),
  );
  [house, chromium] = await Promise.all([startPeople(selling(stripe)), startBrowser()]);
  const ada = await house.somebody("ada");
  cookies = [...ada.cookies].map(([name, value]) => ({ name, value, url: house.url }));
  await ada.post(path, { amount: "20" });
  const [row] = await house.store.read("SELECT id FROM purchase", []);
  waiting = `${path}/${row?.["id"]}`;
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
  await stripe?.[Symbol.asyncDispose]();
});

/** Pages in every look; where it is set, a picture of each is kept in the folder BUY_PICTURES names. */
async function lookAt(width: Look["width"]): Promise<void> {
  const look: Look = { width, scheme: "light" };
  await (await chromium.context(look)).addCookies(cookies);
  const page = await chromium.open(look);
  const folder = process.env.BUY_PICTURES;
  for (const at of [path, waiting, "/forgot"]) {
    await page.goto(house.url + at);
    expect([at, await page.locator("h1").count()]).toEqual([at, 1]);
    expect([at, width, await sideways(page)]).toEqual([at, width, 0]);
    if (folder)
      await page.screenshot({
        path: `${folder}-${at.split("/").at(-1)?.slice(0, 6)}-${width}.png`,
        fullPage: true,
      });
    expect([at, width, await axeOn(page)]).toEqual([at, width, []]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect([at, width, "dark", await contrastOn(page)]).toEqual([at, width, "dark", []]);
    await page.emulateMedia({ colorScheme: "light" });
  }
  await page.close();
}

describe("the pages of buying in a browser", () => {
  browserTest(
    "show axe nothing at 320 and 1280 px, light and dark",
    async () => {
      await Promise.all(([320, 1280] as const).map(lookAt));
    },
    30_000,
  );

  browserTest(
    "lead to where it is paid with JavaScript off, and no policy stands in the way",
    async () => {
      const look: Look = { width: 320, scheme: "light", script: false };
      await (await chromium.context(look)).addCookies(cookies);
      const page = await chromium.open(look);
      await page.goto(house.url + path);
      await page.getByLabel("Amount to pay, USD").fill("7.50");
      await page.getByRole("button", { name: "Go on to payment" }).click();
      await page.getByRole("link", { name: /^Continue to / }).click();
      await page.waitForURL(`${stripe.url}/page-of-payment`);
      await page.close();
    },
    20_000,
  );
});
