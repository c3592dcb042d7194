import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  axeOn,
  contrastOn,
  looks,
  sideways,
  press,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let people: Staff;
let chromium: TestBrowser;
const shots = process.env["SHOTS"];
beforeAll(async () => {
  [house, chromium] = await Promise.all([startPeople(() => {}), startBrowser()]);
  people = await staff(house);
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

test("an admin sets a budget without a script, sees what is left of it, and nothing of it shows axe anything", async () => {
  const path = "/dashboard/budget";
  for (const look of looks) {
    const context = await chromium.context({ ...look, script: false });
    await context.addCookies(
      [...people.admin.cookies].map(([name, value]) => ({ name, value, url: house.url })),
    );
    const page = await context.newPage();
    await page.goto(house.url + path);
    await page.getByLabel("Grams CO2e", { exact: true }).fill("40");
    await page.getByLabel("It begins anew").selectOption("daily");
    await page.getByLabel("When it is used up").selectOption("route");
    await page.getByLabel(/^Cleaner means at most/).fill("0.5");
    await press(page.getByRole("button", { name: "Keep the budget" }));
    expect(await page.getByRole("status").first().innerText()).toContain("The budget is changed");
    await house.store.write([
      {
        sql: "UPDATE allowance SET used = 33000000 WHERE kind = 'carbon' AND owner = ?",
        args: [house.accountId],
      },
    ]);
    await page.goto(house.url + path);
    expect(await page.locator("figcaption").first().innerText()).toContain("7 g CO2e left of 40 g");
    expect(await page.getByLabel("Share of the budget that is used").getAttribute("value")).toBe(
      "82.5",
    );
    expect(await sideways(page)).toBeLessThanOrEqual(0);
    const name = `${look.width}-${look.scheme}`;
    if (shots !== undefined)
      await page.screenshot({ path: `${shots}/budget-${name}.png`, fullPage: true });
    // Axe is a script: the same page where scripts run.
    const seeing = await chromium.context(look);
    await seeing.addCookies(
      [...people.admin.cookies].map(([cookie, value]) => ({ name: cookie, value, url: house.url })),
    );
    const seen = await seeing.newPage();
    await seen.goto(house.url + path);
    expect([name, ...(await axeOn(seen)), ...(await contrastOn(seen))]).toEqual([name]);
    await page.close();
    await seen.close();
  }
}, 40_000);
