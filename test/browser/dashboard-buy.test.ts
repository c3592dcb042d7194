import { afterAll, beforeAll, describe, test } from "bun:test";
import { type Look, press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { selling } from "#test/payment/kit.ts";
import { startStripe, type StripeDouble } from "#test/payment/stripe.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

const path = "/dashboard/credits/buy";
let stripe: StripeDouble;
let house: PeopleGateway;
let chromium: TestBrowser;
let cookies: { name: string; value: string; url: string }[] = [];

beforeAll(async () => {
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
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
  await stripe?.[Symbol.asyncDispose]();
});

describe("the pages of buying in a browser", () => {
  test("lead to where it is paid with JavaScript off, and no policy stands in the way", async () => {
    const look: Look = { width: 320, scheme: "light", script: false };
    await (await chromium.context(look)).addCookies(cookies);
    const page = await chromium.open(look);
    await page.goto(house.url + path);
    await page.getByLabel("Amount to pay, USD").fill("7.50");
    await press(page.getByRole("button", { name: "Go on to payment" }));
    await press(page.getByRole("link", { name: /^Continue to / }));
    await page.waitForURL(`${stripe.url}/page-of-payment`);
    await page.close();
  }, 20_000);
});
