import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { webRoutes } from "#src/web/routes.tsx";
import {
  axeOn,
  contrastOn,
  cutTables,
  type Look,
  sideways,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { answers, send } from "#test/browser/answers.ts";
import { type FullHouse, startFullHouse } from "#test/browser/full-house.ts";
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
  await page.close();
}, 30_000);

test("no page at 320 or 1280 px, light or dark, shows axe anything, scrolls sideways, or asks another host", async () => {
  // Side by side: each has a process of the browser to itself.
  const found = await Promise.all(([320, 1280] as const).map(lookAt));
  expect(found.flat()).toEqual([]);
}, 300_000);

/** What is wrong on any page at a width, in both schemes. */
async function lookAt(width: Look["width"]): Promise<unknown[]> {
  const { url } = full.house;
  const inside = await chromium.browser.newContext({
    viewport: { width, height: 800 },
    reducedMotion: "reduce",
  });
  await inside.addCookies(cookiesOf(full.ada, url));
  const outside = await chromium.browser.newContext({ viewport: { width, height: 800 } });
  const pages = { inside: await inside.newPage(), outside: await outside.newPage() };
  const asked: string[] = [];
  for (const page of Object.values(pages))
    page.on("request", (request) => void asked.push(request.url()));
  const found: unknown[] = [];
  for (const sample of Object.values(samples).flat()) {
    if (!sample.path.includes(only)) continue;
    const page = sample.signedOut ? pages.outside : pages.inside;
    if (sample.by !== undefined) await page.goto(url + sample.by);
    else await page.goto(url + sample.path);
    const where = new URL(page.url());
    expect([sample.path, where.pathname + where.search]).toEqual([sample.path, sample.path]);
    const wrong = await wrongOn(page, `${sample.path.slice(1)}-${width}`);
    if (wrong.length > 0) found.push([sample.path, width, ...wrong]);
  }
  for (const [name, sending] of Object.entries(answers)) {
    if (!sending.from.includes(only)) continue;
    const page = sending.signedOut ? pages.outside : pages.inside;
    await send(page, url, sending);
    const wrong = await wrongOn(page, `${name}-${width}`);
    if (wrong.length > 0) found.push([name, width, ...wrong]);
  }
  expect(asked).not.toEqual([]);
  expect(asked.filter((one) => !one.startsWith(url) && !one.startsWith("data:"))).toEqual([]);
  await inside.close();
  await outside.close();
  return found;
}

async function wrongOn(page: Page, name: string): Promise<string[]> {
  const wrong: string[] = [];
  const beyond = await sideways(page);
  if (beyond !== 0) wrong.push(`scrolls ${beyond} px sideways`);
  if (shots !== undefined) {
    await shoot(page, `${name}-light`);
    await page.emulateMedia({ colorScheme: "dark" });
    await shoot(page, `${name}-dark`);
    await page.emulateMedia({ colorScheme: "light" });
    return ["pictures were taken, nothing was tested"];
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
  const opened = await sideways(page);
  if (opened !== 0) wrong.push(`scrolls ${opened} px sideways, all of it opened`);
  wrong.push(...(await axeOn(page)));
  await page.emulateMedia({ colorScheme: "dark" });
  wrong.push(...(await contrastOn(page)).map((line) => `dark: ${line}`));
  await page.emulateMedia({ colorScheme: "light" });
  return wrong;
}

async function shoot(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  const file = name.replaceAll(/[^\w-]+/g, "_").slice(0, 120);
  await page.screenshot({ path: `${shots}/${file}.png`, fullPage: true });
}
