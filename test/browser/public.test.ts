import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { type Site, startSite } from "#test/web/site.ts";

let site: Site;
let chromium: TestBrowser;

beforeAll(async () => {
  [site, chromium] = await Promise.all([startSite(), startBrowser()]);
  // Something to show: a place that is down, and one that has trouble.
  const { app } = site.gateway;
  const [first, second] = app.routes.smallest.flatMap((model) => app.routes.of(model));
  for (let failure = 0; failure < 3; failure++) if (first) app.health.failed(first);
  if (second) app.health.succeeded(second, 120);
}, 20_000);

afterAll(async () => {
  await chromium?.close();
  await site?.close();
});

describe("public pages in a browser", () => {
  test("work with JavaScript off: filters, comparison, colours", async () => {
    const page = await chromium.open({ width: 1280, scheme: "light", script: false });
    await page.goto(`${site.url}/models`);
    await page.getByLabel("Name", { exact: true }).fill("gpt-4o");
    await page.getByRole("combobox", { name: "Region" }).selectOption("eu-west");
    await press(page.getByRole("button", { name: "Show" }));
    expect(page.url()).toContain("q=gpt-4o");
    expect(page.url()).toContain("region=eu-west");
    await page.getByLabel("Compare openai/gpt-4o", { exact: true }).check();
    await page.getByLabel("Compare openai/gpt-4o-mini", { exact: true }).check();
    await press(page.getByRole("button", { name: "Compare up to 4" }));
    const heads = page.getByRole("table", { name: /Side by side/ }).getByRole("columnheader");
    expect(await heads.allInnerTexts()).toEqual(["openai/gpt-4o", "openai/gpt-4o-mini"]);
    expect(page.url()).toContain("region=eu-west");
    const here = page.url();
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(await ground()).toBe("rgb(251, 251, 248)");
    await press(page.getByRole("button", { name: "dark" }));
    expect(page.url()).toBe(here);
    expect(await ground()).toBe("rgb(18, 22, 19)");
    await press(page.getByRole("button", { name: "system" }));
    expect(await ground()).toBe("rgb(251, 251, 248)");
    await page.goto(`${site.url}/models/openai/gpt-4o-mini`);
    await press(page.getByText("The same numbers as a table"));
    expect(await page.getByRole("table", { name: /Carbon of 1,000 tokens/ }).isVisible()).toBe(
      true,
    );
    await page.close();
  }, 20_000);

  test("let the keyboard reach every control, visibly", async () => {
    const page = await chromium.open({ width: 1280, scheme: "light" });
    for (const path of [
      "/",
      "/models?q=gpt-4o-mini",
      "/models/openai/gpt-4o-mini",
      "/methodology",
    ]) {
      await page.goto(site.url + path);
      expect([path, await unreached(page)]).toEqual([path, []]);
    }
    await page.goto(`${site.url}/status`);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent.trim()")).toBe(
      "Skip to the content",
    );
    await page.keyboard.press("Enter");
    expect(page.url()).toEndWith("#main");
    await page.close();
  }, 20_000);
});

/** Controls that Tab does not reach in turn, or where nothing shows that it did. */
async function unreached(page: Page): Promise<string[]> {
  const count: number = await page.evaluate(`(() => {
    const controls = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")];
    controls.forEach((one, at) => { one.dataset.at = at; });
    return controls.filter((one) => one.checkVisibility()).length;
  })()`);
  const reached = new Set<string>();
  const dim: string[] = [];
  for (let press = 0; press < count; press++) {
    await page.keyboard.press("Tab");
    const found: { at: string; name: string; outline: string } | null =
      await page.evaluate(`(() => {
      const one = document.activeElement;
      if (!one || one.dataset.at === undefined) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return { at: one.dataset.at, name: one.outerHTML.slice(0, 80), outline: outlineStyle + " " + outlineWidth };
    })()`);
    if (found === null) continue;
    reached.add(found.at);
    if (found.outline !== "solid 3px") dim.push(found.name);
  }
  return [
    ...dim,
    ...(reached.size === count ? [] : [`${count - reached.size} of ${count} controls`]),
  ];
}
