import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { routingIn } from "#src/dialect/ask-routing.ts";
import { surface } from "#src/http/server.ts";
import { frontRoutes } from "#src/http/fronts.ts";
import { proxyRoutes } from "#src/http/proxy.ts";
import { systemClock } from "#src/lib/clock.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { mounts, openApi } from "#src/web/docs/openapi/document.ts";
import { operations } from "#src/web/docs/openapi/operations.ts";
import { referenceMarkdown } from "#src/web/docs/openapi/reference.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { type DocsSite, startDocs } from "#test/web/docs-kit.ts";
import { faultsOf } from "#test/web/json-schema-judge.ts";

let site: DocsSite;
let document: unknown;
beforeAll(async () => {
  site = await startDocs();
  document = await (await site.get("/openapi.json")).json();
});
afterAll(() => site.close());

/** Every method of every path that is described, at each place where it is mounted. */
const described = operations.flatMap(({ method, path, base }) =>
  mounts[base].map((mount) => ({ method: method.toUpperCase(), path: mount + path })),
);
const plain = (path: string) => path.replace(/\{\w+\}/g, "{}");
const key = (one: { method: string; path: string }) => `${one.method} ${plain(one.path)}`;

/** The routes of the API as the surface has them, without pages. */
function routesOf({ gateway }: DocsSite) {
  const { app, services } = gateway;
  const ready = () => true;
  const readiness = {
    accepting: ready,
    databaseAnswers: () => Promise.resolve(true),
    anyProvider: ready,
  };
  const listed = surface({ app, services, readiness }).routes;
  return listed
    .filter(({ path }) => path !== "/*")
    .map(({ method, path }) => ({ method, path: path.replace(/:(\w+)/g, "{$1}") }));
}

