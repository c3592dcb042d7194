import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { type Look, press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";
import { type Receiver, startReceiver } from "#test/webhook/kit.ts";

let house: PeopleGateway;
let people: Staff;
let chromium: TestBrowser;
let receiver: Receiver;
beforeAll(async () => {
  receiver = startReceiver();
  [house, chromium] = await Promise.all([
    startPeople((config) => (config.webhooks.allowPrivate = true)),
    startBrowser(),
  ]);
  people = await staff(house);
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

test("a person adds a webhook without a script, tests it, replays, and deletes it", async () => {
  const page = await openAs({ width: 320, scheme: "light", script: false });
  await page.goto(`${house.url}/dashboard/webhooks`);
  await page.getByLabel("Name", { exact: true }).fill("by hand");
  await page.getByLabel("Address", { exact: true }).fill(receiver.url);
  await page.getByLabel("credits.low").check();
  await press(page.getByRole("button", { name: "Add the webhook" }));
  expect(await page.locator("#secret").innerText()).toStartWith("whsec_");
  await press(page.getByRole("link", { name: "This webhook's page" }));
  expect(await page.getByLabel("credits.low").isChecked()).toBe(true);
  await press(page.getByRole("button", { name: "Send a test" }));
  expect(await page.getByRole("status").first().innerText()).toBe("The test event arrived.");
  await press(page.getByRole("button", { name: /^Replay/ }));
  await receiver.came(2);
  const [first, second] = receiver.got;
  expect(second?.body).toBe(String(first?.body));
  await page.getByLabel(/^To delete it, type its name/).fill("by hand");
  await press(page.getByRole("button", { name: "Delete for good" }));
  expect(await page.getByRole("status").first().innerText()).toBe("The webhook is deleted.");
  await page.close();
}, 20_000);

/** A page in which an admin is signed in already. */
async function openAs(look: Look): Promise<Page> {
  const context = await chromium.context(look);
  await context.addCookies(
    [...people.admin.cookies].map(([name, value]) => ({ name, value, url: house.url })),
  );
  return context.newPage();
}
