import { describe, expect, test } from "bun:test";
import { openaiChatClient } from "#src/dialect/openai/openai-chat.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
import { refusalOf } from "#test/dialect/upstream-kit.ts";

const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const hi = user("secret words");
const peek = (body: object | string) =>
  peeked(openaiChatClient, typeof body === "string" ? body : JSON.stringify(body));
const deep = `{"messages":${"[".repeat(300)}${"]".repeat(300)}}`;

describe("refusals", () => {
  const rows: [code: string, param: string | undefined, body: object | string][] = [
    ["invalid_json", undefined, ""],
    ["invalid_json", undefined, "{secret"],
    ["invalid_json", undefined, '["secret"]'],
    ["invalid_json", undefined, '"secret"'],
    ["invalid_json", undefined, "null"],
    ["invalid_json", undefined, deep],
    ["missing_field", "messages", {}],
    ["missing_field", "messages", { messages: null }],
    ["invalid_value", "messages", { messages: "secret" }],
    ["invalid_value", "messages", { messages: [] }],
    ["invalid_value", "messages[0]", { messages: ["secret"] }],
    ["invalid_value", "messages[0].role", { messages: [{ role: "secret", content: "x" }] }],
    ["invalid_value", "messages[0].role", { messages: [{ content: "x" }] }],
    ["missing_field", "messages[0].content", { messages: [{ role: "user" }] }],
    ["invalid_value", "messages[0].content", user({ secret: 1 })],
    ["invalid_value", "messages[0].content[0]", user(["secret"])],
    ["invalid_value", "messages[0].content[0].type", user([{ type: "secret" }])],
    ["invalid_value", "messages[0].content[0].text", user([{ type: "text" }])],
    [
      "invalid_value",
      "messages[0].content[0].image_url.url",
      user([{ type: "image_url", image_url: "secret" }]),
    ],
    ["invalid_value", "messages[0].content[0].file.file_data", user([{ type: "file", file: {} }])],
    ["invalid_value", "messages[0].content[0].input_audio.data", user([{ type: "input_audio" }])],
    [
      "invalid_value",
      "messages[0].content[0].type",
      user([{ type: "tool_result", content: "secret" }]),
    ],
    ["invalid_value", "messages[0].content[0].type", user([{ type: "tool_use", input: "secret" }])],
    [
      "invalid_value",
      "messages[0].content[0].type",
      user([{ type: "image", source: { data: "secret" } }]),
    ],
    ["invalid_value", "system", { ...hi, system: "secret" }],
    ["invalid_value", "tools[0]", { ...hi, tools: [{ name: "secret", input_schema: {} }] }],
    [
      "invalid_value",
      "messages[0].tool_call_id",
      { messages: [{ role: "tool", content: "secret" }] },
    ],
    [
      "invalid_value",
      "messages[0].tool_calls[0].id",
      { messages: [{ role: "assistant", tool_calls: [{}] }] },
    ],
    [
      "invalid_value",
      "messages[0].tool_calls[0].function.arguments",
      {
        messages: [
          {
            role: "assistant",
            tool_calls: [{ id: "a", function: { name: "f", arguments: { secret: 1 } } }],
          },
        ],
      },
    ],
    ["invalid_value", "model", { ...hi, model: 5 }],
    ["invalid_value", "model", { ...hi, model: "" }],
    ["invalid_value", "models[1]", { ...hi, models: ["a", 1] }],
    ["invalid_value", "stream", { ...hi, stream: "yes" }],
    ["invalid_value", "stream_options", { ...hi, stream_options: [] }],
    [
      "invalid_value",
      "stream_options.include_usage",
      { ...hi, stream_options: { include_usage: 1 } },
    ],
    ["invalid_value", "user", { ...hi, user: 7 }],
    ["invalid_value", "max_tokens", { ...hi, max_tokens: -1 }],
    ["invalid_value", "max_tokens", { ...hi, max_tokens: 0 }],
    ["invalid_value", "max_tokens", { ...hi, max_completion_tokens: 5, max_tokens: 1.5 }],
    ["invalid_value", "max_completion_tokens", { ...hi, max_completion_tokens: "9" }],
    ["invalid_value", "temperature", { ...hi, temperature: 2.1 }],
    ["invalid_value", "temperature", { ...hi, temperature: "secret" }],
    ["invalid_value", "top_p", { ...hi, top_p: 0 }],
    ["invalid_value", "top_p", { ...hi, top_p: 1.1 }],
    ["invalid_value", "top_k", { ...hi, top_k: 0 }],
    ["invalid_value", "frequency_penalty", { ...hi, frequency_penalty: -2.5 }],
    ["invalid_value", "presence_penalty", { ...hi, presence_penalty: 3 }],
    ["invalid_value", "repetition_penalty", { ...hi, repetition_penalty: 0 }],
    ["invalid_value", "min_p", { ...hi, min_p: 2 }],
    ["invalid_value", "top_a", { ...hi, top_a: -1 }],
    ["invalid_value", "top_logprobs", { ...hi, top_logprobs: 21 }],
    ["invalid_value", "logprobs", { ...hi, logprobs: 3 }],
    ["invalid_value", "logit_bias", { ...hi, logit_bias: [] }],
    ["invalid_value", "seed", { ...hi, seed: 1.5 }],
    ["invalid_value", "n", { ...hi, n: 0 }],
    ["invalid_value", "stop[0]", { ...hi, stop: [1] }],
    ["invalid_value", "stop", { ...hi, stop: 1 }],
    ["invalid_value", "tools", { ...hi, tools: {} }],
    [
      "invalid_value",
      "tools[0].function.name",
      { ...hi, tools: [{ type: "function", function: {} }] },
    ],
    ["invalid_value", "tools[0].type", { ...hi, tools: [{}] }],
    ["invalid_value", "tool_choice", { ...hi, tool_choice: "secret" }],
    ["invalid_value", "tool_choice.type", { ...hi, tool_choice: { type: "secret" } }],
    ["invalid_value", "tool_choice.function", { ...hi, tool_choice: { type: "function" } }],
    [
      "invalid_value",
      "tool_choice.allowed_tools.mode",
      { ...hi, tool_choice: { type: "allowed_tools", allowed_tools: {} } },
    ],
    ["invalid_value", "parallel_tool_calls", { ...hi, parallel_tool_calls: 1 }],
    ["invalid_value", "response_format", { ...hi, response_format: "json" }],
    ["invalid_value", "response_format.type", { ...hi, response_format: { type: "secret" } }],
    [
      "invalid_value",
      "response_format.json_schema",
      { ...hi, response_format: { type: "json_schema" } },
    ],
    [
      "invalid_value",
      "response_format.json_schema.name",
      { ...hi, response_format: { type: "json_schema", json_schema: {} } },
    ],
    ["invalid_value", "reasoning_effort", { ...hi, reasoning_effort: "secret" }],
    ["invalid_value", "reasoning", { ...hi, reasoning: true }],
    ["invalid_value", "reasoning.effort", { ...hi, reasoning: { effort: 3 } }],
    ["invalid_value", "reasoning.max_tokens", { ...hi, reasoning: { max_tokens: -1 } }],
    ["invalid_value", "reasoning.enabled", { ...hi, reasoning: { enabled: "secret" } }],
    ["invalid_value", "route", { ...hi, route: "secret" }],
    ["invalid_value", "route", { ...hi, route: 5 }],
    ["invalid_value", "route.region", { ...hi, route: { region: 5 } }],
    ["invalid_value", "route.mode", { ...hi, route: { mode: "secret" } }],
    ["invalid_value", "route.policy", { ...hi, route: { policy: "secret" } }],
    ["invalid_value", "route.fallback", { ...hi, route: { fallback: "secret" } }],
    ["invalid_value", "provider", { ...hi, provider: "secret" }],
    ["invalid_value", "provider.only", { ...hi, provider: { only: "secret" } }],
    ["invalid_value", "provider.zdr", { ...hi, provider: { zdr: "secret" } }],
    [
      "invalid_value",
      "provider.data_collection",
      { ...hi, provider: { data_collection: "secret" } },
    ],
    ["invalid_value", "provider.sort", { ...hi, provider: { sort: "secret" } }],
    [
      "invalid_value",
      "provider.quantizations[1]",
      { ...hi, provider: { quantizations: ["FP8", "secret"] } },
    ],
    [
      "invalid_value",
      "provider.sort.partition",
      { ...hi, provider: { sort: { by: "price", partition: "secret" } } },
    ],
    [
      "invalid_value",
      "provider.max_price.prompt",
      { ...hi, provider: { max_price: { prompt: "secret" } } },
    ],
    [
      "invalid_value",
      "provider.preferred_max_latency.p90",
      { ...hi, provider: { preferred_max_latency: { p90: "secret" } } },
    ],
    [
      "conflicting_route",
      "route.provider",
      { ...hi, route: { provider: "openai" }, provider: { only: ["mistral"] } },
    ],
    [
      "conflicting_route",
      "route.provider",
      { ...hi, route: { provider: "openai/eu" }, provider: { only: ["openai/us"] } },
    ],
    ["invalid_value", "plugins", { ...hi, plugins: {} }],
    [
      "invalid_value",
      "plugins[0].allowed_models[0]",
      { ...hi, plugins: [{ id: "auto-router", allowed_models: [1] }] },
    ],
  ];
  test.each(rows)("%s at %s for %j", (code, param, body) => {
    const error = refusalOf(() => peek(body));
    expect<unknown[]>([error.code, error.detail.param, error.status]).toEqual([code, param, 400]);
    expect(error.message).not.toMatch(/secret/);
    expect(error.message).toMatch(/^[A-Z].*[^.]$/);
  });
});

