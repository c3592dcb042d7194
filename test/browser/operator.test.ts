import { afterAll, beforeAll, describe, expect } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import {
  axeOn,
  browserRuns,
  browserTest,
  contrastOn,
  cutTables,
  type Look,
  sideways,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let chromium: TestBrowser;
/** Session of an operator, for every look. */
let cookies: { name: string; value: string; url: string }[] = [];

beforeAll(async () => {
  if (!browserRuns) return;
  [house, chromium] = await Promise.all([
    startPeople(undefined, { simulated: true }),
    startBrowser(),
  ]);
  const ada = await house.somebody("ada", { operator: true, accountId: house.accountId });
  cookies = [...ada.cookies].map(([name, value]) => ({ name, value, url: house.url }));
  await createKey(house.store, house.clock, { accountId: house.accountId, name: "first" });
  await ada.post(`/operator/accounts/${house.accountId}/credit`, { amount: "25" });
  await house.invite({ email: "a-rather-long-address-of-somebody@institute.example.org" });
  const { app } = house.gateway;
  const [first, second] = app.routes.smallest.flatMap((model) => app.routes.of(model));
  for (let failure = 0; failure < 3; failure++) if (first) app.health.failed(first);
  if (second) app.health.succeeded(second, 120);
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

/** Pages in every look; where it is set, a picture of each is kept in the folder OPERATOR_PICTURES names. */
async function lookAt(width: Look["width"]): Promise<void> {
  const look: Look = { width, scheme: "light" };
  await (await chromium.context(look)).addCookies(cookies);
  const page = await chromium.open(look);
  const folder = process.env.OPERATOR_PICTURES;
  const [provider] = house.gateway.app.routes.deployments;
  for (const path of [
    "/operator",
    `/operator/accounts/${house.accountId}`,
    "/operator/welcome",
    "/operator/invitations",
    "/operator/providers",
    `/operator/providers/${provider?.provider.id}`,
    "/operator/catalogue",
    "/operator/catalogue/google/gemini-3.7-flash",
    "/operator/configuration",
    "/operator/system",
    "/operator/audit",
  ]) {
    await page.goto(house.url + path);
    expect([path, await page.locator("h1").count()]).toEqual([path, 1]);
    expect([path, width, await sideways(page)]).toEqual([path, width, 0]);
    await cutTables(page, 4);
    const name = `${folder}${path.replaceAll("/", "-")}-${width}`;
    if (folder) await page.screenshot({ path: `${name}-light.png`, fullPage: true });
    expect([path, width, await axeOn(page)]).toEqual([path, width, []]);
    await page.emulateMedia({ colorScheme: "dark" });
    if (folder) await page.screenshot({ path: `${name}-dark.png`, fullPage: true });
    expect([path, width, "dark", await contrastOn(page)]).toEqual([path, width, "dark", []]);
    await page.emulateMedia({ colorScheme: "light" });
  }
  await page.close();
}

describe("the operator's pages in a browser", () => {
  browserTest(
    "show axe nothing at 320 and 1280 px, light and dark, and scroll down alone",
    async () => {
      await Promise.all(([320, 1280] as const).map(lookAt));
    },
    60_000,
  );

  browserTest(
    "make an account, give it credit, hand out a link and test a provider with JavaScript off",
    async () => {
      const look: Look = { width: 1280, scheme: "light", script: false };
      await (await chromium.context(look)).addCookies(cookies);
      const page = await chromium.open(look);
      await page.goto(`${house.url}/operator`);
      await page.getByLabel("Name", { exact: true }).fill("Laboratory");
      await page.getByLabel("Opening credit, USD").fill("5");
      await page.getByRole("button", { name: "Make the account" }).click();
      expect(await page.getByRole("status").innerText()).toContain("The account is made");
      await page.getByLabel("Amount, USD").fill("1.25");
      await page.getByLabel("Note, shown with the transaction").fill("a present");
      await page.getByRole("button", { name: "Give the credit" }).click();
      expect(await page.locator("dl.facts").innerText()).toContain("6.25 USD");
      const rows = page.getByRole("table", { name: /The last transactions/ });
      expect(await rows.innerText()).toContain("a present");
      await page.getByRole("button", { name: "Disable the account" }).click();
      expect(await page.locator("dl.facts").innerText()).toContain("Disabled");

      await page.getByRole("link", { name: "Invitations", exact: true }).click();
      await page.getByRole("button", { name: "Make the link" }).click();
      expect(await page.locator(".secret").innerText()).toContain("/register?invite=");
      await page.getByRole("link", { name: "Providers", exact: true }).nth(1).click();
      await page.getByRole("rowheader").first().getByRole("link").click();
      await page.getByRole("button", { name: "Ask it now" }).click();
      const answers = page.getByRole("table", { name: "What it answered just now" });
      expect(await answers.innerText()).toMatch(/answers|work/);
      await page.close();
    },
    20_000,
  );
});
