import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { stylesheet } from "#src/web/assets.ts";
import { webRoutes } from "#src/web/routes.tsx";
import {
  axeOn,
  contrastOn,
  cutTables,
  sideways,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { answers, send } from "#test/browser/answers.ts";
import { type FullHouse, startFullHouse } from "#test/browser/full-house.ts";
import { workByKeyboard, type Worked } from "#test/browser/keyboard.ts";
import type { Browser } from "#test/web/people-kit.ts";
import { cookiesOf, everyPage, notPages, type Sample } from "#test/browser/pages.ts";

let full: FullHouse;
let chromium: TestBrowser;
let samples: Record<string, Sample[]>;
/** Where pictures go, when somebody wants to look at the pages. */
const shots = process.env["SHOTS"];
/** Only pages whose path has this in it: with pictures alone, so that no run of the suite leaves one out. */
const only = shots === undefined ? "" : (process.env["ONLY"] ?? "");

beforeAll(async () => {
  [full, chromium] = await Promise.all([startFullHouse(), startBrowser()]);
  samples = await everyPage(full);
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await full?.[Symbol.asyncDispose]();
});

test("every page that is mounted is looked at here", () => {
  const { app, services } = full.house.gateway;
  const mounted = new Set(
    webRoutes(app, services)
      .routes.filter(({ method }) => method === "GET")
      .map(({ path }) => path),
  );
  expect([...Object.keys(samples), ...notPages].toSorted()).toEqual([...mounted].toSorted());
});

test("no style depends on how a screen is turned, which axe is not made to look for", () => {
  expect(stylesheet.text).not.toContain("orientation");
});

test("what is looked for is found where it is", async () => {
  const page = await chromium.open({ width: 320, scheme: "light" });
  await page.goto(`${full.house.url}/login`);
  expect(await axeOn(page)).toEqual([]);
  await page.evaluate(`(() => {
    const picture = document.createElement("img");
    const text = document.createElement("p");
    text.append("pale");
    text.style.color = "#888";
    text.style.background = "#999";
    text.style.minWidth = "400px";
    document.querySelector("main").append(picture, text);
  })()`);
  const found = (await axeOn(page)).map((line) => line.split(":")[0]);
  expect(found).toContain("image-alt");
  expect(found).toContain("color-contrast");
  expect((await contrastOn(page)).length).toBe(1);
  expect(await sideways(page)).toBeGreaterThan(0);
  expect(await beyondKeyboard(page)).toEqual([]);
  await page.evaluate(`(() => {
    const [first, second] = document.querySelectorAll("main input:not([type=hidden])");
    first.tabIndex = -1;
    second.style.outline = "none";
  })()`);
  expect((await beyondKeyboard(page)).map((one) => one.split(":")[0])).toEqual([
    "not reached",
    "not seen",
  ]);
  await page.close();
}, 30_000);

test("no page at 320 or 1280 px, light or dark, shows axe anything, scrolls sideways, leaves the keyboard out, or asks another host", async () => {
  // Side by side: each has a process of the browser to itself.
  const half = (rest: number) => visits().filter((_, at) => at % 2 === rest);
  const found = await Promise.all([lookAt(half(0)), lookAt(half(1))]);
  expect(found.flat()).toEqual([]);
}, 300_000);

test("everything that can be done on a page is done by keyboard alone, and sends what it stands for", async () => {
  const { app, services } = full.house.gateway;
  const worked: Worked = { done: new Set(), sent: new Set(), wrong: [] };
  const half = (rest: number) => visits().filter((_, at) => at % 2 === rest);
  await Promise.all([work(half(0), worked), work(half(1), worked)]);
  expect(worked.wrong).toEqual([]);
  const routes = webRoutes(app, services).routes.filter(({ method }) => method === "POST");
  const sent = [...worked.sent];
  // What the script of a passkey sends after the device has answered is driven in another test.
  const afterDevice = ["/login/passkey", "/account/passkeys"];
  const left = routes
    .map(({ path }) => path)
    .filter((path) => {
      const like = new RegExp(`^POST ${path.replaceAll(/:\w+/g, "[^/]+")}$`);
      return !sent.some((one) => like.test(one));
    });
  expect(left).toEqual(afterDevice);
}, 300_000);

async function work(some: readonly Visit[], worked: Worked): Promise<void> {
  await using pages = await openPages();
  for (const [, who, open] of some) {
    await open(pages[who]);
    await workByKeyboard(pages[who], worked);
  }
}

test("what the keyboard cannot do is found", async () => {
  const wrongWith = async (change: string) => {
    const page = await chromium.open({ width: 1280, scheme: "light" });
    await page.goto(`${full.house.url}/login`);
    await page.evaluate(
      `{ const [email, secret] = document.querySelectorAll("main input:not([type=hidden])"); const form = email.form; ${change} }`,
    );
    const worked: Worked = { done: new Set(), sent: new Set(), wrong: [] };
    await workByKeyboard(page, worked);
    await page.close();
    return worked.wrong.map((line) => line.replace(/^.*form post .* Sign in: /, ""));
  };
  expect(await wrongWith("")).toEqual([]);
  expect(await wrongWith("form.querySelector('button').tabIndex = -1;")).toEqual([
    "Tab does not come to it",
  ]);
  expect(
    await wrongWith(
      "secret.onkeydown = (event) => { if (event.key === 'Tab') event.preventDefault(); };",
    ),
  ).toEqual(["Tab does not come to it"]);
  expect(
    await wrongWith(
      "email.onkeydown = (event) => { if (event.key !== 'Tab') event.preventDefault(); };",
    ),
  ).toEqual([`email takes [""], not ["new.person@example.org"]`]);
  expect(
    await wrongWith(
      "form.querySelector('button').onkeydown = (event) => { if (event.key !== 'Tab') event.preventDefault(); };",
    ),
  ).toEqual(["nothing comes of Enter"]);
  const [elsewhere = "", ...more] = await wrongWith(
    "form.onsubmit = () => { form.action = '/else'; };",
  );
  expect(more).toEqual([]);
  expect(elsewhere).toMatch(/^sends \["POST","[^"]+\/else",.*, not \["POST","[^"]+\/login",/);
}, 60_000);

type Who = "ada" | "vera" | "nobody";

/** A page by its name, who it is for, and how one comes to it. */
type Visit = [name: string, who: Who, open: (page: Page) => Promise<void>];

/** A page of the browser for each of them; closed when the block ends. */
async function openPages(): Promise<Record<Who, Page> & AsyncDisposable> {
  const { url } = full.house;
  const open = async (browser?: Browser) => {
    const context = await chromium.browser.newContext({ reducedMotion: "reduce" });
    if (browser !== undefined) await context.addCookies(cookiesOf(browser, url));
    return context.newPage();
  };
  const [ada, vera, nobody] = await Promise.all([open(full.ada), open(full.vera), open()]);
  return {
    ada,
    vera,
    nobody,
    async [Symbol.asyncDispose]() {
      for (const page of [ada, vera, nobody]) await page.context().close();
    },
  };
}

function visits(): Visit[] {
  return [
    ...Object.values(samples)
      .flat()
      .map((sample): Visit => [sample.path, sample.who ?? "ada", opening(sample)]),
    ...Object.entries(answers).map(([name, sending]): Visit => [
      name,
      sending.who ?? "ada",
      (page) => send(page, full.house.url, sending),
    ]),
  ].filter(([name]) => name.includes(only));
}

function opening({ path, by = path }: Sample): Visit[2] {
  return async (page) => {
    await page.goto(full.house.url + by);
    const { pathname, search } = new URL(page.url());
    expect([path, pathname + search]).toEqual([path, path]);
  };
}

/** What is wrong on these pages, at both widths and in both schemes. */
async function lookAt(visits: readonly Visit[]): Promise<unknown[]> {
  const { url } = full.house;
  await using pages = await openPages();
  const asked: string[] = [];
  for (const page of [pages.ada, pages.vera, pages.nobody])
    page.on("request", (request) => void asked.push(request.url()));
  const found: unknown[] = [];
  for (const [name, who, open] of visits) {
    const page = pages[who];
    await open(page);
    const wrong = shots === undefined ? await wrongOn(page) : await shoot(page, name);
    if (wrong.length > 0) found.push([name, ...wrong]);
  }
  expect(asked.length > 0).toBe(visits.length > 0);
  expect(asked.filter((one) => !one.startsWith(url) && !one.startsWith("data:"))).toEqual([]);
  return found;
}

const widths = [320, 1280] as const;

/** One load of a page is looked at from every side: nothing but style knows of width and colours. */
async function wrongOn(page: Page): Promise<string[]> {
  const wrong: string[] = [];
  const measure = async (width: number, state: string) => {
    await page.setViewportSize({ width, height: 400 });
    const beyond = await sideways(page);
    if (beyond !== 0) wrong.push(`${width}: scrolls ${beyond} px sideways${state}`);
  };
  for (const width of widths) await measure(width, "");
  const { pathname, search } = new URL(page.url());
  // Seven groupings at once may be wider than a screen; nobody has to ask for them.
  if (/^\/(dashboard|operator)/.test(pathname) && !search.includes("group=")) {
    const hidden: string[] = await page.evaluate(
      `[...document.querySelectorAll(".wide")].filter((one) => one.scrollWidth > one.clientWidth)
        .map((one) => one.getAttribute("aria-label") + " by " + (one.scrollWidth - one.clientWidth))`,
    );
    wrong.push(...hidden.map((table) => `1280: a table is too wide: ${table} px`));
  }
  await page.evaluate(
    `document.querySelectorAll("details").forEach((one) => { one.open = true; })`,
  );
  await cutTables(page, 4);
  // Nor does the fifth option, or the eightieth paragraph of a manual, tell what those before do not.
  await page.evaluate(
    `document.querySelectorAll("option:nth-child(n+5), .docs-text > :nth-child(n+80)")
      .forEach((one) => one.remove())`,
  );
  wrong.push(...(await beyondKeyboard(page)).map((one) => `by keyboard: ${one}`));
  for (const width of widths) {
    await measure(width, ", all of it opened");
    wrong.push(...(await axeOn(page)).map((line) => `${width}: ${line}`));
    await page.emulateMedia({ colorScheme: "dark" });
    wrong.push(...(await contrastOn(page)).map((line) => `${width}, dark: ${line}`));
    await page.emulateMedia({ colorScheme: "light" });
  }
  return wrong;
}

/** Controls that Tab passes by, or that do not show that they have the focus. */
async function beyondKeyboard(page: Page): Promise<string[]> {
  // From here on the focus is one of somebody who types.
  await page.keyboard.press("Tab");
  return page.evaluate(`(() => {
    const controls = [...document.querySelectorAll(
      "a[href], button, input:not([type=hidden]), select, textarea, summary, .wide, .plot",
    )];
    const named = (one) => one.outerHTML.slice(0, 100);
    return controls
      .filter((one) => one.checkVisibility() && !one.disabled)
      .flatMap((one) => {
        if (one.tabIndex < 0) return ["not reached: " + named(one)];
        one.focus({ preventScroll: true });
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return document.activeElement === one && outlineStyle + " " + outlineWidth === "solid 3px"
          ? [] : ["not seen: " + named(one)];
      });
  })()`);
}

/** Takes the pictures, and says so: a run that does has tested nothing. */
async function shoot(page: Page, name: string): Promise<string[]> {
  const file = name.replaceAll(/[^\w-]+/g, "_").slice(0, 120);
  for (const width of widths)
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({
        path: `${shots}/${file}-${width}-${colorScheme}.png`,
        fullPage: true,
      });
    }
  await page.emulateMedia({ colorScheme: "light" });
  return ["pictures were taken, nothing was tested"];
}