describe("/openapi.json", () => {
  test("describes every route of the framework's, and invents none", () => {
    const real = new Set(routesOf(site).map(key));
    const said = new Set(described.map(key));
    expect(real.size).toBeGreaterThan(40);
    expect([...real].filter((one) => !said.has(one))).toEqual([]);
    const fronts = Object.keys({ ...frontRoutes(site.gateway.app) });
    const elsewhere = [...said].filter((one) => !real.has(one));
    for (const one of elsewhere) {
      const path = one.slice(one.indexOf(" ") + 1);
      const isFront = fronts.some((front) =>
        front.endsWith("/*") ? path.startsWith(front.slice(0, -1)) : plain(front) === path,
      );
      expect([one, isFront || path === "/{}/{}"]).toEqual([one, true]);
    }
  });

  test("describes every path of the server's own, with the methods that it takes", async () => {
    const { app } = site.gateway;
    for (const [front, methods] of Object.entries(frontRoutes(app))) {
      const prefix = front.endsWith("/*") ? front.slice(0, -1) : undefined;
      const mine = described.filter(({ path }) =>
        prefix === undefined ? path === front : path.startsWith(prefix),
      );
      expect([front, mine.length > 0]).toEqual([front, true]);
      if (prefix !== undefined) continue;
      for (const method of Object.keys(methods)) {
        const response = await site.get(front, {
          method,
          headers: { authorization: `Bearer ${site.key}`, accept: "application/json" },
          ...(method === "GET" || method === "HEAD" ? {} : { body: "{}" }),
        });
        await response.arrayBuffer();
        const isSaid = mine.some((one) => one.method === method);
        expect([front, method, response.status !== 405]).toEqual([front, method, isSaid]);
      }
    }
    for (const path of Object.keys(proxyRoutes(app))) expect(path).toMatch(/^\/[\w-]+\/(:s\d+|\*)/);
  });

  test("names no path that nobody answers", async () => {
    const filled = { id: "gen_none", hash: "none", author: "openai", slug: "gpt-4o-mini" };
    const more = { version: "v0.4-2026-01", model: "gemini-3.5-flash", provider: "openai" };
    const values: Record<string, string> = { ...filled, ...more, path: "v1/models" };
    for (const { method, path } of described) {
      const response = await site.get(
        path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "?"),
        {
          method,
          headers: { authorization: `Bearer ${site.managementKey}`, accept: "application/json" },
          ...(method === "GET" || method === "DELETE" ? {} : { body: "{}" }),
        },
      );
      const text = await response.text();
      const code = text.startsWith("{") ? at(JSON.parse(text), "error.code") : undefined;
      expect([
        method,
        path,
        response.status === 405 || (code === "not_found" && !/byok|webhooks/.test(path)),
      ]).toEqual([method, path, false]);
    }
  });

  test("says each path at every address where it is answered", () => {
    const items = Object.entries(Object(at(document, "paths")));
    const said = items.flatMap(([path, item]) =>
      listAt(item, "servers").flatMap((server) =>
        Object.keys(Object(item))
          .filter((name) => name !== "servers")
          .map((method) => `${method.toUpperCase()} ${String(at(server, "url"))}${path}`),
      ),
    );
    expect(said.toSorted()).toEqual(
      described.map(({ method, path }) => `${method} ${site.url}${path}`).toSorted(),
    );
  });

  test("names what a query may say: each name that is read, and no other", async () => {
    const spied = new Set<string>();
    const { get } = URLSearchParams.prototype;
    // The gateway runs in this process: what it looks for in a query is seen here.
    URLSearchParams.prototype.get = function (name) {
      spied.add(name);
      return get.call(this, name);
    };
    const managing = { authorization: `Bearer ${site.managementKey}` };
    const made = await fetch(`${site.url}/v1/webhooks`, {
      method: "POST",
      headers: managing,
      body: JSON.stringify({ name: "read", url: "https://127.0.0.1:1/" }),
    });
    const values: Record<string, string> = {
      ...{ id: "gen_none", hash: "none", author: "openai", slug: "gpt-4o-mini" },
      ...{ version: "v0.4-2026-01", model: "gemini-3.5-flash", month: "2026-01" },
    };
    const hook = String(at(await made.json(), "endpoint.id"));
    let names = 0;
    try {
      for (const { method, path, base, query = [], caller, sameAs } of operations) {
        if (method !== "get" || sameAs !== undefined) continue;
        const id = path.startsWith("/v1/webhooks/") ? hook : values["id"];
        const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
          String({ ...values, id }[name]),
        );
        spied.clear();
        // Some are read only where there is a query.
        const response = await fetch(`${site.url}${mounts[base][0]}${filled}?nothing=1`, {
          headers: caller === "management" ? managing : { authorization: `Bearer ${site.key}` },
        });
        await response.arrayBuffer();
        // Of every path the key may be read from the query too.
        const isOwn = query.some(({ name }) => name === "key");
        const read = [...spied].filter((name) => name !== "key" || isOwn);
        expect([path, read.toSorted()]).toEqual([path, query.map(({ name }) => name).toSorted()]);
        names += read.length;
      }
    } finally {
      URLSearchParams.prototype.get = get;
    }
    expect(names).toBeGreaterThan(30);
  });

  test("names every member of `route` and `provider` that a request is read for, and no other", () => {
    const spy = (read: Set<string>, holds: JsonObject = {}): JsonObject =>
      new Proxy(holds, {
        get(target, name) {
          if (typeof name === "string") read.add(name);
          return Reflect.get(target, name);
        },
      });
    const route = new Set<string>();
    const wish = new Set<string>();
    const price = new Set<string>();
    const bound = new Set<string>();
    routingIn({
      route: spy(route),
      provider: spy(wish, { max_price: spy(price), preferred_max_latency: spy(bound) }),
    });
    const parts = at(document, "components.schemas");
    for (const [path, read] of [
      ["Route", route],
      ["ProviderWish", wish],
      ["ProviderWish.properties.max_price", price],
      ["ProviderWish.properties.preferred_max_latency.anyOf.1", bound],
    ] as const) {
      const told = Object.keys(Object(at(parts, `${path}.properties`)));
      expect([path, told.toSorted()]).toEqual([path, [...read].toSorted()]);
    }
  });

  test("is whole: every reference leads somewhere, every operation has a name of its own", () => {
    const text = JSON.stringify(document);
    const refs = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
    expect(refs.length).toBeGreaterThan(80);
    for (const path of refs)
      expect([path, isObject(at(document, path.replaceAll("/", ".")))]).toEqual([path, true]);
    const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(operations.length);
    expect(at(document, "openapi")).toBe("3.1.0");
    expect(at(document, "servers.0.url")).toBe(site.url);
    for (const { path } of operations) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect([path, new Set(names).size]).toEqual([path, names.length]);
    }
  });

  test("is what the reference is made from", async () => {
    const markdown = referenceMarkdown();
    for (const { method, path, sameAs } of operations)
      if (sameAs === undefined) expect(markdown).toContain(`### ${method.toUpperCase()} ${path}\n`);
    const shown = await (await site.get("/docs/api.md")).text();
    expect(shown).toContain(markdown);
    expect(Object.keys(Object(at(openApi("http://x"), "paths"))).length).toBe(
      new Set(operations.map(({ path }) => path)).size,
    );
  });
});

