import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import type { Page } from "playwright-core";
import { axeOn, type Look, press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { askedWith, type Staff, staff } from "#test/web/dashboard-keys-kit.ts";
import { hostile, keep } from "#test/web/dashboard-requests-kit.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

const list = "/dashboard/transactions";
const live = "/dashboard/live";

let house: PeopleGateway;
let chromium: TestBrowser;
let people: Staff;
let secret = "";
let answered = "";

beforeAll(async () => {
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
  await keep(house.store, [
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
  test("work with JavaScript off: filters, older pages, one request, a live view that loads itself again", async () => {
    const page = await open({ width: 1280, scheme: "light", script: false });
    await page.goto(house.url + list);
    await page.getByLabel("User").fill("ada");
    await page.getByLabel("Status").selectOption("ok");
    await press(page.getByRole("button", { name: "Show" }));
    expect(page.url()).toContain("user=ada&status=ok");
    await press(page.getByRole("table").getByRole("link").first());
    expect(page.url()).toContain(answered);
    expect(await page.getByRole("table", { name: /Places, in the order/ }).isVisible()).toBe(true);
    await page.goto(house.url + list);
    await press(page.getByRole("link", { name: "Older" }));
    expect(page.url()).toContain("before=gen_");
    await page.goto(house.url + live);
    const shown = await page.getByText("As of when it was loaded").isVisible();
    expect(shown).toBe(true);
    await page.waitForEvent("load", { timeout: 8000 });
    await press(page.getByRole("link", { name: "Stop" }));
    expect(page.url()).toContain("still=1");
    await page.close();
  }, 25_000);

  test("the live view shows a request begin and end by itself, and says when the session is over", async () => {
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
  }, 20_000);
});
