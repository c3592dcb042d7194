import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { startHarness, type Harness } from "#test/gateway/harness.ts";
import { ask } from "#test/gateway/matrix-clients.ts";
import { at } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/* What a client says or an upstream answers that another wire has other words for, seen from both ends. */

const secrets: Record<string, string> = {
  OPENROUTER_API_KEY: "or",
  OPENAI_API_KEY: "oa",
  ANTHROPIC_API_KEY: "an",
  GEMINI_API_KEY: "ge",
  COHERE_API_KEY: "co",
};
const chat = { model: "xai/grok-4.3", route: { provider: "openrouter" } };
const responses = { model: "openai/gpt-5.5-pro", route: { provider: "openai" } };
const claude = { model: "anthropic/claude-haiku-4.5", route: { provider: "anthropic" } };
const gemini = { model: "google/gemini-3.5-flash", route: { provider: "google" } };

let upstream: ScriptedUpstream;
let gateway: Harness;
let answer: () => Response;
let sent: JsonObject | undefined;
beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    const body: unknown = await request.json();
    sent = isObject(body) ? body : undefined;
    return answer();
  });
  gateway = await startHarness({
    change: (config) => {
      config.secret = (name) => secrets[name];
      const names = ["openrouter", "openai", "anthropic", "google", "cohere"];
      config.providers = Object.fromEntries(
        names.map((name) => [name, { base_url: upstream.url }]),
      );
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});
beforeEach(() => {
  sent = undefined;
  // What is asked is looked at; the upstream refuses all of it, as one that is well.
  answer = () => Response.json({ error: { message: "scripted" } }, { status: 400 });
});

const found = [
  { type: "text", text: "one" },
  { type: "text", text: "two" },
];
const loop = {
  messages: [
    { role: "user", content: "Hi" },
    {
      role: "assistant",
      tool_calls: [
        { id: "a", type: "function", function: { name: "look", arguments: "null" } },
        { id: "b", type: "function", function: { name: "look", arguments: "" } },
      ],
    },
    { role: "tool", tool_call_id: "a", content: found },
    { role: "tool", tool_call_id: "b", content: "" },
  ],
  tools: [{ type: "function", function: { name: "look" } }],
};

describe("several texts in the result of a tool", () => {
  test("are lines on the wire of Responses, and calls without arguments say so", async () => {
    await gateway.chat({ ...loop, ...responses });
    expect(at(sent, "input.1.arguments")).toBe("{}");
    expect(at(sent, "input.2.arguments")).toBe("{}");
    expect(at(sent, "input.3.output")).toBe("one\ntwo");
  });

  test("are lines on the wire of chat completions", async () => {
    const source = "https://example.com/";
    const result = { type: "search_result", source, title: "Found", content: found };
    await gateway.post("/v1/messages", {
      ...chat,
      max_tokens: 9,
      tools: [{ name: "look", input_schema: { type: "object" } }],
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content: [{ type: "tool_use", id: "a", name: "look", input: {} }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: [result] }] },
      ],
    });
    expect(at(sent, "messages.2.content")).toBe(`Found\n${source}\none\ntwo`);
  });
});

test("an id of a call that is too long for Responses is another one there, in its result too", async () => {
  const [id, other] = [`call_${"x".repeat(90)}`, `call_${"x".repeat(91)}`];
  const call = (one: string) => ({ id: one, type: "function", function: { name: "look" } });
  const result = (one: string) => ({ role: "tool", tool_call_id: one, content: "r" });
  await gateway.chat({
    ...responses,
    tools: loop.tools,
    messages: [
      { role: "user", content: "Hi" },
      { role: "assistant", tool_calls: [call(id), call(other), call("short")] },
      ...[id, other, "short"].map(result),
    ],
  });
  const ids = [1, 2, 3].map((place) => at(sent, `input.${place}.call_id`));
  expect(ids).toEqual([
    expect.stringMatching(/^call_[0-9a-f]{24}$/),
    expect.stringMatching(/^call_[0-9a-f]{24}$/),
    "short",
  ]);
  expect(new Set(ids).size).toBe(3);
  expect([4, 5, 6].map((place) => at(sent, `input.${place}.call_id`))).toEqual(ids);
});

test("the context of a document is said with its title", async () => {
  const source = { type: "text", media_type: "text/plain", data: "Words" };
  const document = { type: "document", source, title: "Title", context: "Read on Monday" };
  await gateway.post("/v1/messages", {
    ...chat,
    max_tokens: 9,
    messages: [{ role: "user", content: [document, { type: "text", text: "Hi" }] }],
  });
  expect(at(sent, "messages.0.content")).toEqual(
    ["Title\nRead on Monday", "Words", "Hi"].map((text) => ({ type: "text", text })),
  );
});

describe("contents that say nothing", () => {
  test.each([chat, responses, claude])("are refused for $model", async ({ model }) => {
    for (const parts of [[], [{ text: "" }]]) {
      const reply = await gateway.post(`/v1beta/models/${model}:generateContent`, {
        contents: [{ role: "user", parts }],
      });
      expect(reply.status).toBe(400);
      expect(at(await reply.json(), "error.message")).toStartWith(
        'Cannot use an array for "contents"',
      );
      expect(sent).toBeUndefined();
    }
  });

  test("are Google's own to judge", async () => {
    const path = `/v1beta/models/${gemini.model}:generateContent`;
    await gateway.post(path, { contents: [{ role: "user", parts: [] }], route: gemini.route });
    expect(sent).toEqual({ contents: [{ role: "user", parts: [] }] });
  });
});

