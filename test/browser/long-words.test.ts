import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { sideways, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { cookiesOf } from "#test/browser/pages.ts";
import { type Browser, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

/** One word without a place to break it, as a company or a path may have. */
const word = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft";
const email = `${"accounts.payable".repeat(4)}@${word.slice(0, 60)}.example.org`;

let house: PeopleGateway;
let ada: Browser;
let chromium: TestBrowser;
let accountId = "";
beforeAll(async () => {
  [house, chromium] = await Promise.all([
    startPeople((config) => (config.webhooks.allowPrivate = true)),
    startBrowser(),
  ]);
  ada = await house.somebody("ada", {
    operator: true,
    accountId: house.accountId,
    role: "owner",
  });
  await ada.post("/account/organisations", { name: word });
  const [row] = await house.store.read("SELECT id FROM account WHERE name = ?", [word]);
  accountId = String(row?.["id"]);
  await createKey(house.store, house.clock, { accountId, name: word.repeat(2) });
  const at = `?account=${accountId}`;
  await ada.post(`/dashboard/webhooks${at}`, {
    name: word,
    url: `http://127.0.0.1:9/${"a".repeat(300)}`,
  });
  await ada.post(`/dashboard/members/invite${at}`, { email, role: "member", days: "7" });
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

test.each([320, 1280] as const)(
  "no page at %d px scrolls sideways for names and addresses of one long word",
  async (width) => {
    const look = { width, scheme: "light" } as const;
    await (await chromium.context(look)).addCookies(cookiesOf(ada, house.url));
    const page = await chromium.open(look);
    const [hook] = await house.store.read("SELECT id FROM webhook WHERE account_id = ?", [
      accountId,
    ]);
    const wide: unknown[] = [];
    for (const path of [
      "/dashboard",
      "/dashboard/keys",
      "/dashboard/members",
      "/dashboard/credits",
      "/dashboard/webhooks",
      `/dashboard/webhooks/${String(hook?.["id"])}`,
      "/dashboard/statements",
    ]) {
      const answer = await page.goto(`${house.url}${path}?account=${accountId}`);
      expect([path, answer?.status()]).toEqual([path, 200]);
      const beyond = await sideways(page);
      if (beyond > 0) wide.push([path, beyond]);
    }
    await page.close();
    expect(wide).toEqual([]);
  },
  30_000,
);
