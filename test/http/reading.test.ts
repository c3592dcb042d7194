import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
let first: string;
beforeAll(async () => {
  gateway = await startGateway();
  const replies = [
    await gateway.chat({ user: "ada" }),
    await gateway.chat({ user: "-grace", model: "mistral/mistral-small-3.2" }),
    await gateway.chat({ user: "@linus", stream: true, route: { region: "us-east" } }),
    await gateway.ask("/v1/completions", { body: { model: "openai/gpt-4o-mini", prompt: "Once" } }),
  ];
  first = String(at(replies[0]?.json, "lowrouter.generation_id"));
  await gateway.until(async () => (await gateway.rows()).length === 4);
});
afterAll(() => gateway.close());

const reading = [
  "/v1/models",
  "/v1/models/openai/gpt-4o-mini/endpoints",
  "/v1/providers",
  "/v1/key",
  "/api/v1/key",
  "/api/v1/balance",
  "/api/v1/transactions",
  "/api/v1/credits",
  "/api/usage/summary",
  "/api/usage/timeseries",
];

test.each(reading)("GET %s takes a key by each carrier, and none without", async (path) => {
  const { key } = gateway;
  const carried = [
    await gateway.ask(path),
    await gateway.ask(path, { key: null, headers: { "x-api-key": key } }),
    await gateway.ask(path, { key: null, headers: { "x-goog-api-key": key } }),
    await gateway.ask(`${path}?key=${key}`, { key: null }),
  ];
  expect(carried.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(new Set(carried.map(({ text }) => text)).size).toBe(1);
  expect(carried[0]?.text).not.toContain(key);
  expect(refusal(await gateway.ask(path, { key: null }))).toEqual([401, "missing_api_key"]);
  expect(refusal(await gateway.ask(path, { key: "lr_live_none" }))).toEqual([
    401,
    "invalid_api_key",
  ]);
});

test("of several keys the first counts: Bearer, X-Api-Key, x-goog-api-key, then the address", async () => {
  const keys = [gateway.key];
  for (let more = 0; more < 3; more++) keys.push(await gateway.mint({ name: `key ${more}` }));
  const label = async (key: string) =>
    at((await gateway.ask("/v1/key", { key })).json, "data.label");
  for (let missing = 0; missing < keys.length; missing++) {
    const carriers = ["authorization", "x-api-key", "x-goog-api-key"].slice(missing);
    const values = keys.slice(missing);
    const headers = Object.fromEntries(
      carriers.map((name, turn) => [
        name,
        `${missing + turn === 0 ? "Bearer " : ""}${values[turn]}`,
      ]),
    );
    const reply = await gateway.ask(`/v1/key?key=${keys.at(-1)}`, { key: null, headers });
    expect(at(reply.json, "data.label")).toBe(await label(keys[missing] ?? ""));
  }
  expect(new Set(await Promise.all(keys.map(label))).size).toBe(keys.length);
});

test.each(["", "/eco"])(
  "another account's generation%s is 404, like one that never was",
  async (rest) => {
    const key = await gateway.stranger();
    expect((await gateway.ask(`/v1/generation/${first}${rest}`)).status).toBe(200);
    const foreign = await gateway.ask(`/v1/generation/${first}${rest}`, { key });
    const missing = await gateway.ask(`/v1/generation/gen_none${rest}`, { key });
    expect(refusal(foreign)).toEqual([404, "generation_not_found"]);
    expect(foreign.text.replace(first, "gen_none")).toBe(missing.text);
    expect((await gateway.ask(`/v1/generation?id=${first}`, { key })).status).toBe(404);
  },
);

test("another account sees neither money nor usage of this one", async () => {
  const key = await gateway.stranger();
  const transactions = await gateway.ask("/v1/transactions", { key });
  expect(listAt(transactions.json, "transactions").map((one) => at(one, "amount"))).toEqual([1]);
  expect(at((await gateway.ask("/v1/balance", { key })).json, "balance")).toBe(1);
  expect(at((await gateway.ask("/api/usage/summary", { key })).json, "total_requests")).toBe(0);
  const manager = await gateway.stranger({ type: "management" });
  expect(at((await gateway.ask("/v1/activity", { key: manager })).json, "data")).toEqual([]);
});

test("pages of transactions hold every one once, newest first, and sum to the balance", async () => {
  const amounts: number[] = [];
  const dates: string[] = [];
  let token: unknown = "";
  while (typeof token === "string") {
    const page = await gateway.ask(`/v1/transactions?page_size=2&page_token=${token}`);
    for (const one of listAt(page.json, "transactions")) {
      amounts.push(Number(at(one, "amount")));
      dates.push(String(at(one, "created_at")));
    }
    token = at(page.json, "next_page_token");
  }
  expect(amounts).toHaveLength(5);
  expect(dates).toEqual(dates.toSorted().toReversed());
  const sum = amounts.reduce((total, amount) => total + Math.round(amount * 1e9), 0);
  expect(sum).toBe(await gateway.balance());
  expect(amounts.at(-1)).toBe(100);
});

test.each(["page_size=0", "page_size=1001", "page_size=x", "page_token=nonsense"])(
  "transactions refuse %s",
  async (query) => {
    expect((await gateway.ask(`/v1/transactions?${query}`)).status).toBe(400);
  },
);

test.each([
  ["chat", "/v1/chat/completions", { messages: [{ role: "user", content: "Hi" }] }],
  [
    "chat, streamed",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: "Hi" }], stream: true },
  ],
  ["completions", "/api/v1/completions", { prompt: "Hi" }],
  ["completions, streamed", "/api/v1/completions", { prompt: "Hi", stream: true }],
])("the headers of %s are the body's lowrouter block", async (_, path, body) => {
  const reply = await gateway.ask(path, { body: { model: "openai/gpt-4o-mini", ...body } });
  const block = /"lowrouter":(\{"generation_id".*?\}\})/.exec(reply.text)?.[1] ?? "{}";
  const told: unknown = JSON.parse(block);
  expect(Object.keys(Object(told))).toEqual(["generation_id", "provider", "region", "eco"]);
  expect(Object.keys(Object(at(told, "eco")))).toEqual([
    "energy_wh",
    "carbon_g",
    "carbon_per_1k_tokens_g",
    "accuracy",
    "methodology_version",
  ]);
  expect(reply.headers.get("x-lowrouter-generation-id")).toBe(String(at(told, "generation_id")));
  expect(reply.headers.get("x-lowrouter-provider")).toBe(String(at(told, "provider")));
  expect(reply.headers.get("x-lowrouter-region")).toBe(String(at(told, "region")));
  expect(Number(reply.headers.get("x-credit-balance"))).toBeGreaterThan(0);
  const record = await gateway.ask(`/v1/generation/${String(at(told, "generation_id"))}`);
  expect(at(record.json, "eco")).toEqual(at(told, "eco"));
});

