import { afterAll, beforeAll, expect } from "bun:test";
import type { Page } from "playwright-core";
import { createKey } from "#src/account/keys.ts";
import { addProviderKey } from "#src/account/provider-keys.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { at } from "#test/lib/gateway.ts";
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
import { askedWith, type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { type Browser, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let people: Staff;
let chromium: TestBrowser;
let hash: string;
let ownKey: string;
beforeAll(async () => {
  if (!browserRuns) return;
  [house, chromium] = await Promise.all([
    startPeople(undefined, { simulated: true }),
    startBrowser(),
  ]);
  people = await staff(house);
  const { app, services } = house.gateway;
  const made = await createKey(house.store, house.clock, {
    accountId: house.accountId,
    name: "production-backend-with-quite-a-long-name",
    limit: fromUnits(150),
    limitReset: "monthly",
    allowedModels: ["openai/gpt-4o-mini", "mistral/mistral-small-2603"],
    carbonBudgetG: 500,
    createdBy: people.ids.admin,
  });
  hash = made.key.hash;
  await (await askedWith(house, made.secret)).text();
  const kept = await addProviderKey(
    house.store,
    { clock: app.clock, ids: app.ids, place: services.providerKeys.place },
    {
      accountId: house.accountId,
      provider: "bedrock",
      label: "our own of the cloud",
      region: "us-east",
      baseUrl: "https://a-long-address.of.some.example.com/v1/openai",
      secret: { kind: "aws", accessKeyId: "AKIDEXAMPLEEXAMPLE", secretAccessKey: "s" },
    },
  );
  ownKey = kept.id;
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

browserTest(
  "a person makes a key, copies it, uses it, sees it listed; the next request follows another policy",
  async () => {
    const page = await openAs(people.admin, { width: 1280, scheme: "light" });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const { served, secret } = await throughAll(page, "laptop", async () => {
      await page.getByRole("button", { name: "Copy the key" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      return page.evaluate<string>("navigator.clipboard.readText()");
    });
    expect(served).toEqual(["openai eu-west", "openai us-east"]);
    expect(secret).toStartWith("lr_live_");
    await page.close();
  },
  20_000,
);

browserTest(
  "the same with JavaScript off, and at 320 px",
  async () => {
    const page = await openAs(people.admin, { width: 320, scheme: "light", script: false });
    const { served } = await throughAll(page, "phone", () => page.locator("#secret").innerText());
    expect(served).toEqual(["openai eu-west", "openai us-east"]);
    await page.close();
  },
  20_000,
);

browserTest(
  "keys, routing and provider keys show axe nothing at 320 and 1280 px, light and dark, and ask no other host",
  async () => {
    await Promise.all(([320, 1280] as const).map(lookAt));
  },
  60_000,
);

/** From the list to a key that answers, and from there to another routing. `secretOf` reads the secret off the page. */
async function throughAll(page: Page, name: string, secretOf: () => Promise<string>) {
  await people.owner.post("/dashboard/routing/lift", {});
  await page.goto(`${house.url}/dashboard/keys`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByText("Limits, models, region and more").click();
  await page.getByLabel("Limit, USD").fill("1.50");
  await page.getByLabel("The limit begins anew").selectOption("daily");
  await page.getByLabel("Policy").fill("prefer-region:eu-west");
  await page.getByLabel("Expires, date and time in UTC").fill("2099-12-31T23:59:30");
  await page.getByRole("button", { name: "Make the key" }).click();
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("The key is made");
  const secret = await secretOf();
  const served = [await servedTo(secret)];
  await page.getByRole("link", { name: "all keys" }).click();
  const row = page.getByRole("row", { name: new RegExp(name) });
  expect(await row.innerText()).toMatch(/1\.50 a day/);
  expect(await page.content()).not.toContain(secret);
  await row.getByRole("link", { name }).click();
  // The form is sent as it stands, but for what is changed: nothing that it shows is refused by the browser.
  await page.getByLabel("Policy").fill("prefer-region:us-east");
  await page.getByRole("button", { name: "Change the key" }).click();
  expect(await page.getByRole("status").first().innerText()).toContain("The key is changed");
  served.push(await servedTo(secret));
  await page.getByRole("link", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete for good" }).click();
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

/** Every page at a width, in both schemes. */
async function lookAt(width: Look["width"]): Promise<void> {
  const page = await openAs(people.admin, { width, scheme: "light" });
  const asked: string[] = [];
  page.on("request", (request) => void asked.push(request.url()));
  for (const [name, path] of Object.entries({
    list: "/dashboard/keys",
    key: `/dashboard/keys/${hash}?done=changed`,
    routing: "/dashboard/routing",
    "provider-keys": "/dashboard/provider-keys",
    "provider-key": `/dashboard/provider-keys/${ownKey}`,
    made: "",
    refused: "",
  })) {
    if (path !== "") await page.goto(house.url + path);
    else await send(page, name);
    for (const details of await page.locator("details:not([open]) > summary").all())
      await details.click();
    expect([name, await axeOn(page), await sideways(page)]).toEqual([name, [], 0]);
    await shoot(page, `${name}-${width}-light`);
    await page.emulateMedia({ colorScheme: "dark" });
    expect([name, await contrastOn(page)]).toEqual([name, []]);
    await shoot(page, `${name}-${width}-dark`);
    await page.emulateMedia({ colorScheme: "light" });
  }
  expect(asked.filter((url) => !url.startsWith(house.url) && !url.startsWith("data:"))).toEqual([]);
  await page.close();
}

/** The answers to the form that makes a key. */
async function send(page: Page, name: string): Promise<void> {
  await page.goto(`${house.url}/dashboard/keys`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByText("Limits, models, region and more").click();
  if (name === "refused") await page.getByLabel("Limit, USD").fill("much");
  await page.getByRole("button", { name: "Make the key" }).click();
}

/** A picture for people to look at, where SHOTS says a folder. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env["SHOTS"];
  if (folder !== undefined)
    await page.screenshot({ path: `${folder}/keys-${name}.png`, fullPage: true });
}
