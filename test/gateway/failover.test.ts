import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  at,
  eventsOf,
  listAt,
  refusal,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import {
  completion,
  scriptedUpstream,
  type ScriptedUpstream,
  silence,
} from "#test/lib/upstream.ts";

type Script = (request: Request) => Response | Promise<Response>;

const works: Script = () => completion("Hi");
const fails =
  (status: number, headers: Record<string, string> = {}): Script =>
  () =>
    Response.json({ error: { message: "scripted" } }, { status, headers });
const streams: Script = () =>
  new Response(
    [
      { choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
    ]
      .map((chunk) => ({
        id: "chatcmpl-1",
        object: "chat.completion.chunk",
        created: 1,
        model: "m",
        ...chunk,
      }))
      .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
      .join("") + "data: [DONE]\n\n",
    { headers: { "content-type": "text/event-stream" } },
  );

let gateway: TestGateway;
let upstreams: Record<"us" | "eu" | "other", ScriptedUpstream>;
let scripts: Record<"us" | "eu" | "other", Script>;
beforeEach(async () => {
  scripts = { us: works, eu: works, other: works };
  upstreams = {
    us: scriptedUpstream((request) => scripts.us(request)),
    eu: scriptedUpstream((request) => scripts.eu(request)),
    other: scriptedUpstream((request) => scripts.other(request)),
  };
  gateway = await startGateway({
    config(config) {
      config.timeouts.firstByteMs = 100;
      const { us, eu, other } = upstreams;
      config.providers = {
        openai: { base_urls: { "us-east": us.url, "eu-west": eu.url } },
        mistral: { base_urls: { "eu-west": other.url } },
      };
    },
  });
});
afterEach(async () => {
  await gateway.close();
  for (const upstream of Object.values(upstreams)) await upstream.stop();
});

const received = () => Object.values(upstreams).map((upstream) => upstream.requests());
const order = { order: ["openai/us-east", "openai/eu-west"] };
const candidates = {
  models: ["openai/gpt-4o-mini", "mistral/mistral-small-3.2"],
  route: "fallback",
};

test.each<[string, Script]>([
  ["500", fails(500)],
  ["503", fails(503)],
  ["429", fails(429, { "retry-after": "3" })],
  ["401 for our own credential", fails(401)],
  ["silence", silence],
  ["no JSON", () => new Response("<html>")],
])("after %s the other region answers, is named, and is billed alone", async (_, script) => {
  scripts.us = script;
  const reply = await gateway.chat({ provider: order });
  expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-west"]);
  expect(reply.headers.get("x-lowrouter-region")).toBe("eu-west");
  expect(received()).toEqual([1, 1, 0]);
  const rows = await gateway.rows();
  expect(rows.map(({ status, region }) => [status, region])).toEqual([["ok", "eu-west"]]);
  const { json } = await gateway.ask("/v1/transactions");
  expect(listAt(json, "transactions").map((one) => at(one, "type"))).toEqual(["usage", "credit"]);
  const record = await gateway.ask(
    `/v1/generation/${String(at(reply.json, "lowrouter.generation_id"))}`,
  );
  expect(
    listAt(record.json, "routing_trace").map((one) => [at(one, "region"), at(one, "decision")]),
  ).toEqual([
    ["us-east", "failed"],
    ["eu-west", "selected"],
  ]);
});

test("a provider that refuses connections is passed over", async () => {
  await upstreams.us.stop();
  const reply = await gateway.chat({ provider: order });
  expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-west"]);
  expect(await gateway.rows()).toHaveLength(1);
});

test("a stream that has not begun moves on too, and is billed once", async () => {
  scripts.us = fails(500);
  scripts.eu = streams;
  const reply = await gateway.chat({ provider: order, stream: true });
  const events = eventsOf(reply.text);
  expect(at(events.at(-1), "lowrouter.region")).toBe("eu-west");
  expect(reply.headers.get("x-lowrouter-region")).toBe("eu-west");
  expect(events.filter((event) => at(event, "error") !== undefined)).toEqual([]);
  await gateway.until(() => true);
  expect((await gateway.rows()).map((row) => row.status)).toEqual(["ok"]);
});

test.each([400, 413, 422, 451])(
  "a %i is passed on as it is, and nobody else is asked",
  async (status) => {
    scripts.us = fails(status);
    const reply = await gateway.chat({
      ...candidates,
      model: "openai/gpt-4o-mini",
      provider: order,
    });
    expect([reply.status, at(reply.json, "error.message")]).toEqual([status, "scripted"]);
    expect(received()).toEqual([1, 0, 0]);
    expect((await gateway.rows()).map(({ status: one, cost }) => [one, cost])).toEqual([
      ["client_error", 0],
    ]);
  },
);

test("a context that is too small for one model moves on to the next", async () => {
  scripts.us = () =>
    Response.json(
      { error: { message: "too long", code: "context_length_exceeded" } },
      { status: 400 },
    );
  scripts.eu = scripts.us;
  const reply = await gateway.chat({ ...candidates, model: undefined });
  expect([reply.status, at(reply.json, "model")]).toEqual([200, "mistral/mistral-small-3.2"]);
});

test.each([
  { message: "The encrypted content could not be verified", code: "invalid_encrypted_content" },
  { message: "messages.1.content.0: Invalid `signature` in `thinking` block" },
])("reasoning that another host signed moves on to the next: $message", async (error) => {
  scripts.us = () => Response.json({ error }, { status: 400 });
  const ask = { ...candidates, models: undefined, model: "openai/gpt-4o-mini", provider: order };
  const reply = await gateway.chat(ask);
  expect(reply.status).toBe(200);
  expect(received()).toEqual([1, 1, 0]);
});

test("when all candidates fail, the last one's error is told, and one row says so", async () => {
  scripts = { us: fails(500), eu: fails(503), other: fails(429, { "retry-after": "9" }) };
  const reply = await gateway.chat({ ...candidates, model: undefined });
  expect(refusal(reply)).toEqual([429, "rate_limit_exceeded"]);
  expect(reply.headers.get("retry-after")).toBe("9");
  expect(received()).toEqual([1, 1, 1]);
  expect((await gateway.rows()).map(({ status, cost }) => [status, cost])).toEqual([
    ["upstream_error", 0],
  ]);
  expect(await gateway.imbalances()).toBe(0);
});

test.each([
  ["route.region", { route: { region: "eu-west", provider: "openai" } }, {}],
  ["X-LowRouter-Region", {}, { "x-lowrouter-region": "eu-west" }],
  [
    "X-LowRouter-Region beside another region that is preferred",
    { route: { policy: "prefer-region", region: "us-east" } },
    { "x-lowrouter-region": "eu-west" },
  ],
  [
    "route.fallback: false",
    { route: { fallback: false }, provider: { order: ["openai/eu-west"] } },
    {},
  ],
  [
    "allow_fallbacks: false",
    { provider: { order: ["openai/eu-west"], allow_fallbacks: false } },
    {},
  ],
])("with %s a failing region is never left", async (_, body, headers) => {
  scripts.eu = fails(503);
  const reply = await gateway.chat(body, headers);
  expect(reply.status).toBeGreaterThanOrEqual(502);
  expect(received()).toEqual([0, 1, 0]);
});

test("a key's region is never left, and an unavailable one answers 503 without asking anybody", async () => {
  scripts.eu = fails(500);
  const key = await gateway.mint({ region: "eu-west" });
  for (let time = 0; time < 3; time++) await gateway.chatAs(key);
  expect(received()).toEqual([0, 3, 0]);
  const fourth = await gateway.chatAs(key);
  expect(refusal(fourth)).toEqual([503, "service_unavailable"]);
  expect(Number(fourth.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(received()).toEqual([0, 3, 0]);
});

test("an echoed region header beside a generation's id is a fact, not a pin", async () => {
  const reply = await gateway.chat(
    { provider: order },
    { "x-lowrouter-region": "eu-west", "x-lowrouter-generation-id": "gen_1" },
  );
  expect(at(reply.json, "lowrouter.region")).toBe("us-east");
});

test("a body's region beats the header's", async () => {
  const reply = await gateway.chat(
    { route: { region: "us-east" } },
    { "x-lowrouter-region": "eu-west" },
  );
  expect(at(reply.json, "lowrouter.region")).toBe("us-east");
});

test("an upstream that stalls in mid-stream is cut by the timer that it broke, and told", async () => {
  await gateway.close();
  gateway = await startGateway({
    config(config) {
      config.timeouts.idleMs = 100;
      config.providers = { openai: { base_urls: { "us-east": upstreams.us.url } } };
    },
  });
  scripts.us = () =>
    new Response(
      new ReadableStream({
        start: (controller) =>
          controller.enqueue(
            new TextEncoder().encode(
              'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n',
            ),
          ),
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const { text } = await gateway.chat({ stream: true });
  const events = eventsOf(text);
  const broken = events.find((event) => at(event, "error") !== undefined);
  expect(at(broken, "error.code")).toBe("upstream_timeout");
  expect(at(broken, "error.message")).toContain("further byte");
  expect(at(broken, "choices.0.finish_reason")).toBe("error");
  expect(at(events.at(-1), "lowrouter.eco")).toBeUndefined();
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  expect((await gateway.rows()).map(({ status, cost }) => [status, cost])).toEqual([
    ["upstream_error", 0],
  ]);
});
