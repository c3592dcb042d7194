import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sideways, press, startBrowser, type TestBrowser } from "#test/browser/browser.ts";
import { type DocsSite, startDocs } from "#test/web/docs-kit.ts";

let site: DocsSite;
let chromium: TestBrowser;
beforeAll(async () => {
  [site, chromium] = await Promise.all([startDocs(), startBrowser()]);
}, 20_000);
afterAll(async () => {
  await chromium?.close();
  await site?.close();
});

describe("the documentation in a browser", () => {
  test("scrolls down alone at 320 px, on every page", async () => {
    const page = await chromium.open({ width: 320, scheme: "light" });
    for (const { path } of site.book.pages) {
      await page.goto(site.url + path);
      expect([path, await sideways(page)]).toEqual([path, 0]);
    }
    await page.close();
  }, 60_000);

  test("copies a page's Markdown", async () => {
    const look = { width: 1280, scheme: "light" } as const;
    const context = await chromium.context(look);
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: site.url });
    const page = await chromium.open(look);
    await page.goto(`${site.url}/docs/guides/streaming`);
    await press(page.getByRole("button", { name: "Copy page" }));
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate("navigator.clipboard.readText()");
    expect(copied).toBe(await site.text("/docs/guides/streaming.md"));
    await page.close();
  });

  test("is read, searched and turned over with JavaScript off", async () => {
    const page = await chromium.open({ width: 320, scheme: "light", script: false });
    await page.goto(`${site.url}/docs`);
    expect(await page.getByRole("button", { name: "Copy page" }).count()).toBe(0);
    await page.getByRole("searchbox", { name: "Search the documentation" }).fill("backup restore");
    await press(page.getByRole("button", { name: "Search", exact: true }));
    await page.waitForURL("**/docs/search?q=backup+restore");
    // The list of all pages has a link of that name too.
    const hits = page.locator(".hits");
    await press(hits.getByRole("link", { name: /^Backup and upgrade/ }).first());
    expect(page.url()).toContain("/docs/operating/backup-and-upgrade");
    await press(page.locator("a[rel=next]"));
    expect(page.url()).not.toContain("backup-and-upgrade");
    await press(page.getByRole("link", { name: "Markdown of this page" }));
    expect(page.url()).toEndWith(".md");
    await page.close();
  });
});