test("every region in an answer can be sent back as a pin, and every provider is listed", async () => {
  const models = await gateway.ask("/v1/models");
  const providers = await gateway.ask("/v1/providers");
  const known = listAt(providers.json, "data").map((one) => at(one, "id"));
  for (const model of listAt(models.json, "data")
    .filter((one) => at(one, "owned_by") === "openai")
    .slice(0, 5)) {
    for (const region of listAt(model, "lowrouter.regions")) {
      const { json } = await gateway.chat({ model: at(model, "id"), route: { region } });
      expect(at(json, "lowrouter.region")).toBe(region);
      expect(known).toContain(at(json, "lowrouter.provider"));
    }
  }
});

test("the models of a key are those that it may use", async () => {
  const ids = (json: unknown) =>
    listAt(json, "data").flatMap((one) =>
      at(one, "owned_by") === "lowrouter" ? [] : [at(one, "id")],
    );
  const narrow = await gateway.mint({ allowedModels: ["gpt-4o-mini"] });
  expect(ids((await gateway.ask("/v1/models", { key: narrow })).json)).toEqual([
    "openai/gpt-4o-mini",
  ]);
  const mistral = await gateway.mint({ allowedProviders: ["mistral"] });
  const models = listAt((await gateway.ask("/v1/models", { key: mistral })).json, "data");
  const offered = models.flatMap((one) => listAt(one, "lowrouter.providers"));
  expect(offered.length).toBeGreaterThan(0);
  for (const model of models.filter((one) => at(one, "owned_by") !== "lowrouter"))
    expect(listAt(model, "lowrouter.providers")).toContain("mistral");
});

