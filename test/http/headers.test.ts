import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "#src/lib/clock.ts";
import { at, type Reply, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

const perMinute = 1000;
let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream((request) =>
    request.url.includes("broken") ? new Response("{}", { status: 500 }) : completion("Hi"),
  );
  gateway = await startGateway({
    key: { rateLimit: { requestsPerMinute: perMinute } },
    config(config) {
      config.providers.broken = { protocol: "openai-chat", base_url: `${upstream.url}/broken` };
      config.models = [
        { id: "test/broken", provider: "broken", input_per_million: 1, output_per_million: 1 },
        { id: "test/dear", provider: "broken", input_per_million: 1, output_per_million: 1e8 },
      ];
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const model = "openai/gpt-4o-mini";
const messages = [{ role: "user", content: "Hello" }];
const contents = [{ role: "user", parts: [{ text: "Hello" }] }];

type Row = [what: string, path: string, body: Record<string, unknown>];

/** One row for each path that runs inference, whole and streamed. */
const inference: Row[] = [
  ["chat", "/v1/chat/completions", { model, messages }],
  ["chat, streamed", "/api/v1/chat/completions", { model, messages, stream: true }],
  ["text", "/v1/completions", { model, prompt: "Once" }],
  ["text, streamed", "/api/v1/completions", { model, prompt: "Once", stream: true }],
  ["responses", "/v1/responses", { model, input: "Hello" }],
  ["responses, streamed", "/api/v1/responses", { model, input: "Hello", stream: true }],
  ["embeddings", "/v1/embeddings", { model: "text-embedding-3-small", input: "Hello" }],
  ["embeddings", "/api/v1/embeddings", { model: "text-embedding-3-small", input: "Hello" }],
  ["messages", "/v1/messages", { model, messages, max_tokens: 20 }],
  [
    "messages, streamed",
    "/api/v1/anthropic/v1/messages",
    { model, messages, max_tokens: 20, stream: true },
  ],
  ["Gemini", "/v1beta/models/gemini-2.5-flash:generateContent", { contents }],
  [
    "Gemini, streamed",
    "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    { contents },
  ],
  ["Gemini, as an array", "/v1/models/gemini-2.5-flash:streamGenerateContent", { contents }],
  ["the proxy", "/openai/v1/chat/completions", { model: "gpt-4o-mini", messages }],
  [
    "the proxy, streamed",
    "/openai/v1/chat/completions",
    { model: "gpt-4o-mini", messages, stream: true },
  ],
];

/** Answers in whose making no upstream took part, or none that succeeded. */
const others: [status: number, path: string, body: unknown][] = [
  [400, "/v1/chat/completions", "{"],
  [400, "/v1/messages", { model, messages, max_tokens: -1 }],
  [400, "/v1beta/models/gemini-2.5-flash:generateContent", {}],
  [402, "/v1/chat/completions", { model: "test/dear", messages, max_tokens: 20 }],
  [403, "/v1/keys", undefined],
  [404, "/v1/chat/completions", { model: "nobody/nothing", messages }],
  [404, "/v1/generation/gen_none", undefined],
  [404, "/v1/nothing", undefined],
  [404, "/v1/images/generations", {}],
  [405, "/v1/models", {}],
  [413, "/v1/chat/completions", "x".repeat(11 * 1024 * 1024)],
  [502, "/v1/chat/completions", { model: "test/broken", messages }],
  [503, "/v1/chat/completions", { model, messages, route: { region: "ap-south" } }],
  [200, "/v1/messages/count_tokens", { model, messages }],
  [200, "/v1beta/models/gemini-2.5-flash:countTokens", { contents }],
  [200, "/v1beta/models", undefined],
  [200, "/v1beta/models/gemini-2.5-flash", undefined],
  [200, "/openai/v1/models", undefined],
  [200, "/v1/models", undefined],
  [200, "/v1/models/openai/gpt-4o-mini/endpoints", undefined],
  [200, "/v1/providers", undefined],
  [200, "/v1/methodology", undefined],
  [200, "/v1/key", undefined],
  [200, "/v1/balance", undefined],
  [200, "/v1/credits", undefined],
  [200, "/v1/transactions", undefined],
  [200, "/api/usage/summary", undefined],
  [200, "/api/usage/timeseries", undefined],
];

const credits = async () => (await gateway.balance()) / 1e7;

function expectLimits({ headers }: Reply): void {
  expect(headers.get("x-ratelimit-limit")).toBe(String(perMinute));
  expect(headers.get("x-ratelimit-remaining")).toMatch(/^\d+$/);
  expect(Number(headers.get("x-ratelimit-remaining"))).toBeLessThanOrEqual(perMinute);
  const reset = Number(headers.get("x-ratelimit-reset"));
  expect(reset % 60).toBe(0);
  expect(Math.abs(reset - systemClock.now() / 1000)).toBeLessThanOrEqual(62);
}

describe("an answer to inference names generation, provider and region, the balance and the limits", () => {
  test.each(inference)("%s at %s", async (_, path, body) => {
    const before = await credits();
    const reply = await gateway.ask(path, { body });
    const { headers } = reply;
    expect(reply.status).toBe(200);
    const id = headers.get("x-lowrouter-generation-id") ?? "";
    expect(id).toMatch(/^gen_/);
    const { json } = await gateway.ask(`/v1/generation/${id}`);
    expect(headers.get("x-lowrouter-provider")).toBe(String(at(json, "provider")));
    expect(headers.get("x-lowrouter-region")).toBe(String(at(json, "region")));
    expect(headers.get("x-lowrouter-region")).toMatch(/^[a-z]+(-[a-z]+)*$/);
    const told = Number(headers.get("x-credit-balance") ?? Number.NaN);
    // A stream's headers leave before its cost is known.
    expect([before, await credits()].some((known) => Math.abs(known - told) < 1e-6)).toBe(true);
    expectLimits(reply);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });
});

describe("every answer to a key says its balance and its limits", () => {
  test.each(others)("%i of %s", async (status, path, body) => {
    const reply = await gateway.ask(path, body === undefined ? {} : { body });
    expect(reply.status).toBe(status);
    const told = reply.headers.get("x-credit-balance");
    expect(told).not.toBeNull();
    expect(Number(told)).toBeCloseTo(await credits(), 6);
    expectLimits(reply);
    expect(reply.headers.has("retry-after")).toBe(status === 503);
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("the first answer of a process too", async () => {
    const again = await startGateway();
    const reply = await again.ask("/v1/models");
    expect(reply.headers.get("x-credit-balance")).toBe("10000");
    await again.close();
  });

  test("and to none there is none", async () => {
    for (const key of [null, "lr_live_none"]) {
      const { headers } = await gateway.ask("/v1/models", { key });
      const ours = [...headers.keys()].filter((name) => /^x-(credit|ratelimit)/.test(name));
      expect(ours).toEqual([]);
    }
  });
});

test("what reads takes nothing of a limit; what is refused for another reason neither", async () => {
  const key = await gateway.mint({ rateLimit: { requestsPerDay: 5 } });
  const left = async (path: string, body?: unknown) =>
    (await gateway.ask(path, { key, body })).headers.get("x-ratelimit-remaining");
  expect(await left("/v1/models")).toBe("5");
  expect(await left("/v1/chat/completions", { model, messages })).toBe("4");
  expect(await left("/v1/key")).toBe("4");
  expect(await left("/v1/chat/completions", { model, messages, temperature: 3 })).toBe("4");
  expect(await left("/v1/chat/completions", { model, messages })).toBe("3");
});

test("a refused request tells the limit that refused it, and when to come back", async () => {
  const key = await gateway.mint({ rateLimit: { requestsPerMinute: 2, tokensPerMinute: 10 } });
  const { status, headers } = await gateway.chatAs(key);
  expect(status).toBe(429);
  expect(headers.get("x-ratelimit-limit")).toBe("10");
  expect(headers.get("x-ratelimit-remaining")).toBe("10");
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  expect(headers.has("x-credit-balance")).toBe(true);
});

test("of several limits the one closest to its end is told; without any, none", async () => {
  const several = { requestsPerMinute: 100, requestsPerDay: 10, tokensPerMinute: 1_000_000 };
  const { headers } = await gateway.chatAs(await gateway.mint({ rateLimit: several }));
  expect(headers.get("x-ratelimit-limit")).toBe("10");
  expect(headers.get("x-ratelimit-remaining")).toBe("9");
  const free = await gateway.chatAs(await gateway.mint({}));
  expect(free.headers.has("x-ratelimit-limit")).toBe(false);
});

test("what was left out for the upstream is named", async () => {
  const body = { model: "anthropic/claude-haiku-4.5", messages, max_tokens: 20, seed: 1 };
  const { headers } = await gateway.ask("/v1/chat/completions", { body });
  expect(headers.get("x-lowrouter-dropped")).toBe("seed");
});
