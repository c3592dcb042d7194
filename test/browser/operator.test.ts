import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Look, press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let chromium: TestBrowser;
/** Session of an operator, for every look. */
let cookies: { name: string; value: string; url: string }[] = [];

beforeAll(async () => {
  [house, chromium] = await Promise.all([
    startPeople(undefined, { simulated: true }),
    startBrowser(),
  ]);
  const ada = await house.somebody("ada", { operator: true, accountId: house.accountId });
  cookies = [...ada.cookies].map(([name, value]) => ({ name, value, url: house.url }));
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

describe("the operator's pages in a browser", () => {
  test("make an account, give it credit, hand out a link and test a provider with JavaScript off", async () => {
    const look: Look = { width: 1280, scheme: "light", script: false };
    await (await chromium.context(look)).addCookies(cookies);
    const page = await chromium.open(look);
    await page.goto(`${house.url}/operator`);
    await page.getByLabel("Name", { exact: true }).fill("Laboratory");
    await page.getByLabel("Opening credit, USD").fill("5");
    await press(page.getByRole("button", { name: "Make the account" }));
    expect(await page.getByRole("status").innerText()).toContain("The account is made");
    await page.getByLabel("Amount, USD").fill("1.25");
    await page.getByLabel("Note, shown with the transaction").fill("a present");
    await press(page.getByRole("button", { name: "Give the credit" }));
    expect(await page.locator("dl.facts").innerText()).toContain("6.25 USD");
    const rows = page.getByRole("table", { name: /The last transactions/ });
    expect(await rows.innerText()).toContain("a present");
    await press(page.getByRole("button", { name: "Disable the account" }));
    expect(await page.locator("dl.facts").innerText()).toContain("Disabled");

    await press(page.getByRole("link", { name: "Invitations", exact: true }));
    await press(page.getByRole("button", { name: "Make the link" }));
    expect(await page.locator(".secret").innerText()).toContain("/register?invite=");
    await press(page.getByRole("link", { name: "Providers", exact: true }).nth(1));
    await press(page.getByRole("rowheader").first().getByRole("link"));
    await press(page.getByRole("button", { name: "Ask it now" }));
    const answers = page.getByRole("table", { name: "What it answered just now" });
    expect(await answers.innerText()).toMatch(/answers|work/);
    await page.close();
  }, 20_000);
});