test("a plain request asks for nothing special", () => {
  const ask = peek({ ...hi, model: "openai/gpt-x" });
  expect(ask).toMatchObject({
    dialect: "openai-chat",
    model: "openai/gpt-x",
    models: [],
    stream: false,
    includeUsage: false,
    choices: 1,
  });
  expect(Object.values(ask.needs).some(Boolean)).toBe(false);
  expect([ask.parameters, ask.maxOutputTokens, ask.route, ask.provider]).toEqual([
    [],
    undefined,
    {},
    {},
  ]);
});

test("null means absent, and a model may be left out", () => {
  const nulls = [
    "model",
    "models",
    "tools",
    "stop",
    "n",
    "seed",
    "route",
    "provider",
    "reasoning",
    "response_format",
    "tool_choice",
    "max_tokens",
    "stream_options",
  ];
  const ask = peek({ ...hi, ...Object.fromEntries(nulls.map((name) => [name, null])) });
  expect([ask.model, ask.maxOutputTokens, ask.choices]).toEqual([undefined, undefined, 1]);
});

describe("needs", () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const file = { type: "file", file: { file_data: "data:application/pdf;base64,AAAA" } };
  const sound = { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } };
  const tool = { type: "function", function: { name: "f" } };
  const rows: [needs: string, body: JsonObject | object][] = [
    ["tools", { ...hi, tools: [tool] }],
    ["tools", { ...hi, functions: [{ name: "f" }] }],
    ["tools", { messages: [{ role: "tool", tool_call_id: "a", content: "x" }] }],
    ["vision", user([image])],
    ["pdf", user([file])],
    ["pdf", user([{ type: "file", file: { file_id: "f" } }])],
    ["audio", user([sound])],
    ["jsonObject", { ...hi, response_format: { type: "json_object" } }],
    [
      "jsonSchema",
      { ...hi, response_format: { type: "json_schema", json_schema: { name: "a", schema: {} } } },
    ],
    ["reasoning", { ...hi, reasoning_effort: "low" }],
    ["reasoning", { ...hi, reasoning: { effort: "max" } }],
    ["reasoning", { ...hi, reasoning: { enabled: true } }],
    ["reasoning", { ...hi, reasoning: { max_tokens: 100 } }],
    ["logprobs", { ...hi, logprobs: true }],
    [
      "",
      {
        ...hi,
        tools: [],
        response_format: { type: "text" },
        reasoning_effort: "none",
        logprobs: false,
      },
    ],
    ["", { ...hi, reasoning: { enabled: false, effort: "high" } }],
    ["", { ...hi, reasoning: { exclude: true } }],
  ];
  test.each(rows)("%s by %j", (needs, body) => {
    const found = Object.entries(peek(body).needs).flatMap(([name, on]) => (on ? [name] : []));
    expect(found.join()).toBe(needs);
  });
});

