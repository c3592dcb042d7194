import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { renderMarkdown } from "#src/web/docs/markdown.ts";
import { createSearch, type Search } from "#src/web/docs/search.ts";
import { type DocsSite, startDocs } from "#test/web/docs-kit.ts";
import { elementsOf } from "#test/web/outline.ts";

let site: DocsSite;
let search: Search;
beforeAll(async () => {
  site = await startDocs();
  search = await createSearch(site.book);
});
afterAll(() => site.close());

const page = (query: string) => site.text(`/docs/search?q=${encodeURIComponent(query)}`);

describe("the search", () => {
  test.each([
    ["carbon budget", "/docs/guides/budgets-and-keys"],
    ["litellm", "/docs/guides/moving"],
    ["systemd", "/docs/operating/systemd"],
    ["backup restore", "/docs/operating/backup-and-upgrade"],
    ["X-LowRouter-Dropped", "/docs/api/chat"],
    ["claude code", "/docs/integrations/claude-code"],
    ["ollama", "/docs/guides/local-engines"],
    ["streaming", "/docs/guides/streaming"],
    ["insufficient_credits", "/docs/guides/budgets-and-keys"],
    ["high_carbon_g_per_kwh", "/docs/operating/configuration"],
    ["prompts stored", "/docs/faq"],
  ])("for %s finds %s among the first three", (query, path) => {
    const first = search(query)
      .slice(0, 3)
      .map(({ href }) => href.split("#")[0]);
    expect(first).toContain(path);
  });

  test("finds by the beginning of a word, in any case, and leads to the heading", () => {
    const [best] = search("RESIDEN");
    expect(best?.href).toStartWith("/docs/guides/routing-and-residency");
    const hit = search("recompute number explained").find(({ href }) => href.includes("#"));
    expect(hit?.href).toMatch(/^\/docs\/[\w/-]+#[\w-]+$/);
  });

  test("is made a few pages at a time, and others have their turn between them", async () => {
    let turn = 0;
    const turns: number[] = [];
    const rendered = renderMarkdown("# Page\n\ntext");
    const pages = Array.from({ length: 40 }, (_, at) => ({
      path: `/${at}`,
      section: "",
      title: "Page",
      about: "",
      markdown: "",
      get rendered() {
        turns.push(turn);
        Bun.sleepSync(2);
        return rendered;
      },
    }));
    let isMade = false;
    const making = createSearch({ pages, find: () => undefined }).finally(() => (isMade = true));
    while (!isMade) {
      await new Promise((resolve) => setImmediate(resolve));
      turn++;
    }
    expect((await making)("text").length).toBeGreaterThan(0);
    const together = Map.groupBy(turns, (one) => one);
    expect(turns.length).toBe(40);
    expect(Math.max(...[...together.values()].map(({ length }) => length))).toBeLessThan(20);
  });

  /** Order of made-up pages for a query. */
  const order = async (query: string, ...texts: string[]) => {
    const pages = texts.map((markdown, at) => ({
      path: `/${at}`,
      section: "",
      title: /^# (.+)$/m.exec(markdown)?.[1] ?? "",
      about: "",
      markdown,
      rendered: renderMarkdown(markdown),
    }));
    const find = await createSearch({ pages, find: () => undefined });
    return find(query).map(({ href }) => href);
  };

  test("puts a heading before the text, however often the word is there", async () => {
    const [text, heading] = ["# Other\n\nkeys keys keys", "# Else\n\n## Keys\n\ntext"];
    expect(await order("keys", text, heading)).toEqual(["/1#keys", "/0"]);
  });

  test("puts what holds all words before what holds the rarer one often", async () => {
    const common = ["# A\n\nblue", "# B\n\nblue", "# C\n\nblue", "# D\n\nblue", "# E\n\nblue"];
    const [best] = await order(
      "red blue",
      ...common,
      "# F\n\nred red red red red",
      "# G\n\nred blue",
    );
    expect(best).toBe("/6");
  });

  test("finds nothing for nothing, and says so", async () => {
    expect(search("")).toEqual([]);
    expect(search("   ")).toEqual([]);
    expect(search("qqxyzzy")).toEqual([]);
    expect(await page("qqxyzzy")).toContain("Nothing was found");
  });

  test("every hit leads to a page that is there", async () => {
    for (const { href } of search("key")) expect((await site.get(href)).status).toBe(200);
  });

  test("shows what was typed as text, and marks only what was found", async () => {
    for (const query of [
      "<script>alert(1)</script> key",
      '"><img src=x onerror=alert(1)> key',
      "key<mark>",
    ]) {
      const html = await page(query);
      const elements = await elementsOf(html);
      expect(elements.some(({ tag }) => tag === "img")).toBe(false);
      expect(elements.filter(({ tag }) => tag === "script").length).toBe(0);
      expect(
        elements.some(({ attributes }) => attributes.some(([name]) => name === "onerror")),
      ).toBe(false);
      expect(html).toMatch(/<mark>key<\/mark>/i);
    }
  });

  test("takes patterns and very long words for what they are", async () => {
    for (const query of ["(.*)+$", "[", "\\", "%", "a".repeat(50_000).slice(0, 4000), "🙂"]) {
      const response = await site.get(`/docs/search?q=${encodeURIComponent(query)}`);
      expect([query.slice(0, 10), response.status]).toEqual([query.slice(0, 10), 200]);
    }
  });

  test("works as a form, without a script", async () => {
    const elements = await elementsOf(await site.text("/docs/faq"));
    const form = elements.find(
      ({ tag, attributes }) =>
        tag === "form" &&
        attributes.some(([name, value]) => name === "action" && value === "/docs/search"),
    );
    expect(Object.fromEntries(form?.attributes ?? [])).toMatchObject({
      method: "get",
      role: "search",
    });
  });
});
