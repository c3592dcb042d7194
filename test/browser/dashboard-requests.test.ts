import { afterAll, beforeAll, describe, expect } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import type { Page } from "playwright-core";
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
import { askedWith, type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { hostile, keep } from "#test/web/dashboard-requests-kit.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

const list = "/dashboard/transactions";
const live = "/dashboard/live";
/** Where pictures go, when somebody wants to look at the pages. */
const pictures = process.env.PICTURES;

let house: PeopleGateway;
let chromium: TestBrowser;
let people: Staff;
let secret = "";
let answered = "";
let failed = "";

beforeAll(async () => {
  if (!browserRuns) return;
  [house, chromium] = await Promise.all([
    startPeople(undefined, { simulated: true }),
    startBrowser(),
  ]);
  people = await staff(house);
  ({ secret } = await createKey(house.store, house.clock, {
    accountId: house.accountId,
    name: "a key",
  }));
  const asked = await askedWith(house, secret, { user: "ada", route: { region: "eu-west" } });
  await asked.text();
  answered = asked.headers.get("x-lowrouter-generation-id") ?? "";
  const now = house.clock.now();
  [failed = ""] = await keep(house.store, [
    {
      accountId: house.accountId,
      createdAt: now - 120_000,
      user: hostile,
      app: "x".repeat(180),
      status: "upstream_error",
      errorCode: "upstream_timeout",
      model: undefined,
      provider: undefined,
      region: undefined,
      tokens: undefined,
      cost: undefined,
      energyWh: undefined,
      carbonG: undefined,
    },
    ...Array.from({ length: 60 }, (_, at) => ({
      accountId: house.accountId,
      createdAt: now - (at + 3) * 60_000,
    })),
  ]);
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

/** Signs the owner in, in the context of a look. */
async function open(look: Look): Promise<Page> {
  const context = await chromium.context(look);
  await context.addCookies(
    [...people.owner.cookies].map(([name, value]) => ({ name, value, url: house.url })),
  );
  return chromium.open(look);
}

describe("pages of requests in a browser", () => {
  browserTest(
    "show axe nothing at 320 and 1280 px, light and dark, scroll down alone, and ask no other host",
    async () => {
      await Promise.all(([320, 1280] as const).map(lookAt));
    },
    60_000,
  );

  browserTest(
    "work with JavaScript off: filters, older pages, one request, a live view that loads itself again",
    async () => {
      const page = await open({ width: 1280, scheme: "light", script: false });
      await page.goto(house.url + list);
      await page.getByLabel("User").fill("ada");
      await page.getByLabel("Status").selectOption("ok");
      await page.getByRole("button", { name: "Show" }).click();
      expect(page.url()).toContain("user=ada&status=ok");
      await page.getByRole("table").getByRole("link").first().click();
      expect(page.url()).toContain(answered);
      expect(await page.getByRole("table", { name: /Places, in the order/ }).isVisible()).toBe(
        true,
      );
      await page.goto(house.url + list);
      await page.getByRole("link", { name: "Older" }).click();
      expect(page.url()).toContain("before=gen_");
      await page.goto(house.url + live);
      const shown = await page.getByText("As of when it was loaded").isVisible();
      expect(shown).toBe(true);
      await page.waitForEvent("load", { timeout: 8000 });
      await page.getByRole("link", { name: "Stop" }).click();
      expect(page.url()).toContain("still=1");
      await page.close();
    },
    25_000,
  );

  browserTest(
    "the live view shows a request begin and end by itself, and says when the session is over",
    async () => {
      const page = await open({ width: 1280, scheme: "light" });
      const asked: string[] = [];
      page.on("dialog", (dialog) => void asked.push(dialog.message()));
      await page.goto(house.url + live);
      await page.getByText("Watching.").waitFor();
      const hangUp = new AbortController();
      const asking = fetch(`${house.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}` },
        body: JSON.stringify({
          model: "openai/gpt-4o-mini",
          user: hostile,
          messages: [{ role: "user", content: "simulate:fault=silent" }],
        }),
        signal: hangUp.signal,
      }).catch(() => {});
      const underWay = page.getByRole("table", { name: /Under way/ });
      await underWay.getByText(hostile).waitFor();
      expect(await page.locator("#live-total").textContent()).toBe("1");
      await picture(page, "live-running");
      hangUp.abort();
      await asking;
      const ended = page.getByRole("table", { name: /Just ended/ });
      await ended.getByText("the client left").waitFor();
      await underWay.getByText("Nothing is under way.").waitFor();
      const row = ended.getByRole("row", { name: /the client left/ });
      expect(await row.getByRole("link").getAttribute("href")).toContain(`${list}/gen_`);
      expect(await axeOn(page)).toEqual([]);
      expect(asked).toEqual([]);
      await house.store.write([
        { sql: "DELETE FROM person_session WHERE person_id = ?", args: [people.ids.owner] },
      ]);
      await page.getByText("You are signed out").waitFor();
      await page.close();
    },
    20_000,
  );
});

/** Every page at a width, in both schemes. */
async function lookAt(width: Look["width"]): Promise<void> {
  const page = await open({ width, scheme: "light" });
  const asked: string[] = [];
  page.on("request", (request) => void asked.push(request.url()));
  for (const [name, path] of [
    ["list", list],
    ["none", `${list}?user=nobody`],
    ["request", `${list}/${answered}`],
    ["failed", `${list}/${failed}`],
    ["live", live],
  ] as const) {
    await page.goto(house.url + path);
    expect([path, width, await sideways(page)]).toEqual([path, width, 0]);
    await picture(page, `${name}-${width}`);
    await cutTables(page, 6);
    expect([path, width, await axeOn(page)]).toEqual([path, width, []]);
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, `${name}-${width}-dark`);
    expect([path, width, "dark", await contrastOn(page)]).toEqual([path, width, "dark", []]);
    await page.emulateMedia({ colorScheme: "light" });
  }
  expect(asked.filter((url) => !url.startsWith(house.url) && url !== "data:,")).toEqual([]);
  await page.close();
}

async function picture(page: Page, name: string): Promise<void> {
  if (pictures !== undefined)
    await page.screenshot({ path: `${pictures}-${name}.png`, fullPage: true });
}
