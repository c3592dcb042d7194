import { afterAll, beforeAll, expect, test } from "bun:test";
import type { BrowserContext, Page } from "playwright-core";
import { parseCsv } from "#test/browser/csv.ts";
import { press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { askedWith } from "#test/web/dashboard-keys-kit.ts";
import { at } from "#test/lib/gateway.ts";
import { started } from "#test/lib/running.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { password, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

/*
 * Long: one story, in the order in which people live it; each test goes on where the one before ended. Ada sets the gateway up,
 * Grace runs an organisation's programs, Linus is a member of it.
 */

let house: PeopleGateway;
let chromium: TestBrowser;
/** Passkeys belong to a name: an address of digits has none. */
let url = "";
let ada: Page;
let grace: Page;
let linus: Page;
let accountId = "";
let secret = "";

beforeAll(async () => {
  [house, chromium] = await Promise.all([
    startPeople(undefined, { simulated: true }),
    startBrowser(),
  ]);
  url = house.url.replace("127.0.0.1", "localhost");
  [ada, grace, linus] = await Promise.all([open(), open(), open()]);
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
}, 30_000);

test("the setup link makes the administrator, and is used up", async () => {
  const link = url + (await house.setup());
  await ada.goto(link);
  await ada.getByLabel("Name").fill("Ada");
  await ada.getByLabel("Email").fill("ada@example.org");
  await ada.getByLabel("New password").fill(password);
  await press(ada.getByRole("button", { name: "Set up" }));
  await ada.waitForURL("**/operator/welcome");
  expect(await title(ada)).toBe("Your gateway");
  expect((await linus.goto(link))?.status()).toBe(403);
  await press(ada.getByRole("link", { name: "Make a key" }));
  expect(await title(ada)).toBe("Keys");
}, 30_000);

test("who is invited by a link signs up in another browser", async () => {
  await ada.goto(`${url}/account`);
  await ada.getByLabel("Name of a new organisation").fill("Language Institute");
  await press(ada.getByRole("button", { name: "Open an organisation" }));
  accountId = (
    await ada
      .getByRole("row", { name: /Language Institute/ })
      .locator("code")
      .innerText()
  ).trim();
  for (const [page, name, role] of [
    [grace, "Grace", "admin"],
    [linus, "Linus", "member"],
  ] as const) {
    await page.goto(await invited(role));
    expect(await page.locator(".lead").innerText()).toContain(`Language Institute as ${role}`);
    await register(page, name);
    await press(page.getByRole("button", { name: "Use Language Institute" }));
    expect(await said(page)).toBe("The account is in use.");
  }
  await ada.goto(`${url}/operator/accounts/${accountId}`);
  await ada.getByLabel("Amount, USD").fill("5");
  await press(ada.getByRole("button", { name: "Give the credit" }));
  expect(await ada.locator("dl.facts").first().innerText()).toContain("5.00 USD");
}, 30_000);

test("a passkey is added, and signs in", async () => {
  const session = await grace.context().newCDPSession(grace);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await grace.goto(`${url}/account`);
  await grace.getByLabel("Name of a new passkey").fill("laptop");
  await press(grace.getByRole("button", { name: "Add a passkey" }));
  await grace.waitForURL("**/account?done=passkey*");
  expect(await grace.getByRole("table", { name: "Your passkeys" }).innerText()).toContain("laptop");
  await press(grace.getByRole("button", { name: "Sign out" }));
  expect(await said(grace)).toBe("You are signed out.");
  await press(grace.getByRole("button", { name: "Sign in with a passkey" }));
  await grace.waitForURL("**/account");
  expect(await grace.locator(".lead").innerText()).toBe("Grace, grace@example.org");
  // A new session begins with the account that was used last: the others are there to change to.
  expect(await grace.getByRole("button", { name: "Use Language Institute" }).count()).toBe(0);
  expect(await grace.getByRole("button", { name: "Use Grace" }).count()).toBe(1);
}, 30_000);

test("a key is made and its secret seen once", async () => {
  await grace.goto(`${url}/dashboard/keys`);
  secret = await makeKey(grace, "production");
  await press(grace.getByRole("link", { name: "all keys" }));
  expect(await grace.getByRole("row", { name: /production/ }).innerText()).toContain("Grace");
  expect(await grace.content()).not.toContain(secret);
  await grace.goBack();
  expect(await grace.content()).not.toContain(secret);
}, 30_000);

test("the first request with it appears among the requests, in the usage and live", async () => {
  await linus.goto(`${url}/dashboard/live`);
  await grace.goto(`${url}/dashboard/live`);
  await grace.getByText("Watching.").waitFor();
  expect(await served(secret, { user: "customer-7" })).toStartWith("openai ");
  const ended = grace.getByRole("table", { name: /Just ended/ });
  await ended.getByText("openai/gpt-4o-mini").waitFor();
  await press(ended.getByRole("link").first());
  expect(await grace.locator("main").innerText()).toContain("customer-7");
  await grace.goto(`${url}/dashboard/transactions`);
  const list = grace.getByRole("table", { name: /^Requests/ });
  expect(await list.getByRole("row").count()).toBe(2);
  expect(await list.innerText()).toContain("openai/gpt-4o-mini");
  await grace.goto(`${url}/dashboard/usage?group=model`);
  expect(
    await grace
      .getByRole("row", { name: /openai\/gpt-4o-mini/ })
      .first()
      .innerText(),
  ).toMatch(/\t1\t/);
}, 30_000);

test("a filter finds what it names, and the CSV file sums up to what was spent", async () => {
  for (const user of ["ada", "ada", "bob"]) await served(secret, { user });
  await grace.goto(`${url}/dashboard/transactions`);
  await grace.getByLabel("User").fill("ada");
  await press(grace.getByRole("button", { name: "Show" }));
  const table = grace.getByRole("table", { name: /^Requests/ });
  expect(await table.locator("tbody tr").count()).toBe(2);
  await press(grace.getByRole("link", { name: "Clear" }));
  expect(await table.locator("tbody tr").count()).toBe(4);
  const rows = parseCsv(await download(grace, "CSV"));
  expect(rows.map(({ user }) => user)).toEqual(["bob", "ada", "ada", "customer-7"]);
  const spent = rows.reduce((sum, row) => sum + Number(row["cost"]), 0);
  const usage = await house.store.read(
    "SELECT used FROM allowance WHERE kind = 'credit' AND owner = ?",
    [accountId],
  );
  expect(Math.round(spent * 1e9)).toBe(Number(usage[0]?.["used"]));
  expect(spent).toBeGreaterThan(0);
  await grace.goto(`${url}/dashboard/usage?group=user`);
  const byUser = parseCsv(await download(grace, "CSV"));
  const total = byUser.reduce((sum, row) => sum + Number(row["usage"]), 0);
  expect(Math.round(total * 1e9)).toBe(Math.round(spent * 1e9));
}, 30_000);

test("another policy holds from the next request on", async () => {
  await grace.goto(`${url}/dashboard/keys`);
  await press(grace.getByRole("link", { name: "production" }));
  const places = [];
  for (const region of ["eu-west", "us-east"]) {
    await grace.getByLabel("Policy").fill(`prefer-region:${region}`);
    await press(grace.getByRole("button", { name: "Change the key" }));
    expect(await said(grace)).toContain("The key is changed");
    places.push(await served(secret));
  }
  expect(places).toEqual(["openai eu-west", "openai us-east"]);
}, 30_000);

test("a carbon budget that is used up refuses with 402, and says so on the key's page", async () => {
  await grace.getByLabel("Grams CO2e").fill("0.000001");
  // A page that is on its way cannot be loaded again.
  const arrived = grace.waitForEvent("load");
  await press(grace.getByRole("button", { name: "Change the key" }));
  await arrived;
  const refused = await askedWith(house, secret);
  expect([refused.status, at(await refused.json(), "error.code")]).toEqual([
    402,
    "carbon_budget_reached",
  ]);
  await grace.reload();
  expect(await grace.locator("main").innerText()).toMatch(/carbon/i);
  await grace.getByLabel("Grams CO2e").fill("");
  await press(grace.getByRole("button", { name: "Change the key" }));
  expect(await served(secret)).toBe("openai us-east");
}, 30_000);

test("a member sees the keys that are theirs, and no billing", async () => {
  await linus.goto(`${url}/dashboard/keys`);
  expect(await linus.locator("main").innerText()).not.toContain("production");
  const own = await makeKey(linus, "notebook");
  await served(own, { user: "linus" });
  await linus.goto(`${url}/dashboard/transactions`);
  const table = linus.getByRole("table", { name: /^Requests/ });
  expect(await table.locator("tbody tr").count()).toBe(1);
  for (const [path, reach] of Object.entries({
    keys: [200, 200],
    credits: [404, 200],
    members: [404, 200],
    audit: [404, 200],
    routing: [404, 200],
    webhooks: [404, 200],
    "provider-keys": [404, 200],
    statements: [404, 200],
  })) {
    const answers = await Promise.all(
      [linus, grace].map(async (page) => (await page.goto(`${url}/dashboard/${path}`))?.status()),
    );
    expect([path, answers]).toEqual([path, reach]);
  }
  await linus.goto(`${url}/dashboard`);
  const places = await linus.getByRole("navigation", { name: "Dashboard" }).innerText();
  expect(places).toContain("Keys");
  expect(places).not.toMatch(/Credits|Members|Audit|Provider keys/);
  expect((await grace.goto(`${url}/operator`))?.status()).toBe(404);
}, 30_000);

test("a provider key of one's own is used, and billed there", async () => {
  await grace.goto(`${url}/dashboard/provider-keys/new?provider=openai`);
  await grace.getByLabel("API key of OpenAI").fill("sk-of-the-institute-WxYz");
  await press(grace.getByRole("button").filter({ hasText: /key/ }).first());
  expect(await grace.locator("main").innerText()).not.toContain("sk-of-the-institute");
  const answer = await (await askedWith(house, secret)).json();
  expect([at(answer, "usage.is_byok"), at(answer, "usage.cost")]).toEqual([true, 0]);
  await grace.goto(`${url}/dashboard/transactions/${at(answer, "lowrouter.generation_id")}`);
  expect(await grace.locator("main").innerText()).toContain("(the account's own)");
}, 30_000);

test("the colours that were chosen stay, from page to page and after the sign-out", async () => {
  const ground = () => grace.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  await press(grace.getByRole("button", { name: "dark" }));
  for (const path of ["/dashboard", "/models", "/docs"]) {
    await grace.goto(url + path);
    expect([path, await ground()]).toEqual([path, "rgb(18, 22, 19)"]);
  }
  await grace.goto(`${url}/account`);
  await press(grace.getByRole("button", { name: "Sign out" }));
  expect(await ground()).toBe("rgb(18, 22, 19)");
  await press(grace.getByRole("button", { name: "light" }));
  expect(await ground()).toBe("rgb(251, 251, 248)");
}, 30_000);

test("the same essential steps are taken with JavaScript off", async () => {
  const rosa = await open({ script: false });
  await rosa.goto(await invited("member"));
  await register(rosa, "Rosa");
  await press(rosa.getByRole("button", { name: "Sign out" }));
  await rosa.getByLabel("Email").fill("rosa@example.org");
  await rosa.getByLabel("Password").fill(password);
  await press(rosa.getByRole("button", { name: "Sign in", exact: true }));
  await press(rosa.getByRole("button", { name: "Use Language Institute" }));
  await press(rosa.getByRole("link", { name: "Dashboard" }));
  await press(rosa.getByRole("link", { name: "Make a key" }));
  const own = await makeKey(rosa, "without scripts");
  for (const user of ["rosa", "somebody"]) await served(own, { user });
  await press(rosa.getByRole("link", { name: "Requests", exact: true }));
  await rosa.getByLabel("User").fill("rosa");
  await press(rosa.getByRole("button", { name: "Show" }));
  const table = rosa.getByRole("table", { name: /^Requests/ });
  expect(await table.locator("tbody tr").count()).toBe(1);
  const rows = parseCsv(await download(rosa, "CSV"));
  expect(rows.map(({ user, key_name }) => [user, key_name])).toEqual([["rosa", "without scripts"]]);
  await press(rosa.getByRole("link", { name: "Keys", exact: true }));
  await press(rosa.getByRole("link", { name: "without scripts" }));
  await rosa.getByLabel("Policy").fill("prefer-region:eu-west");
  await press(rosa.getByRole("button", { name: "Change the key" }));
  expect(await said(rosa)).toContain("The key is changed");
  // The account's own key of the provider is taken, wherever that is reached.
  expect(await served(own)).toBe("openai eu-west");
  await press(rosa.getByRole("link", { name: "Live", exact: true }));
  expect(await rosa.getByRole("table", { name: /Just ended/ }).innerText()).toContain("somebody");
  await rosa.context().close();
}, 30_000);

test("sign-in, a key and its policy need no more than the keyboard", async () => {
  const page = await open();
  await page.goto(`${url}/login`);
  await tabTo(page, "Email");
  await page.keyboard.type("linus@example.org");
  await tabTo(page, "Password");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/account");
  await tabTo(page, "Dashboard");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/dashboard");
  await tabTo(page, "Keys");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/dashboard/keys");
  await tabTo(page, "Name");
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "The key is made" }).waitFor();
  await tabTo(page, "This key's page");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "by keyboard" }).waitFor();
  await tabTo(page, "Policy");
  await page.keyboard.type("prefer-region:eu-west");
  await page.keyboard.press("Enter");
  await page.getByText("The key is changed").waitFor();
  expect(await page.getByLabel("Policy").inputValue()).toBe("prefer-region:eu-west");
  await page.context().close();
}, 30_000);

