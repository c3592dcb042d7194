import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { version } from "#src/lib/version.ts";
import { errorCodes, AppError, type ErrorCode } from "#src/lib/error.ts";
import { exposedHeaders } from "#src/gateway/headers.ts";
import { originOf } from "#src/web/docs/origin.ts";
import { operations } from "#src/web/docs/openapi/operations.ts";
import { mounts } from "#src/web/docs/openapi/document.ts";
import { type DocsSite, startDocs } from "#test/web/docs-kit.ts";
import { elementsOf, forbidden, headingFaults } from "#test/web/outline.ts";

let site: DocsSite;
beforeAll(async () => {
  site = await startDocs();
});
afterAll(() => site.close());

const root = join(import.meta.dir, "../..");
const packed = { decompress: false, headers: { "accept-encoding": "gzip" } } as const;

describe("documentation pages", () => {
  test("a group that has no page of its own leads to its first one, as the README says it", async () => {
    for (const group of ["operating", "operating/", "guides"]) {
      const led = await site.get(`/docs/${group}`, { redirect: "manual" });
      expect([group, led.status]).toEqual([group, 303]);
      const place = String(led.headers.get("location"));
      expect(place).toStartWith(`/docs/${group.replace("/", "")}/`);
      expect((await site.get(place)).status).toBe(200);
    }
    for (const path of [
      "/docs/operatin",
      "/docs/operating/nothing",
      "/docs/operating.md",
      "/docs//",
    ])
      expect([path, (await site.get(path, { redirect: "manual" })).status]).toEqual([path, 404]);
  });

  test("each is under 40 KB transferred with all that it loads, without inline script or other hosts", async () => {
    const paths = [...site.book.pages.map(({ path }) => path), "/docs/search?q=key"];
    expect(paths.length).toBeGreaterThan(45);
    for (const path of paths) {
      const response = await site.get(path, packed);
      expect([path, response.status, response.headers.get("content-encoding")]).toEqual([
        path,
        200,
        "gzip",
      ]);
      expect(response.headers.get("content-security-policy")).toContain("script-src 'self'");
      const bytes = new Uint8Array(await response.arrayBuffer());
      const html = new TextDecoder().decode(Bun.gunzipSync(bytes));
      const elements = await elementsOf(html);
      expect([path, forbidden(elements), headingFaults(elements)]).toEqual([path, [], []]);
      let transferred = bytes.length;
      for (const { tag, attributes } of elements) {
        const file = attributes.find(
          ([name, value]) => /^(href|src)$/.test(name) && value[0] === "/",
        );
        if ((tag === "link" || tag === "script") && file)
          transferred += (await (await site.get(file[1], packed)).bytes()).length;
      }
      expect([path, transferred < 40_000]).toEqual([path, true]);
      expect([path, html.includes("{{")]).toEqual([path, false]);
      const ids = elements.flatMap(({ attributes }) =>
        attributes.flatMap(([name, value]) => (name === "id" ? [value] : [])),
      );
      expect([path, ids.filter((id, at) => ids.indexOf(id) !== at)]).toEqual([path, []]);
    }
  });

  test("every link of ours leads to a page, and to a heading that is there", async () => {
    const idsAt = new Map<string, Promise<Set<string>>>();
    const idsOf = async (path: string) => {
      const response = await site.get(path);
      expect([path, response.status]).toEqual([path, 200]);
      const elements = await elementsOf(await response.text());
      return new Set(
        elements.flatMap(({ attributes }) =>
          attributes.flatMap(([name, value]) => (name === "id" ? [value] : [])),
        ),
      );
    };
    let walked = 0;
    for (const { path, rendered } of site.book.pages) {
      for (const { tag, attributes } of await elementsOf(rendered.html)) {
        const href = attributes.find(([name]) => name === "href")?.[1];
        if (tag !== "a" || href === undefined || /^https?:/.test(href)) continue;
        const [target = "", id] = (href.startsWith("#") ? path + href : href).split("#");
        let ids = idsAt.get(target);
        if (ids === undefined) idsAt.set(target, (ids = idsOf(target)));
        if (id !== undefined) expect([path, href, (await ids).has(id)]).toEqual([path, href, true]);
        await ids;
        walked++;
      }
    }
    expect(walked).toBeGreaterThan(100);
  });

  test("the Markdown beside each is its source with the placeholders filled", async () => {
    const sources = new Map<string, string>();
    for await (const file of new Bun.Glob("**/*.md").scan(join(root, "src/web/content")))
      sources.set(file, await Bun.file(join(root, "src/web/content", file)).text());
    for (const file of ["clients.md", "routing.md"])
      sources.set(`docs/${file}`, await Bun.file(join(root, "docs", file)).text());
    expect(sources.size).toBe(site.book.pages.length);
    const filled = [...sources.values()].map((text) =>
      text
        .replaceAll("{{origin}}", site.url)
        .replaceAll("http://127.0.0.1:4000", site.url)
        .replaceAll("{{version}}", version),
    );
    for (const { path } of site.book.pages) {
      const response = await site.get(`${path}.md`);
      expect([response.status, response.headers.get("content-type")]).toEqual([
        200,
        "text/markdown; charset=utf-8",
      ]);
      const twin = await response.text();
      // A generated table stands where its mark was; everything else is as it was written.
      const isOf = (text: string) => {
        const parts = text.split(/\{\{\w+\}\}/);
        const isWhole = twin.startsWith(parts[0] ?? "?") && twin.endsWith(parts.at(-1) ?? "?");
        return parts.length === 1 ? twin === text : isWhole && !twin.includes("{{");
      };
      expect([path, filled.filter(isOf).length]).toEqual([path, 1]);
    }
  });

  test("what is raw HTML in no page, and what is said of headers, codes and paths is so", () => {
    const known = new Set(
      [...exposedHeaders.split(", "), "X-Api-Key", "X-Title", "X-Forwarded-Proto"].map((name) =>
        name.toLowerCase(),
      ),
    );
    const paths = operations.flatMap(({ method, path, base }) =>
      mounts[base].map((mount) => `${method.toUpperCase()} ${mount}${path}`),
    );
    const isCode = (text: string): text is ErrorCode => errorCodes.some((code) => code === text);
    let codes = 0;
    let routes = 0;
    for (const { path, markdown } of site.book.pages) {
      const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "");
      for (const [name] of prose.matchAll(/(?<=`)X-[A-Za-z][\w-]+/g))
        expect([path, name, known.has(name.toLowerCase())]).toEqual([path, name, true]);
      for (const [, status, code = ""] of prose.matchAll(/\b([45]\d\d) `([a-z_]+)`/g)) {
        expect([path, code, isCode(code)]).toEqual([path, code, true]);
        if (isCode(code))
          expect([code, String(new AppError(code, "").status)]).toEqual([code, `${status}`]);
        codes++;
      }
      for (const [, method, at = ""] of prose.matchAll(/`(GET|POST|PATCH|DELETE) (\/[^`?\s]+)/g)) {
        const said = `${method} ${at}`;
        expect([path, said, paths.includes(said)]).toEqual([path, said, true]);
        routes++;
      }
    }
    expect(codes).toBeGreaterThan(6);
    expect(routes).toBeGreaterThan(10);
  });

  test("there is a page for each subject and each client that is promised", () => {
    const paths = site.book.pages.map(({ path }) => path.slice("/docs".length));
    const integrations = ["openai", "anthropic", "google", "vercel-ai-sdk", "langchain"];
    integrations.push("claude-code", "codex", "continue", "open-webui", "curl");
    const subjects = ["/philosophy", "/getting-started", "/integrations", "/api", "/faq"];
    subjects.push("/models-and-providers", "/sustainable-ai", "/coming-soon");
    const promised = [...subjects, ...integrations.map((name) => `/integrations/${name}`)];
    expect(promised.filter((path) => !paths.includes(path))).toEqual([]);
    for (const group of ["/guides/", "/operating/"])
      expect([group, paths.some((path) => path.startsWith(group))]).toEqual([group, true]);
  });

  test("each leads to its own Markdown, to its parts, and to every other page", async () => {
    const all = site.book.pages.map(({ path }) => path);
    for (const { path, rendered } of site.book.pages) {
      const elements = await elementsOf(await site.text(path));
      const values = (wanted: string) =>
        elements.flatMap(({ attributes }) =>
          attributes.flatMap(([name, value]) => (name === wanted ? [value] : [])),
        );
      const leads = new Set(values("href"));
      expect([path, [...leads].filter((one) => one.endsWith(".md"))]).toEqual([
        path,
        [`${path}.md`],
      ]);
      expect([path, values("data-copy")]).toEqual([path, [`${path}.md`]]);
      const parts = rendered.headings.flatMap(({ level, id }) => (level === 2 ? [`#${id}`] : []));
      const wanted = [...all, ...(parts.length < 2 ? [] : parts)];
      expect([path, wanted.filter((one) => !leads.has(one))]).toEqual([path, []]);
    }
  });

  test("a page that is not there is a 404, for browsers as a page", async () => {
    for (const path of ["/docs/nothing", "/docs/nothing.md", "/docs/faq/"]) {
      const response = await site.get(path);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });

  test("llms.txt lists every page by its Markdown, llms-full.txt holds each", async () => {
    const list = await site.text("/llms.txt");
    const full = await site.text("/llms-full.txt");
    const links = [...list.matchAll(/^- \[.+\]\((\S+)\): .+$/gm)].map(([, href]) => href);
    expect(links).toEqual(site.book.pages.map(({ path }) => `${site.url}${path}.md`));
    for (const { path } of site.book.pages)
      expect(full).toContain((await site.text(`${path}.md`)).trim());
  });

  test("the copy button is hidden until its script, a file of ours, shows it", async () => {
    const elements = await elementsOf(await site.text("/docs/faq"));
    const button = elements.find(({ attributes }) =>
      attributes.some(([name]) => name === "data-copy"),
    );
    const attributes = Object.fromEntries(button?.attributes ?? []);
    expect(attributes).toMatchObject({ "data-copy": "/docs/faq.md", hidden: "" });
    const source = elements
      .find(({ tag }) => tag === "script")
      ?.attributes.find(([n]) => n === "src");
    const script = await site.get(source?.[1] ?? "/nowhere");
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(await script.text()).toContain("hidden = false");
  });
});

describe("the reader's own address", () => {
  const listen = { hostname: "0.0.0.0", port: 4321 };
  const seen = (headers: Record<string, string>) =>
    originOf(new Request("http://x/", { headers }), listen);

  test.each([
    "gateway.example",
    "gateway.example:8443",
    "127.0.0.1:4000",
    "[::1]:4000",
    "my_gateway:4000",
  ])("is what the client says, where %s is a plain host", (host) =>
    expect(seen({ host })).toBe(`http://${host}`),
  );

  test.each([
    '"><script>alert(1)</script>',
    "a.example/path",
    "user@a.example",
    "a.example`id`",
    "a.example$(id)",
    "a.example;id",
    "a.example|id",
    "a b",
    "a.example:port",
    "a'b",
    "a\\b",
    "{{version}}",
    "x".repeat(300),
    "",
  ])("is where we listen, when the host is %j", (host) =>
    expect(seen({ host })).toBe("http://127.0.0.1:4321"),
  );

  test("is https only where a proxy says exactly that", () => {
    const host = "a.example";
    expect(seen({ host, "x-forwarded-proto": "https" })).toBe("https://a.example");
    expect(seen({ host, "x-forwarded-proto": "javascript" })).toBe("http://a.example");
  });

  test("stands in the page, the Markdown and the API's description alike", async () => {
    const headers = { host: "ai.example:444", "x-forwarded-proto": "https" };
    for (const path of [
      "/docs/integrations",
      "/docs/integrations.md",
      "/openapi.json",
      "/llms.txt",
    ]) {
      const text = await (await site.get(path, { headers })).text();
      expect([path, text.includes("https://ai.example:444")]).toEqual([path, true]);
      expect([path, text.includes("127.0.0.1")]).toEqual([path, false]);
    }
  });

  test("of a hostile client changes nothing on the page", async () => {
    const headers = { host: 'x"onload="alert(1)' };
    const text = await (await site.get("/docs/integrations/curl", { headers })).text();
    expect(text).not.toContain("onload");
  });
});