test("wishes of routing are read in full, ids in lower case", () => {
  const ask = peek({
    ...hi,
    models: ["a/b"],
    user: "u1",
    temperature: 1,
    seed: 1,
    plugins: [{ id: "pdf" }, { id: "auto-router", allowed_models: ["a/*"] }],
    route: {
      region: "eu-west",
      provider: "OpenAI",
      prefer_low_carbon: true,
      fallback: false,
      policy: "balanced",
      mode: "fallback",
    },
    provider: {
      order: ["Mistral"],
      allow_fallbacks: false,
      only: ["OPENAI/eu-west"],
      ignore: ["xAI"],
      require_parameters: true,
      data_collection: "deny",
      zdr: true,
      quantizations: ["FP8", "Q4_K_M"],
      sort: { by: "latency", partition: "none" },
      preferred_min_throughput: 30,
      preferred_max_latency: { p90: 2 },
      max_price: { prompt: "1.5", completion: 2 },
    },
  });
  expect(ask).toMatchObject({
    models: ["a/b"],
    user: "u1",
    autoAllowed: ["a/*"],
    unusedPlugins: ["plugins[0]"],
    parameters: ["temperature", "seed"],
  });
  expect(ask.route).toEqual({
    region: "eu-west",
    provider: "openai",
    preferLowCarbon: true,
    fallback: false,
    policy: "balanced",
  });
  expect(ask.provider).toEqual({
    order: ["mistral"],
    allowFallbacks: false,
    only: ["openai/eu-west"],
    ignore: ["xai"],
    requireParameters: true,
    dataCollection: "deny",
    zdr: true,
    quantizations: ["fp8", "q4_k_m"],
    sort: { by: "latency", partition: "none" },
    preferredMinThroughput: { p50: 30 },
    preferredMaxLatency: { p50: undefined, p75: undefined, p90: 2, p99: undefined },
    maxPrice: { prompt: 1.5, completion: 2, request: undefined, image: undefined },
  });
  expect(peek({ ...hi, route: "fallback" }).route).toEqual({});
  expect(peek({ ...hi, provider: { sort: "price" } }).provider.sort).toEqual({
    by: "price",
    partition: "model",
  });
});