test("CSV has the rows of JSON, with formulas made text", async () => {
  const json = await gateway.manage("/v1/activity?group_by=user,model,provider,region");
  const csv = await gateway.manage("/v1/activity?group_by=user,model,provider,region&format=csv");
  const [header = "", ...lines] = csv.text.trimEnd().split("\r\n");
  expect(csv.headers.get("content-disposition")).toContain("attachment");
  expect(lines).toHaveLength(listAt(json.json, "data").length);
  for (const name of ["user", "model", "provider", "region", "requests", "energy_wh", "carbon_g"])
    expect(header.split(",")).toContain(name);
  for (const cell of lines.flatMap((line) => line.split(","))) {
    if (Number.isNaN(Number(cell))) expect(cell).not.toMatch(/^"?[=+\-@\t\r]/);
  }
  expect(csv.text).toContain("'-grace");
  expect(csv.text).toContain("'@linus");
});

test("activity ends where the question ends", async () => {
  const none = await gateway.manage("/v1/activity?start=2020-01-01&end=2020-01-31");
  const all = await gateway.manage("/v1/activity?start=2020-01-01");
  expect(listAt(none.json, "data")).toEqual([]);
  expect(listAt(all.json, "data").length).toBeGreaterThan(0);
  for (const query of ["start=yesterday", "end=2026-06-31", "format=pdf", "group_by=colour"])
    expect((await gateway.manage(`/v1/activity?${query}`)).status).toBe(400);
});

test.each(["images/generations", "audio/speech", "videos", "mcp", "realtime"])(
  "%s says plainly that it is not available, and reaches nobody",
  async (path) => {
    const before = gateway.reached();
    const reply = await gateway.ask(`/v1/${path}`, { body: { prompt: "x" } });
    expect(refusal(reply)).toEqual([404, "not_available"]);
    expect(at(reply.json, "error.message")).toContain("roadmap");
    expect(gateway.reached()).toBe(before);
  },
);

test.each([
  ["an answer", "/v1/models", {}, 200],
  ["a refusal", "/v1/models", { key: null }, 401],
  ["a missing path", "/v1/nothing", {}, 404],
  ["a refused body", "/v1/chat/completions", { body: "{" }, 400],
])("a page of another origin can read %s and its headers", async (_, path, request, status) => {
  const reply = await gateway.ask(path, { ...request, headers: { origin: "https://app.example" } });
  expect(reply.status).toBe(status);
  expect(reply.headers.get("access-control-allow-origin")).toBe("*");
  const exposed = reply.headers.get("access-control-expose-headers")?.toLowerCase().split(", ");
  for (const name of [
    "x-lowrouter-generation-id",
    "x-lowrouter-provider",
    "x-lowrouter-region",
    "x-lowrouter-dropped",
    "x-lowrouter-demo",
    "x-credit-balance",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
  ])
    expect(exposed).toContain(name);
});

test("a preflight is answered without a key, for every method in use", async () => {
  for (const path of ["/v1/chat/completions", "/api/v1/keys/abc", "/v1/models"]) {
    const reply = await gateway.ask(path, {
      method: "OPTIONS",
      key: null,
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization, x-lowrouter-region",
      },
    });
    expect(reply.status).toBe(204);
    for (const method of ["GET", "POST", "PATCH", "DELETE"])
      expect(reply.headers.get("access-control-allow-methods")).toContain(method);
    expect(reply.headers.get("access-control-allow-headers")).toBe(
      "authorization, x-lowrouter-region",
    );
  }
});

test("an account's balance is on every answer to its key", async () => {
  await gateway.chat();
  const replies = [
    await gateway.ask("/v1/key"),
    await gateway.ask("/v1/models"),
    await gateway.ask("/v1/models/openai/gpt-4o-mini/endpoints"),
    await gateway.ask("/v1/providers"),
    await gateway.ask("/v1/transactions"),
  ];
  const balances = new Set(replies.map(({ headers }) => headers.get("x-credit-balance")));
  expect(balances).toEqual(new Set([String((await gateway.balance()) / 1e7)]));
});

test("a generation tells our id of the answer and the provider's own", async () => {
  const reply = await gateway.chat();
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  expect(at(json, "completion_id")).toBe(at(reply.json, "id"));
  expect(String(at(json, "upstream_id"))).toStartWith("chatcmpl-");
  expect(at(json, "upstream_id")).not.toBe(at(json, "completion_id"));
});