test("a function call of the old kind in a stream is a call on every wire", async () => {
  const deltas = [
    { role: "assistant", content: null, function_call: { name: "look", arguments: "" } },
    { function_call: { arguments: '{"q":' } },
    { function_call: { arguments: '"ü"}' } },
  ];
  const choices = [
    ...deltas.map((delta) => ({ index: 0, delta, finish_reason: null })),
    { index: 0, delta: {}, finish_reason: "function_call" },
  ];
  const events = choices.map((choice) => JSON.stringify({ id: "up-1", choices: [choice] }));
  answer = () =>
    new Response([...events, "[DONE]"].map((data) => `data: ${data}\n\n`).join(""), {
      headers: { "content-type": "text/event-stream" },
    });
  for (const client of ["Responses", "Anthropic Messages", "Gemini"] as const) {
    const body = client === "Gemini" ? { contents: [{ parts: [{ text: "Hi" }] }] } : {};
    const input = client === "Responses" ? { input: "Hi" } : {};
    const messages =
      client === "Anthropic Messages" ? { messages: [{ role: "user", content: "Hi" }] } : {};
    const told = await ask(gateway, client, chat.model, { ...body, ...input, ...messages }, true);
    expect(told.calls).toEqual([
      { id: expect.stringMatching(/^call_/), name: "look", input: { q: "ü" } },
    ]);
  }
});

test("a finish that is empty until the end cuts nothing off", async () => {
  const words = ["Hel", "lo ", "there"];
  const choices = [
    ...words.map((content) => ({ index: 0, delta: { content }, finish_reason: "" })),
    { index: 0, delta: {}, finish_reason: "stop" },
  ];
  const events = choices.map((choice) => JSON.stringify({ id: "up-1", choices: [choice] }));
  answer = () =>
    new Response([...events, "[DONE]"].map((data) => `data: ${data}\n\n`).join(""), {
      headers: { "content-type": "text/event-stream" },
    });
  const body = { messages: [{ role: "user", content: "Hi" }] };
  const told = await ask(gateway, "Anthropic Messages", chat.model, body, true);
  expect([told.texts, told.finish]).toEqual([["Hello there"], "end_turn"]);
});

test.each([
  [
    gemini,
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
  ],
  [chat, "This model's maximum prompt length is 131072 but the request contains 537812 tokens."],
  [claude, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"],
  [claude, "prompt is too long: 208310 tokens > 200000 maximum"],
])("%p: %s is told as a context that is too long", async (route, message) => {
  answer = () =>
    Response.json(
      { type: "error", error: { type: "invalid_request_error", message } },
      { status: 400 },
    );
  const reply = await gateway.chat({ ...route, messages: [{ role: "user", content: "Hi" }] });
  expect(at(await reply.json(), "error.code")).toBe("context_length_exceeded");
});

describe("max_tokens 0, which warms a cache", () => {
  const body = { max_tokens: 0, messages: [{ role: "user", content: "Hi" }] };

  test("is passed on to Anthropic, and its answer without a word passed back", async () => {
    const usage = { input_tokens: 9, cache_creation_input_tokens: 2000, output_tokens: 0 };
    const message = { id: "msg_1", type: "message", role: "assistant", model: "up", content: [] };
    answer = () =>
      Response.json({ ...message, stop_reason: "max_tokens", stop_sequence: null, usage });
    const reply = await gateway.post("/v1/messages", { ...claude, ...body });
    expect(sent).toMatchObject({ max_tokens: 0 });
    expect([reply.status, await reply.json()]).toEqual([
      200,
      expect.objectContaining({ content: [], stop_reason: "max_tokens" }),
    ]);
  });

  test("is refused where there is no such cache", async () => {
    const reply = await gateway.post("/v1/messages", { ...chat, ...body });
    expect([reply.status, at(await reply.json(), "error.message")]).toEqual([
      400,
      expect.stringContaining('Cannot send "max_tokens" to this model: 0 warms the cache'),
    ]);
    expect(sent).toBeUndefined();
  });
});

describe("calls that Google's model breaks", () => {
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 };
  const finished = (finishReason: string, text?: string) => {
    const content = text === undefined ? {} : { content: { role: "model", parts: [{ text }] } };
    return { candidates: [{ index: 0, finishReason, ...content }], usageMetadata };
  };

  test.each([false, true])("are no outage of Google (stream: %p)", async (stream) => {
    const say = (body: JsonObject) =>
      stream
        ? new Response(`data: ${JSON.stringify(body)}\n\n`, {
            headers: { "content-type": "text/event-stream" },
          })
        : Response.json(body);
    const body = { ...gemini, stream, messages: [{ role: "user", content: "Hi" }] };
    for (const word of ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"]) {
      answer = () => say(finished(word));
      for (let times = 0; times < 3; times++) {
        const reply = await gateway.chat(body);
        expect(await reply.text()).toContain("upstream request failed");
      }
    }
    answer = () => say(finished("STOP", "Hello"));
    const reply = await gateway.chat(body);
    expect([reply.status, await reply.text()]).toEqual([200, expect.stringContaining("Hello")]);
  });
});