test("a seed may be larger than a double holds", () => {
  expect(
    peek('{"messages":[{"role":"user","content":"x"}],"seed":18446744073709551615}').model,
  ).toBeUndefined();
});

test("tokens of the prompt are bounded by its bytes, pictures and files by their kind", () => {
  const text = "é".repeat(5000);
  expect(peek(user(text)).inputTokensAtMost).toBeGreaterThanOrEqual(10_000);
  const base64 = "A".repeat(4_000_000);
  const image = peek(
    user([{ type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } }]),
  );
  expect(image.inputTokensAtMost).toBeWithin(3000, 3200);
  const file = peek(
    user([{ type: "file", file: { file_data: `data:application/pdf;base64,${base64}` } }]),
  );
  expect(file.inputTokensAtMost).toBeWithin(300_000, 300_200);
  const small = peek(
    user([
      { type: "file", file: { file_data: `data:application/pdf;base64,${"A".repeat(4000)}` } },
    ]),
  );
  expect(small.inputTokensAtMost).toBeWithin(3000, 3300);
});

test("the newer name of the output limit wins", () => {
  expect(peek({ ...hi, max_tokens: 5, max_completion_tokens: 9 }).maxOutputTokens).toBe(9);
  expect(peek({ ...hi, max_tokens: 5 }).maxOutputTokens).toBe(5);
});