test("the link that demo prints leads to thirty days of history", async () => {
  using folder = temporaryFolder();
  await using demo = await started(folder.path, ["demo"]);
  const [, link = ""] = await demo.until(/Dashboard +(http\S+)/);
  const [, count = ""] = await demo.until(/History +(\d+) requests/);
  const page = await open();
  await page.goto(link);
  await press(page.getByRole("button", { name: "Enter" }));
  await page.waitForURL("**/dashboard");
  const card = page.locator(".card", { hasText: "Requests, 30 days" });
  const shown = Number((await card.locator(".figure").innerText()).replaceAll(",", ""));
  expect(shown).toBeGreaterThan(Number(count) * 0.9);
  const bars = page.locator("#spend svg .layer");
  expect(await bars.count()).toBeGreaterThan(0);
  await press(page.getByText("The same numbers as a table").first());
  expect(
    await page
      .getByRole("table", { name: /Spend by day/ })
      .locator("tbody tr")
      .count(),
  ).toBe(30);
  await press(page.getByRole("link", { name: "Requests", exact: true }));
  expect(
    await page
      .getByRole("table", { name: /^Requests/ })
      .locator("tbody tr")
      .count(),
  ).toBe(50);
  await page.context().close();
}, 30_000);

/** Presses Tab until what is called so has the focus. Throws where it never has. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let press = 0; press < 150; press++) {
    await page.keyboard.press("Tab");
    const here = await page.evaluate<string>(
      "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()",
    );
    if (here === name) return;
  }
  throw new Error(`Tab never comes to ${name} on ${page.url()}`);
}

/** A browser of somebody, wide, with scripts. */
async function open(options: { script?: false } = {}): Promise<Page> {
  const context: BrowserContext = await chromium.browser.newContext({
    viewport: { width: 1280, height: 800 },
    javaScriptEnabled: options.script ?? true,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(5000);
  return context.newPage();
}

async function title(page: Page): Promise<string> {
  return page.getByRole("heading", { level: 1 }).innerText();
}

/** What became of a form. */
async function said(page: Page): Promise<string> {
  return page.getByRole("status").first().innerText();
}

/** The address of a link that Ada makes for the account in use. */
async function invited(role: string): Promise<string> {
  await ada.goto(`${url}/dashboard/members`);
  await ada.getByLabel("Role", { exact: true }).selectOption(role);
  await press(ada.getByRole("button", { name: "Make the link" }));
  return ada.locator("#link").innerText();
}

async function register(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Email").fill(`${name.toLowerCase()}@example.org`);
  await page.getByLabel("New password").fill(password);
  await press(page.getByRole("button", { name: "Register" }));
  await page.waitForURL("**/account");
}

/** Makes a key on the page of keys; its secret. */
async function makeKey(page: Page, name: string): Promise<string> {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await press(page.getByRole("button", { name: "Make the key" }));
  expect(await title(page)).toBe("The key is made");
  return page.locator("#secret").innerText();
}

/** Who answers a request, and where. */
async function served(key: string, body: Record<string, unknown> = {}): Promise<string> {
  const answer = await (await askedWith(house, key, body)).json();
  return `${at(answer, "lowrouter.provider")} ${at(answer, "lowrouter.region")}`;
}

/** The text of the file behind a link. */
async function download(page: Page, name: string): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name, exact: true }).click(),
  ]);
  return Bun.file(await file.path()).text();
}
