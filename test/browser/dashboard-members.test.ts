import { afterAll, beforeAll, expect } from "bun:test";
import type { Page } from "playwright-core";
import { createKey } from "#src/account/keys.ts";
import { auditing } from "#src/account/people/audit.ts";
import { seedHistory } from "#src/demo/history.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { fromUnits } from "#src/ledger/money.ts";
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
import { type Browser, password, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let people: Staff;
let chromium: TestBrowser;
beforeAll(async () => {
  if (!browserRuns) return;
  [house, chromium] = await Promise.all([
    startPeople(undefined, { simulated: true }),
    startBrowser(),
  ]);
  people = await staff(house);
  const { app, services } = house.gateway;
  const { store, clock, accountId } = house;
  const { key, secret } = await createKey(store, clock, {
    accountId,
    name: "backend",
    createdBy: people.ids.member,
  });
  const account = (await services.keys.find(secret))?.account;
  if (account === undefined) throw new Error("no account");
  const callers = [{ key, account }];
  await seedHistory({ app, store, callers, clock, random: () => 0.4, days: 40 });
  await addCredit(store, services.people, {
    accountId,
    type: "refund",
    amount: fromUnits(-1.5),
    description: "Refund of a purchase with-quite-a-long-reference-that-has-no-spaces-in-it-at-all",
    by: people.ids.admin,
  });
  await store.write(
    ["key.created", "routing.changed", "member.role_changed"].map((action) => {
      const [thing = "", what = ""] = action.split(".");
      return auditing(services.people, {
        action: `${thing}.${what}`,
        actor: key.hash,
        target: people.ids.member,
        accountId,
        address: "2001:db8:1234:5678:90ab:cdef:1234:5678",
        detail: { from: "member", to: "admin", changed: "allowedModels, carbonBudgetAction" },
      });
    }),
  );
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

browserTest(
  "an admin invites somebody, who registers with the link, is made an admin, and is removed; without scripts",
  async () => {
    const page = await openAs(people.owner, { width: 1280, scheme: "light", script: false });
    await page.goto(`${house.url}/dashboard/members`);
    await page.getByLabel("Email, if it is for one person alone").fill("zoe@example.org");
    await page.getByRole("button", { name: "Make the link" }).click();
    const link = await page.locator("#link").innerText();
    const guest = await (await chromium.browser.newContext()).newPage();
    await guest.goto(link);
    await guest.getByLabel("Name").fill("Zoe");
    await guest.getByLabel("New password").fill(password);
    await guest.getByRole("button", { name: "Register" }).click();
    await guest.waitForURL("**/account");

    await page.goto(`${house.url}/dashboard/members`);
    await page.getByLabel("Role of Zoe").selectOption("admin");
    await page.getByRole("button", { name: "Change the role of Zoe" }).click();
    expect(await page.getByRole("status").first().innerText()).toContain("The role is changed");
    expect(await page.getByLabel("Role of Zoe").inputValue()).toBe("admin");
    const members = `${house.url}/dashboard/members?account=${house.accountId}`;
    expect((await guest.goto(members))?.status()).toBe(200);

    await page.getByRole("link", { name: "Remove Zoe" }).click();
    await page.getByRole("button", { name: "Remove Zoe" }).click();
    expect(await page.getByRole("status").first().innerText()).toContain("is removed");
    expect((await guest.goto(members))?.status()).toBe(404);
    await guest.context().close();
    await page.close();
  },
  30_000,
);

browserTest(
  "members, credits, audit log, statements and the code for the app show axe nothing at 320 and 1280 px, light and dark",
  async () => {
    await Promise.all(([320, 1280] as const).map(lookAt));
  },
  60_000,
);

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
    members: "/dashboard/members?done=role",
    remove: `/dashboard/members/${people.ids.member}/remove`,
    invited: "",
    credits: "/dashboard/credits",
    audit: "/dashboard/audit",
    statements: "/dashboard/statements",
    codes: "",
  })) {
    if (path !== "") await page.goto(house.url + path);
    else if (name === "codes") await startCodes(page);
    else await invite(page);
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

async function invite(page: Page): Promise<void> {
  await page.goto(`${house.url}/dashboard/members`);
  await page.getByLabel("Email, if it is for one person alone").fill("zoe@example.org");
  await page.getByRole("button", { name: "Make the link" }).click();
  await page.locator("#link").waitFor();
}

async function startCodes(page: Page): Promise<void> {
  await page.goto(`${house.url}/account`);
  const form = page.locator('form[action="/account/codes/start"]');
  await form.locator('input[name="password"]').fill(password);
  await form.getByRole("button").click();
  await page.locator("svg.qr").waitFor();
}

/** A picture for people to look at, where SHOTS says a folder. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env["SHOTS"];
  if (folder !== undefined)
    await page.screenshot({ path: `${folder}/members-${name}.png`, fullPage: true });
}
