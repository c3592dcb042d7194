import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { at } from "#test/lib/gateway.ts";
import { type Look, press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { askedWith, type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { type Browser, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let people: Staff;
let chromium: TestBrowser;
beforeAll(async () => {
  [house, chromium] = await Promise.all([
    startPeople(undefined, { simulated: true }),
    startBrowser(),
  ]);
  people = await staff(house);
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

test("a person makes a key, copies it, uses it, sees it listed; the next request follows another policy", async () => {
  const page = await openAs(people.admin, { width: 1280, scheme: "light" });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const { served, secret } = await throughAll(page, "laptop", async () => {
    await press(page.getByRole("button", { name: "Copy the key" }));
    await page.getByRole("button", { name: "Copied" }).waitFor();
    return page.evaluate<string>("navigator.clipboard.readText()");
  });
  expect(served).toEqual(["openai eu-west", "openai us-east"]);
  expect(secret).toStartWith("lr_live_");
  await page.close();
}, 20_000);

test("the same with JavaScript off, and at 320 px", async () => {
  const page = await openAs(people.admin, { width: 320, scheme: "light", script: false });
  const { served } = await throughAll(page, "phone", () => page.locator("#secret").innerText());
  expect(served).toEqual(["openai eu-west", "openai us-east"]);
  await page.close();
}, 20_000);

/** From the list to a key that answers, and from there to another routing. `secretOf` reads the secret off the page. */
async function throughAll(page: Page, name: string, secretOf: () => Promise<string>) {
  await people.owner.post("/dashboard/routing/lift", {});
  await page.goto(`${house.url}/dashboard/keys`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await press(page.getByText("Limits, models, region and more"));
  await page.getByLabel("Limit, USD").fill("1.50");
  await page.getByLabel("The limit begins anew").selectOption("daily");
  await page.getByLabel("Policy").fill("prefer-region:eu-west");
  await page.getByLabel("Expires, date and time in UTC").fill("2099-12-31T23:59:30");
  await press(page.getByRole("button", { name: "Make the key" }));
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("The key is made");
  const secret = await secretOf();
  const served = [await servedTo(secret)];
  await press(page.getByRole("link", { name: "all keys" }));
  const row = page.getByRole("row", { name: new RegExp(name) });
  expect(await row.innerText()).toMatch(/1\.50 a day/);
  expect(await page.content()).not.toContain(secret);
  await press(row.getByRole("link", { name }));
  // The form is sent as it stands, but for what is changed: nothing that it shows is refused by the browser.
  await page.getByLabel("Policy").fill("prefer-region:us-east");
  await press(page.getByRole("button", { name: "Change the key" }));
  expect(await page.getByRole("status").first().innerText()).toContain("The key is changed");
  served.push(await servedTo(secret));
  await press(page.getByRole("link", { name: "Delete" }));
  await press(page.getByRole("button", { name: "Delete for good" }));
  expect(await page.getByRole("status").first().innerText()).toContain("The key is deleted");
  expect((await askedWith(house, secret)).status).toBe(401);
  return { served, secret };
}

async function servedTo(secret: string): Promise<string> {
  const answer = await (await askedWith(house, secret)).json();
  return `${at(answer, "lowrouter.provider")} ${at(answer, "lowrouter.region")}`;
}

/** A page in which somebody is signed in already. */
async function openAs(who: Browser, look: Look): Promise<Page> {
  const context = await chromium.context(look);
  await context.addCookies(
    [...who.cookies].map(([name, value]) => ({ name, value, url: house.url })),
  );
  return context.newPage();
}
