import { afterAll, beforeAll, expect } from "bun:test";
import type { Page } from "playwright-core";
import { createKey } from "#src/account/keys.ts";
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
import { type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";
import { type Receiver, startReceiver } from "#test/webhook/kit.ts";

let house: PeopleGateway;
let people: Staff;
let chromium: TestBrowser;
let receiver: Receiver;
beforeAll(async () => {
  if (!browserRuns) return;
  receiver = startReceiver();
  [house, chromium] = await Promise.all([
    startPeople((config) => (config.webhooks.allowPrivate = true)),
    startBrowser(),
  ]);
  people = await staff(house);
  await createKey(house.store, house.clock, {
    accountId: house.accountId,
    name: "production-backend-with-quite-a-long-name",
  });
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

browserTest(
  "a person adds a webhook without a script, tests it, replays, and deletes it",
  async () => {
    const page = await openAs({ width: 320, scheme: "light", script: false });
    await page.goto(`${house.url}/dashboard/webhooks`);
    await page.getByLabel("Name", { exact: true }).fill("by hand");
    await page.getByLabel("Address", { exact: true }).fill(receiver.url);
    await page.getByLabel("credits.low").check();
    await page.getByRole("button", { name: "Add the webhook" }).click();
    expect(await page.locator("#secret").innerText()).toStartWith("whsec_");
    await page.getByRole("link", { name: "This webhook's page" }).click();
    expect(await page.getByLabel("credits.low").isChecked()).toBe(true);
    await page.getByRole("button", { name: "Send a test" }).click();
    expect(await page.getByRole("status").first().innerText()).toBe("The test event arrived.");
    await page.getByRole("button", { name: /^Replay/ }).click();
    await receiver.came(2);
    const [first, second] = receiver.got;
    expect(second?.body).toBe(String(first?.body));
    await page.getByLabel(/^To delete it, type its name/).fill("by hand");
    await page.getByRole("button", { name: "Delete for good" }).click();
    expect(await page.getByRole("status").first().innerText()).toBe("The webhook is deleted.");
    await page.close();
  },
  20_000,
);

browserTest(
  "webhooks show axe nothing at 320 and 1280 px, light and dark, and ask no other host",
  async () => {
    const page = await people.admin.post("/dashboard/webhooks", {
      name: "billing of the whole company",
      url: `${receiver.url}/a-long-path-with-a-token-in-it-0123456789abcdef0123456789abcdef`,
    });
    const id = /whk_\w+/.exec(page.text)?.[0] ?? "";
    receiver.answer(() => new Response(null, { status: 503 }));
    await people.admin.post(`/dashboard/webhooks/${id}/test`, {});
    receiver.answer(() => new Response(null, { status: 204 }));
    await people.admin.post(`/dashboard/webhooks/${id}/test`, {});
    await Promise.all(([320, 1280] as const).map((width) => lookAt(width, id)));
  },
  60_000,
);

/** A page in which an admin is signed in already. */
async function openAs(look: Look): Promise<Page> {
  const context = await chromium.context(look);
  await context.addCookies(
    [...people.admin.cookies].map(([name, value]) => ({ name, value, url: house.url })),
  );
  return context.newPage();
}

/** Every page at a width, in both schemes. */
async function lookAt(width: Look["width"], id: string): Promise<void> {
  const page = await openAs({ width, scheme: "light" });
  const asked: string[] = [];
  page.on("request", (request) => void asked.push(request.url()));
  for (const [name, path] of Object.entries({
    list: "/dashboard/webhooks",
    one: `/dashboard/webhooks/${id}?done=changed`,
    refused: "",
    secret: "",
  })) {
    if (path !== "") await page.goto(house.url + path);
    else await send(page, name === "secret" ? receiver.url : "https://no host");
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

/** The answers to the form that adds a webhook. */
async function send(page: Page, url: string): Promise<void> {
  await page.goto(`${house.url}/dashboard/webhooks`);
  await page.getByLabel("Name", { exact: true }).fill("another");
  await page.getByLabel("Address", { exact: true }).fill(url);
  await page.getByRole("button", { name: "Add the webhook" }).click();
}

/** A picture for people to look at, where SHOTS says a folder. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env["SHOTS"];
  if (folder !== undefined)
    await page.screenshot({ path: `${folder}/hooks-${name}.png`, fullPage: true });
}