describe("answers are as they are described:", () => {
  const hello = [{ role: "user", content: "Hello" }];
  const chat = { model: "openai/gpt-4o-mini", messages: hello };
  const calls: [method: string, described: string, path: string, body?: unknown][] = [
    ["POST", "/v1/chat/completions", "/v1/chat/completions", chat],
    ["POST", "/v1/completions", "/v1/completions", { model: chat.model, prompt: "Hello" }],
    [
      "POST",
      "/v1/embeddings",
      "/v1/embeddings",
      { model: "openai/text-embedding-3-small", input: "Hello" },
    ],
    ["POST", "/v1/responses", "/v1/responses", { model: chat.model, input: "Hello" }],
    [
      "POST",
      "/v1/messages",
      "/v1/messages",
      { model: "anthropic/claude-haiku-4.5", max_tokens: 20, messages: hello },
    ],
    [
      "POST",
      "/v1/messages/count_tokens",
      "/v1/messages/count_tokens",
      { model: "openai/gpt-4o-mini", messages: hello },
    ],
    [
      "POST",
      "/v1beta/models/{model}:generateContent",
      "/v1beta/models/gemini-3.5-flash:generateContent",
      { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
    ],
    ["GET", "/v1beta/models", "/v1beta/models?pageSize=2"],
    ["GET", "/v1beta/models/{model}", "/v1beta/models/gemini-3.5-flash"],
    ["GET", "/v1/models", "/v1/models?all=true&output_modalities=all"],
    ["GET", "/v1/models/{author}/{slug}", "/v1/models/openai/gpt-4o-mini"],
    ["GET", "/v1/models/{author}/{slug}/endpoints", "/v1/models/openai/gpt-4o-mini/endpoints"],
    ["GET", "/v1/providers", "/v1/providers"],
    ["GET", "/v1/methodology", "/v1/methodology"],
    ["GET", "/v1/methodology/{version}", "/v1/methodology/v0.4-2026-01"],
    ["GET", "/v1/key", "/v1/key"],
    ["GET", "/v1/balance", "/v1/balance"],
    ["GET", "/v1/credits", "/v1/credits"],
    ["GET", "/v1/transactions", "/v1/transactions"],
    ["GET", "/api/usage/summary", "/api/usage/summary"],
    ["GET", "/api/usage/timeseries", "/api/usage/timeseries?granularity=hourly"],
    ["GET", "/api/v1/usage/what-if", "/api/v1/usage/what-if"],
    ["GET", "/healthz", "/healthz"],
    ["GET", "/readyz", "/readyz"],
  ];

  const ask = async (method: string, path: string, body?: unknown, as = site.key) => {
    const response = await fetch(site.url + path, {
      method,
      headers: { authorization: `Bearer ${as}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    return { status: response.status, answer };
  };
  const schemaOf = (method: string, path: string, status: number) => {
    const responses = at(pathItem(path), `${method.toLowerCase()}.responses`);
    return at(Object(responses)[String(status)], "content.application/json.schema");
  };
  const pathItem = (path: string): unknown => Object(at(document, "paths"))[path];

  test.each(calls.map(([method, path, asked, body]) => ({ method, path, asked, body })))(
    "$method $path",
    async ({ method, path, asked, body }) => {
      const { status, answer } = await ask(method, asked, body);
      const schema = schemaOf(method, path, status);
      expect([status, isObject(schema)]).toEqual([200, true]);
      expect(faultsOf(schema, answer, document)).toEqual([]);
    },
  );

  test("all of them: no path is left out here", () => {
    const below = ["/v1/generation", "/v1/account", "/v1/activity", "/v1/statements", "/v1/keys"];
    below.push("/v1/byok", "/v1/webhooks", "/.well-known/");
    const left = operations.filter(
      ({ method, path, answer, media, sameAs }) =>
        sameAs === undefined &&
        media === undefined &&
        Object.keys(answer).length > 0 &&
        !calls.some(([verb, one]) => verb === method.toUpperCase() && one === path) &&
        !below.some((start) => path.startsWith(start)),
    );
    // A stream, whose pieces are as the whole is.
    expect(left.map(({ path }) => path)).toEqual(["/v1beta/models/{model}:streamGenerateContent"]);
  });

  test("a generation, and what its footprint was made from", async () => {
    const { answer } = await ask("POST", "/v1/chat/completions", chat);
    const id = String(at(answer, "lowrouter.generation_id"));
    for (const [path, asked] of [
      ["/v1/generation/{id}", `/v1/generation/${id}`],
      ["/v1/generation/{id}/eco", `/v1/generation/${id}/eco`],
      ["/v1/generation", `/v1/generation?id=${id}`],
    ] as const) {
      const found = await ask("GET", asked);
      const schema = schemaOf("GET", path, found.status);
      expect([path, faultsOf(schema, found.answer, document)]).toEqual([path, []]);
    }
  });

  test("what a management key is told: keys, provider keys, webhooks, activity", async () => {
    const as = site.managementKey;
    const sent = { name: "new", limit: 5, limit_reset: "daily", carbon_budget_g: 3 };
    for (const [path, id, body, change] of [
      ["/v1/keys", "hash", sent, { limit: null }],
      ["/v1/byok", "id", { provider: "openai", key: "sk-of-a-test" }, { disabled: true }],
      ["/v1/webhooks", "id", { name: "new", url: "https://127.0.0.1:1/" }, { disabled: true }],
    ] as const) {
      const components = at(document, "components.schemas");
      const made = await ask("POST", path, body, as);
      expect(made.status).toBe(201);
      const names = { "/v1/keys": "KeyChange", "/v1/byok": "ProviderKeyChange" };
      const name = path === "/v1/webhooks" ? "WebhookChange" : names[path];
      expect(faultsOf(Object(components)[name], body, document)).toEqual([]);
      const found = at(made.answer, `data.${id}`) ?? at(made.answer, "endpoint.id");
      const one = `${path}/${String(found)}`;
      const where = `${path}/{${id}}`;
      const told = [
        ["POST", path, made] as const,
        ["GET", path, await ask("GET", path, undefined, as)] as const,
        ["GET", where, await ask("GET", one, undefined, as)] as const,
        ["PATCH", where, await ask("PATCH", one, change, as)] as const,
        ["DELETE", where, await ask("DELETE", one, undefined, as)] as const,
      ];
      for (const [method, where_, { status, answer }] of told)
        expect([
          method,
          where_,
          faultsOf(schemaOf(method, where_, status), answer, document),
        ]).toEqual([method, where_, []]);
    }
    const hook = { name: "new", url: "https://127.0.0.1:1/" };
    const webhook = await ask("POST", "/v1/webhooks", hook, as);
    const at_ = `/v1/webhooks/${String(at(webhook.answer, "endpoint.id"))}`;
    for (const [method, more] of [
      ["POST", "/test"],
      ["GET", "/deliveries"],
      ["POST", "/rotate-secret"],
    ] as const) {
      const { status, answer } = await ask(method, at_ + more, undefined, as);
      const schema = schemaOf(method, `/v1/webhooks/{id}${more}`, status);
      expect([more, isObject(schema), faultsOf(schema, answer, document)]).toEqual([
        more,
        true,
        [],
      ]);
    }
    const [delivery] = listAt(
      (await ask("GET", `${at_}/deliveries`, undefined, as)).answer,
      "data",
    );
    const replayed = `/deliveries/${String(at(delivery, "id"))}/replay`;
    const { status, answer } = await ask("POST", at_ + replayed, undefined, as);
    const replay = schemaOf("POST", "/v1/webhooks/{id}/deliveries/{delivery}/replay", status);
    expect([status, faultsOf(replay, answer, document)]).toEqual([201, []]);
    const month = new Date(systemClock.now()).toISOString().slice(0, 7);
    for (const [path, asked] of [
      ["/v1/statements", "/v1/statements"],
      ["/v1/statements/{month}", `/v1/statements/${month}?partial=true`],
    ] as const) {
      const { status, answer } = await ask("GET", asked, undefined, as);
      const schema = schemaOf("GET", path, status);
      expect([status, isObject(schema), faultsOf(schema, answer, document)]).toEqual([
        200,
        true,
        [],
      ]);
    }
    const activity = await ask("GET", "/v1/activity?group_by=day,model", undefined, as);
    expect(faultsOf(schemaOf("GET", "/v1/activity", 200), activity.answer, document)).toEqual([]);
  });

  test("the account with its carbon budget, and the keys that statements are verified with", async () => {
    const as = site.managementKey;
    const change = { carbon_budget_g: 100, carbon_budget_reset: "daily" };
    expect(faultsOf(at(document, "components.schemas.AccountChange"), change, document)).toEqual(
      [],
    );
    const jwks = "/.well-known/lowrouter-statement-keys.json";
    const month = new Date(systemClock.now()).toISOString().slice(0, 7);
    await ask("GET", `/v1/statements/${month}?partial=true`, undefined, as);
    for (const [method, path, body] of [
      ["GET", "/v1/account", undefined],
      ["PATCH", "/v1/account", change],
      ["PATCH", "/v1/account", { carbon_budget_g: null }],
      ["GET", jwks, undefined],
    ] as const) {
      const { status, answer } = await ask(method, path, body, as);
      const schema = schemaOf(method, path, status);
      expect([method, path, status, faultsOf(schema, answer, document)]).toEqual([
        ...[method, path],
        ...[200, []],
      ]);
    }
    expect(listAt((await ask("GET", jwks)).answer, "keys")).toHaveLength(1);
  });

  test("an error, whoever makes it", async () => {
    const schema = at(document, "components.schemas.Error");
    for (const [method, path, body] of [
      ["POST", "/v1/chat/completions", { model: "nobody/nothing", messages: hello }],
      ["POST", "/v1/keys", { name: "x" }],
      ["GET", "/v1/generation/gen_none", undefined],
      ["GET", "/v1/nothing", undefined],
    ] as const) {
      const { status, answer } = await ask(method, path, body);
      expect(status).toBeGreaterThan(399);
      expect([path, faultsOf(schema, answer, document)]).toEqual([path, []]);
    }
  });
});

test("the judge of these answers finds what is missing, wrong, or not described", () => {
  const schema = at(document, "components.schemas.Balance");
  const right = { balance: 1, currency: "USD", credits: 100 };
  expect(faultsOf(schema, right, document)).toEqual([]);
  expect(faultsOf(schema, { ...right, more: 1 }, document)).toHaveLength(1);
  expect(faultsOf(schema, { ...right, currency: null }, document)).toHaveLength(1);
  expect(faultsOf(schema, { balance: 1, currency: "USD" }, document)).toHaveLength(1);
  const eco = at(document, "components.schemas.LowRouter");
  expect(
    faultsOf(eco, { generation_id: "g", provider: "p", region: "r", eco: {} }, document),
  ).toHaveLength(5);
});
