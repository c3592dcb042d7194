import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { reservedNames } from "#src/config/schema.ts";
import { elementsOf, forbidden, headingFaults } from "#test/web/outline.ts";
import { publicPaths, type Site, startSite } from "#test/web/site.ts";

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const packed = { decompress: false, headers: { "accept-encoding": "gzip, br" } } as const;

describe("public pages", () => {
  test("with the whole catalogue each is under 100 KB transferred with all that it loads, most under 40", async () => {
    const sizes: [string, number][] = [];
    for (const path of publicPaths(site)) {
      const response = await site.get(path, packed);
      expect([path, response.status, response.headers.get("content-type")]).toEqual([
        path,
        200,
        "text/html; charset=utf-8",
      ]);
      const bytes = new Uint8Array(await response.arrayBuffer());
      const html = new TextDecoder().decode(
        response.headers.get("content-encoding") === "gzip" ? Bun.gunzipSync(bytes) : bytes,
      );
      const elements = await elementsOf(html);
      expect([path, forbidden(elements), headingFaults(elements)]).toEqual([path, [], []]);
      // The limits of the estimate stand near every figure.
      expect([path, html.includes("Not measured: training")]).toEqual([path, true]);
      let transferred = bytes.length;
      for (const { tag, attributes } of elements) {
        if (tag !== "link" && tag !== "script" && tag !== "img") continue;
        const file = attributes.find(
          ([name, value]) => /^(href|src)$/.test(name) && value.startsWith("/"),
        );
        if (file) transferred += (await (await site.get(file[1], packed)).bytes()).length;
      }
      sizes.push([path, transferred]);
    }
    expect(sizes.length).toBeGreaterThan(280);
    expect(sizes.filter(([, size]) => size > 100_000)).toEqual([]);
    expect(sizes.filter(([, size]) => size > 40_000)).toEqual([]);
  });

  test("gzip goes only to who takes it, and caches are told", async () => {
    const wanted = [
      ["gzip", true],
      ["br, GZIP;q=0.5", true],
      ["gzip;q=0", false],
      ["identity", false],
    ] as const;
    const style = /\/assets\/style-\w+\.css/.exec(await site.text("/"))?.[0] ?? "";
    for (const path of ["/models", style])
      for (const [accepted, isPacked] of wanted) {
        const { headers } = await site.get(path, {
          decompress: false,
          headers: { "accept-encoding": accepted },
        });
        const encoding = headers.get("content-encoding");
        expect([path, accepted, encoding]).toEqual([path, accepted, isPacked ? "gzip" : null]);
        expect(headers.get("vary")).toContain("Accept-Encoding");
      }
    const plain = await site.get(style);
    expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(await plain.text()).toContain("color-scheme");
  });

  test("HEAD answers as GET does, without the page", async () => {
    for (const path of ["/", "/models", "/status"]) {
      const [head, get] = [await site.get(path, { method: "HEAD" }), await site.get(path)];
      expect([path, head.status, head.headers.get("content-type")]).toEqual([
        path,
        200,
        get.headers.get("content-type"),
      ]);
      expect(await head.text()).toBe("");
    }
  });

  test("no provider can be called as a page is", async () => {
    for (const path of publicPaths(site)) {
      const name = path.split(/[/?]/)[1] ?? "";
      expect([name, name === "" || reservedNames.has(name)]).toEqual([name, true]);
    }
    expect(reservedNames.has("theme")).toBe(true);
  });

  test("the home page counts what can be called, and shows the reader's own address", async () => {
    const response = await site.get("/", {
      headers: { host: "gateway.example", "x-forwarded-proto": "https" },
    });
    const html = await response.text();
    expect(html).toContain("curl https://gateway.example/v1/chat/completions");
    const { app, services } = site.gateway;
    const callable = services.models.filter((model) => app.routes.of(model).length > 0);
    expect(callable.length).toBeGreaterThan(10);
    expect(html).toContain(`<div class="figure">${callable.length}</div>`);
  });
});

describe("colours", () => {
  const choose = (fields: Record<string, string>) =>
    site.get("/theme", {
      method: "POST",
      headers: { origin: site.url },
      body: new URLSearchParams(fields),
    });

  test("are the system's until a reader chooses, and the choice is kept without script", async () => {
    expect(await site.text("/")).not.toContain("data-theme");
    const chosen = await choose({ theme: "dark", to: "/models?q=gpt&region=eu-west" });
    expect(chosen.status).toBe(303);
    expect(chosen.headers.get("location")).toBe("/models?q=gpt&region=eu-west");
    const cookie = chosen.headers.get("set-cookie") ?? "";
    expect(cookie).toBe("theme=dark; Max-Age=31536000; Path=/; SameSite=Lax; HttpOnly");
    const page = await site.get("/", { headers: { cookie: "a=b; theme=dark" } });
    expect(page.headers.get("vary")).toContain("Cookie");
    expect(await page.text()).toContain('<html lang="en" data-theme="dark">');
    expect((await choose({ theme: "system" })).headers.get("set-cookie")).toContain("Max-Age=0");
  });

  test("of a name that there is not are the system's", async () => {
    const page = await site.get("/", { headers: { cookie: 'theme="><script>' } });
    expect(await page.text()).not.toContain("data-theme");
  });

  test("lead back to pages of ours alone", async () => {
    const elsewhere = [
      "https://other.example/",
      "//other.example/",
      "/\\other.example",
      "/\t/other.example",
      "/..//other.example",
      "javascript:alert(1)",
      "models",
    ];
    for (const to of elsewhere)
      expect([to, (await choose({ theme: "dark", to })).headers.get("location")]).toEqual([
        to,
        "/",
      ]);
  });
});

describe("what is not there", () => {
  test("is a page for a browser and JSON for a program", async () => {
    for (const path of [
      "/nope",
      "/models/nobody/nothing",
      "/providers/nobody",
      "/methodology/constructor",
    ]) {
      const page = await site.get(path);
      expect([path, page.status, page.headers.get("content-type")]).toEqual([
        path,
        404,
        "text/html; charset=utf-8",
      ]);
      expect(page.headers.get("vary")).toContain("Accept");
      expect(headingFaults(await elementsOf(await page.text()))).toEqual([]);
      const program = await site.get(path, { headers: { accept: "*/*" } });
      expect([path, program.status]).toEqual([path, 404]);
      expect(await program.json()).toMatchObject({ error: { code: "not_found" } });
    }
    const api = await site.get("/v1/nothing");
    expect(await api.json()).toMatchObject({ error: { code: "not_found" } });
  });

  test("shows no markup of the path that was asked for", async () => {
    const html = await (await site.get("/%3Cscript%3Ealert(1)%3C/script%3E")).text();
    expect(forbidden(await elementsOf(html))).toEqual([]);
  });

  test("what breaks is a page that tells nothing of why", async () => {
    const { health } = site.gateway.app;
    const { all } = health;
    health.all = () => {
      throw new Error("secret of the machine");
    };
    try {
      const page = await site.get("/status");
      const html = await page.text();
      expect(page.status).toBe(500);
      expect(html).toContain("<h1>Something went wrong</h1>");
      expect(html).not.toContain("secret of the machine");
      const program = await site.get("/status", { headers: { accept: "application/json" } });
      expect(await program.json()).toMatchObject({ error: { code: "internal_error" } });
    } finally {
      health.all = all;
    }
  });
});
