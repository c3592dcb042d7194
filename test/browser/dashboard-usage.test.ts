import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { fillStore } from "#test/bench/pages-fill.ts";
import {
  axeOn,
  type Look,
  looks,
  sideways,
  press,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let chromium: TestBrowser;

beforeAll(async () => {
  [house, chromium] = await Promise.all([
    startPeople(() => {}, { simulated: true }),
    startBrowser(),
  ]);
  const ada = await house.somebody("ada");
  const eve = await house.somebody("eve");
  const [row] = await house.store.read("SELECT id, account_id FROM person WHERE name = 'ada'", []);
  const accountId = String(row?.["account_id"]);
  const keys: string[] = [];
  for (const name of ["production", "a key with a rather long name, as people give them", "test"]) {
    const made = await createKey(house.store, house.clock, {
      accountId,
      name,
      createdBy: String(row?.["id"]),
    });
    keys.push(made.key.hash);
  }
  await fillStore(house.store, {
    accountId,
    keys,
    models: house.gateway.services.models.slice(0, 24).map(({ id }) => id),
    generations: 600,
    days: 30,
    now: house.clock.now(),
  });
  const plain: Look = { width: 1280, scheme: "light", script: false };
  for (const look of [...looks, plain]) {
    const context = await chromium.context(look);
    await context.addCookies(cookiesOf(ada));
  }
  newcomer = cookiesOf(eve);
}, 30_000);

let newcomer: ReturnType<typeof cookiesOf> = [];

function cookiesOf({ cookies }: { cookies: Map<string, string> }) {
  return [...cookies].map(([name, value]) => ({ name, value, url: house.url }));
}

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

describe("the overview and the usage in a browser", () => {
  test("work with JavaScript off: groupings and filters stand in the address, and a value leads to itself alone", async () => {
    const page = await chromium.open({ width: 1280, scheme: "light", script: false });
    await page.goto(`${house.url}/dashboard/usage`);
    await page.getByRole("checkbox", { name: "Day" }).check();
    await page.getByRole("checkbox", { name: "Model" }).uncheck();
    await page.getByRole("checkbox", { name: "Key", exact: true }).check();
    await page.getByRole("combobox", { name: "Provider" }).selectOption("mistral");
    await press(page.getByRole("button", { name: "Show" }));
    const { searchParams } = new URL(page.url());
    expect(searchParams.getAll("group")).toEqual(["day", "key"]);
    expect(searchParams.get("provider")).toBe("mistral");
    await press(page.getByRole("link", { name: "production" }).first());
    expect(new URL(page.url()).searchParams.get("group")).toBe("day,key");
    expect(page.url()).toContain("key=");
    await press(page.getByRole("link", { name: /remove this filter by provider/ }));
    expect(page.url()).not.toContain("provider=");
    await page.goto(`${house.url}/dashboard`);
    await page.getByRole("combobox", { name: "Compare with" }).selectOption("openai/gpt-4o");
    await press(page.getByRole("button", { name: "Compare" }));
    expect(page.url()).toContain("baseline=openai%2Fgpt-4o");
    expect(await page.getByText(/You saved|would not have used more/).isVisible()).toBe(true);
    await page.close();
  }, 20_000);

  test("lead who comes first to make a key", async () => {
    const context = await chromium.browser.newContext({ viewport: { width: 320, height: 800 } });
    await context.addCookies(newcomer);
    const page = await context.newPage();
    await page.goto(`${house.url}/dashboard`);
    expect(await sideways(page)).toBe(0);
    expect(await axeOn(page)).toEqual([]);
    await press(page.getByRole("link", { name: "Make a key" }));
    expect(new URL(page.url()).pathname).toBe("/dashboard/keys");
    await context.close();
  }, 20_000);
});
