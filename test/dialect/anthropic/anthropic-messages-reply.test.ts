import { describe, expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { inputTokens, outputTokens } from "#src/dialect/usage.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";

const { readReply, readError } = anthropicMessagesUpstream;
const readJson = (body: JsonObject) => readReply(encode(JSON.stringify(body)));
const message = (more: JsonObject): JsonObject => ({
  id: "msg_1",
  type: "message",
  content: [{ type: "text", text: "Hi" }],
  stop_reason: "end_turn",
  ...more,
});

test("readReply() keeps reasoning with its proof, text and calls with their integers whole", async () => {
  const { reply } = readReply(await fixture("anthropic-messages/reply.json"));
  expect(reply).toEqual({
    id: "msg_01A",
    choices: [
      {
        index: 0,
        finish: "tool_calls",
        nativeFinish: "tool_use",
        parts: [
          { type: "reasoning", text: "Which city?", signature: "c2lnbmVk" },
          { type: "reasoning", text: "", redacted: "b3BhcXVl" },
          { type: "text", text: "Let me look." },
          {
            type: "tool_call",
            id: "toolu_1",
            name: "weather",
            arguments: '{"city":"Paris","station":12345678901234567890}',
          },
          { type: "tool_call", id: "toolu_2", name: "clock", arguments: "{}" },
        ],
      },
    ],
  });
});

test("usage classes are disjoint: input is beside the cache, thinking is inside the output", async () => {
  const { usage } = readReply(await fixture("anthropic-messages/reply.json"));
  expect(usage).toMatchObject({
    input: { fresh: 20, cacheRead: 400, cacheWrite5m: 10, cacheWrite1h: 20 },
    output: { visible: 20, reasoning: 11 },
    raw: { service_tier: "standard" },
  });
  if (!usage) throw new Error("no usage");
  expect(inputTokens(usage)).toBe(450);
  expect(outputTokens(usage)).toBe(31);
});

test("cache writes without a split are five-minute writes; absent usage is undefined", () => {
  const counts = { input_tokens: 1, cache_creation_input_tokens: 8, output_tokens: 2 };
  expect(readJson(message({ usage: counts })).usage?.input.cacheWrite5m).toBe(8);
  expect(readJson(message({})).usage).toBeUndefined();
  expect(readJson(message({ usage: {} })).usage).toBeUndefined();
});

describe("stop reasons", () => {
  const rows = [
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["pause_turn", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "content_filter"],
    ["something_new", "stop"],
  ] as const;
  for (const [native, finish] of rows) {
    test(`${native} reads as ${finish}`, () => {
      const [choice] = readJson(message({ stop_reason: native })).reply.choices;
      expect(choice).toMatchObject({ finish, nativeFinish: native });
    });
  }
  test("tool_use reads as tool_calls", () => {
    const content = [{ type: "tool_use", id: "t", name: "f", input: {} }];
    const [choice] = readJson(message({ content, stop_reason: "tool_use" })).reply.choices;
    expect(choice?.finish).toBe("tool_calls");
  });
});

test("the stand-in tool's input is the answer: text alone, finish stop", () => {
  const content = [
    { type: "text", text: "Here you are:" },
    { type: "tool_use", id: "t", name: "lowrouter_json_answer", input: { city: "Paris" } },
  ];
  const [choice] = readJson(message({ content, stop_reason: "tool_use" })).reply.choices;
  expect(choice).toMatchObject({
    finish: "stop",
    parts: [{ type: "text", text: '{"city":"Paris"}' }],
  });
  expect(choice?.parts).toHaveLength(1);
});

test("a refusal's explanation is a refusal part", () => {
  const details = { type: "refusal", category: null, explanation: "No." };
  const [choice] = readJson(message({ content: [], stop_reason: "refusal", stop_details: details }))
    .reply.choices;
  expect(choice).toMatchObject({
    finish: "content_filter",
    parts: [{ type: "refusal", text: "No." }],
  });
});

test("blank lines ahead of the body are no garbage", () => {
  expect(readReply(encode(`\n\n${JSON.stringify(message({}))}`)).reply.id).toBe("msg_1");
});

test("readReply() throws on garbage and on an error body under 200, quoting neither", () => {
  const bodies = [
    "<html>secret</html>",
    '"secret"',
    '{"answer":"secret"}',
    "",
    '{"type":"error","error":{"type":"api_error","message":"secret"}}',
    '{"error":{"message":"secret"}}',
  ];
  for (const body of bodies) {
    expect(() => readReply(encode(body))).toThrow(UpstreamStreamError);
    expect(() => readReply(encode(body))).not.toThrow(/secret/);
  }
});

describe("readError()", () => {
  const rows: [name: string, body: string, fault: object][] = [
    [
      "object error",
      '{"error":{"type":"t","message":"m","code":"c","param":"p"}}',
      { message: "m", type: "t", code: "c", param: "p" },
    ],
    ["string error", '{"code":"x","error":"text"}', { message: "text", code: "x" }],
    [
      "flat message",
      '{"object":"error","message":"flat","type":"t"}',
      { message: "flat", type: "t" },
    ],
    ["string detail", '{"detail":"why"}', { message: "why" }],
    [
      "list detail",
      '{"detail":[{"loc":["body"],"msg":"field required","type":"missing"}]}',
      { message: "field required" },
    ],
    ["object detail", '{"detail":{"error":"busy"}}', { message: "busy" }],
    ["HTML", "<html>Bad gateway</html>", { message: "<html>Bad gateway</html>" }],
    ["nothing", "", { message: "The provider answered with status 500 and no explanation" }],
  ];
  for (const [name, body, fault] of rows) {
    test(`reads ${name}`, () => {
      expect(readError(500, encode(body))).toEqual({ status: 500, message: "", ...fault });
    });
  }
  test("reads Anthropic's own shape", async () => {
    expect(readError(400, await fixture("anthropic-messages/error.json"))).toEqual({
      status: 400,
      type: "invalid_request_error",
      message: "max_tokens: must be greater than 0",
    });
  });
  test("gives at most 500 characters of a body that is no JSON", () => {
    expect(readError(502, encode("x".repeat(9000))).message).toHaveLength(500);
  });
});

test("pages of the web that texts lean on are citations, the client's own documents are not", () => {
  const found = { type: "web_search_result_location", url: "https://a/1", title: "A" };
  const own = { type: "char_location", document_index: 0 };
  const content = [
    { type: "text", text: "So. ", citations: [own] },
    { type: "server_tool_use", id: "s", name: "web_search", input: {} },
    { type: "text", text: "Wet.", citations: [found, own] },
  ];
  const body = encode(JSON.stringify({ type: "message", content, stop_reason: "end_turn" }));
  const [first, second] = readReply(body).reply.choices[0]?.parts ?? [];
  expect(first).not.toHaveProperty("citations");
  expect(second).toMatchObject({
    citations: [{ url: "https://a/1", title: "A", start: 4, end: 8 }],
  });
});

test("an ending that every object knows as a member is an ending that nobody knows", () => {
  const { reply } = readJson(message({ stop_reason: "constructor" }));
  expect(reply.choices[0]?.finish).toBe("stop");
});
