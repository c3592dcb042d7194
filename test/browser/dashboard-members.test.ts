import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { type Look, press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { type Browser, password, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

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

test("an admin invites somebody, who registers with the link, is made an admin, and is removed; without scripts", async () => {
  const page = await openAs(people.owner, { width: 1280, scheme: "light", script: false });
  await page.goto(`${house.url}/dashboard/members`);
  await page.getByLabel("Email, if it is for one person alone").fill("zoe@example.org");
  await press(page.getByRole("button", { name: "Make the link" }));
  const link = await page.locator("#link").innerText();
  const guest = await (await chromium.browser.newContext()).newPage();
  await guest.goto(link);
  await guest.getByLabel("Name").fill("Zoe");
  await guest.getByLabel("New password").fill(password);
  await press(guest.getByRole("button", { name: "Register" }));
  await guest.waitForURL("**/account");

  await page.goto(`${house.url}/dashboard/members`);
  await page.getByLabel("Role of Zoe").selectOption("admin");
  await press(page.getByRole("button", { name: "Change the role of Zoe" }));
  expect(await page.getByRole("status").first().innerText()).toContain("The role is changed");
  expect(await page.getByLabel("Role of Zoe").inputValue()).toBe("admin");
  const members = `${house.url}/dashboard/members?account=${house.accountId}`;
  expect((await guest.goto(members))?.status()).toBe(200);

  await press(page.getByRole("link", { name: "Remove Zoe" }));
  await press(page.getByRole("button", { name: "Remove Zoe" }));
  expect(await page.getByRole("status").first().innerText()).toContain("is removed");
  expect((await guest.goto(members))?.status()).toBe(404);
  await guest.context().close();
  await page.close();
}, 30_000);

/** A page in which somebody is signed in already. */
async function openAs(who: Browser, look: Look): Promise<Page> {
  const context = await chromium.context(look);
  await context.addCookies(
    [...who.cookies].map(([name, value]) => ({ name, value, url: house.url })),
  );
  return context.newPage();
}
