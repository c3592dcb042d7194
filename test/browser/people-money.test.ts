import { afterAll, beforeAll, expect, test } from "bun:test";
import { axeOn, looks, sideways, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { selling } from "#test/payment/kit.ts";
import { eventsOf, signed, startStripe, type StripeDouble } from "#test/payment/stripe.ts";
import { makeKey, type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

/** Where pictures of the pages are left, to be looked at. */
const shots = process.env["SHOTS"];

let stripe: StripeDouble;
let house: PeopleGateway;
let people: Staff;
let chromium: TestBrowser;

beforeAll(async () => {
  stripe = startStripe();
  const selling5 = (config: Parameters<ReturnType<typeof selling>>[0]) => {
    selling(stripe)(config);
    config.billing.topupFeePct = 5;
  };
  [house, chromium] = await Promise.all([startPeople(selling5), startBrowser()]);
  people = await staff(house);
  await makeKey(people.admin, { name: "robot", key_type: "management" });
  await makeKey(people.admin, { name: "other robot", key_type: "management" });
  await makeKey(people.admin, { name: "plain", key_type: "regular" });
  for (const what of ["open", "expired", "failed", "paid"] as const) {
    const sent = await people.owner.post("/dashboard/credits/buy", { amount: "20" });
    const id = /cs_test_(pur_\w+)/.exec(sent.text)?.[1] ?? "";
    const events = eventsOf(id, 2000);
    if (what === "expired") await tell(events.expired());
    if (what === "failed") await tell(events.failed());
    if (what === "paid") {
      await tell(events.completed());
      await tell(events.refunded(2000, {}, 100));
      await tell(events.refund("re_1", 2000, { created: 200 }));
    }
  }
}, 40_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
  await stripe?.[Symbol.asyncDispose]();
});

async function tell(event: unknown): Promise<void> {
  const { body, signature } = signed(event, { at: house.clock.now() });
  const headers = { "stripe-signature": signature };
  const told = await fetch(`${house.url}/stripe/webhook`, { method: "POST", body, headers });
  expect(told.status).toBe(200);
}

test("members with management keys, their removal, and purchases without a payment are read by everybody", async () => {
  const pages = {
    members: ["/dashboard/members", "As a member: 2 management keys will stop working"],
    remove: [`/dashboard/members/${people.ids.admin}/remove`, "2 management keys will stop"],
    credits: ["/dashboard/credits", "waits for the payment"],
  } as const;
  for (const look of looks) {
    const { width, scheme } = look;
    await (
      await chromium.context(look)
    ).addCookies(
      [...people.owner.cookies].map(([name, value]) => ({ name, value, url: house.url })),
    );
    const page = await chromium.open(look);
    for (const [name, [path, text]] of Object.entries(pages)) {
      await page.goto(house.url + path);
      expect(await page.locator("main").innerText()).toContain(text);
      expect([name, width, await sideways(page)]).toEqual([name, width, 0]);
      expect([name, width, scheme, await axeOn(page)]).toEqual([name, width, scheme, []]);
      if (shots !== undefined)
        await page.screenshot({ path: `${shots}-${name}-${width}-${scheme}.png`, fullPage: true });
    }
    await page.close();
  }
}, 60_000);
