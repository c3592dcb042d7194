import { describe, expect, test } from "bun:test";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { Message, Tool, Turn, UserPart } from "#src/dialect/turn.ts";
import {
  bodyOf,
  callOf,
  refusalOf,
  resultsOf,
  say,
  targetOf,
  turnOf,
} from "#test/dialect/upstream-kit.ts";
import { shares } from "#test/dialect/shares.ts";

const write = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  cohereUpstream.writeRequest(turnOf(turn), targetOf(target));
const body = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bodyOf(write(turn, target));
const messages = (...list: Message[]) => body({ messages: list }).messages;
const weather: Tool = {
  name: "weather",
  description: "Tells it",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};
const clock: Tool = { name: "clock" };

test("a plain request has model, messages and stream and nothing more", () => {
  expect(write().path).toBe("/chat");
  expect(write().dropped).toEqual([]);
  expect(body()).toEqual({
    model: "model-x",
    messages: [{ role: "user", content: "Hi" }],
    stream: false,
  });
});

test("limit, stop, seed and overrides are said", () => {
  expect(
    body(
      { maxOutputTokens: 1e6, stop: ["", "END"], seed: 7, stream: true },
      { overrides: { safety_mode: "OFF" } },
    ),
  ).toMatchObject({
    max_tokens: 64_000,
    stop_sequences: ["END"],
    seed: 7,
    stream: true,
    safety_mode: "OFF",
  });
  const six = ["a", "b", "c", "d", "e", "f"];
  const request = write({ stop: six });
  expect(bodyOf(request).stop_sequences).toEqual(six.slice(0, 5));
  expect(request.stops?.left).toEqual(["f"]);
});

test("sampling has this wire's names and ranges", () => {
  expect(
    body({ temperature: 2, topP: 1, topK: 900, frequencyPenalty: 2, presencePenalty: 0.5 }),
  ).toMatchObject({
    temperature: 1,
    p: 0.99,
    k: 500,
    frequency_penalty: 1,
    presence_penalty: 0.5,
  });
  expect(write({ frequencyPenalty: -1, presencePenalty: -1, seed: -1 }).dropped).toEqual([
    "seed",
    "frequency_penalty",
    "presence_penalty",
  ]);
  expect(write({ temperature: 0, topP: 0.5, topK: 1 }, { samplingParams: false }).dropped).toEqual([
    "temperature",
    "top_p",
    "top_k",
  ]);
});

test("what the wire cannot say is named, and what would change the answer is refused", () => {
  expect(write({ user: "alice", extra: { logit_bias: { 1: 2 } } }).dropped).toEqual([
    "user",
    "logit_bias",
  ]);
  expect(refusalOf(() => write({ choices: 2 })).detail.param).toBe("n");
  expect(body({ extra: { logprobs: true } }).logprobs).toBe(true);
  const top = { logprobs: true, top_logprobs: 3 };
  expect(refusalOf(() => write({ extra: top })).detail.param).toBe("top_logprobs");
});

describe("messages", () => {
  test("system text is the first message, later system text stays in place", () => {
    expect(
      messages(say("system", "Be brief"), say("system", "Be kind"), say("user", "Hi")),
    ).toEqual([
      { role: "system", content: "Be brief\n\nBe kind" },
      { role: "user", content: "Hi" },
    ]);
    expect(messages(say("user", "Hi"), say("assistant", "Yes"), say("system", "Now"))).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: [{ type: "text", text: "Yes" }] },
      { role: "user", content: "<system>\nNow\n</system>" },
    ]);
  });
  test("words before calls are their plan, and every result is a message", () => {
    const carry = { "cohere-v2": {} };
    expect(
      messages(
        say("user", "Hi"),
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "Hm", carry },
            { type: "reasoning", text: "not ours", carry: { "bedrock-converse": {} } },
            { type: "reasoning", text: "of nobody" },
            { type: "text", text: "I will look" },
            callOf("a", "weather", '{"n": 12345678901234567890}'),
            callOf("b", "clock", ""),
          ],
        },
        resultsOf(["b", "noon"], ["a", "sunny"]),
        say("user", "So?"),
      ),
    ).toEqual([
      { role: "user", content: "Hi" },
      {
        role: "assistant",
        content: [{ type: "thinking", thinking: "Hm" }],
        tool_plan: "I will look",
        tool_calls: [
          {
            id: "a",
            type: "function",
            function: { name: "weather", arguments: '{"n": 12345678901234567890}' },
          },
          { id: "b", type: "function", function: { name: "clock", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "a", content: "sunny" },
      { role: "tool", tool_call_id: "b", content: "noon" },
      { role: "user", content: "So?" },
    ]);
  });
  test("pictures go by address or as a data URI, those of results with the user's words", () => {
    const url = { url: "https://a.example/b.png" };
    const bytes = { mediaType: "image/png", base64: "iVBORw0KGgo=" };
    const picture = (address: string, rest = {}) => ({
      type: "image_url",
      image_url: { url: address, ...rest },
    });
    expect(
      messages({
        role: "user",
        content: [
          { type: "text", text: "See" },
          { type: "image", source: url, detail: "low" },
        ],
      }),
    ).toEqual([
      {
        role: "user",
        content: [{ type: "text", text: "See" }, picture(url.url, { detail: "low" })],
      },
    ]);
    expect(
      messages(
        say("user", "Hi"),
        { role: "assistant", content: [callOf("a", "camera")] },
        { role: "tool", results: [{ callId: "a", content: [{ type: "image", source: bytes }] }] },
      ),
    ).toMatchObject([
      {},
      {},
      { role: "tool", tool_call_id: "a", content: "" },
      { role: "user", content: [picture("data:image/png;base64,iVBORw0KGgo=")] },
    ]);
  });
  test.each<[string, UserPart]>([
    ["a file", { type: "file", source: { fileId: "file-1" } }],
    ["audio", { type: "audio", format: "wav", base64: "AA==" }],
  ])("%s is refused", (_, part) => {
    expect(refusalOf(() => messages({ role: "user", content: [part] })).code).toBe(
      "unsupported_feature",
    );
  });
});

describe("tools", () => {
  const tools = [weather, clock];
  test("choices are REQUIRED, NONE or no word, and one tool is demanded by offering no other", () => {
    expect(body({ tools })).toMatchObject({
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "Tells it",
            parameters: { type: "object", properties: { city: { type: "string" } } },
          },
        },
        {
          type: "function",
          function: { name: "clock", parameters: { type: "object", properties: {} } },
        },
      ],
    });
    expect(body({ tools, toolChoice: "auto" }).tool_choice).toBeUndefined();
    expect(body({ tools, toolChoice: "required" }).tool_choice).toBe("REQUIRED");
    expect(body({ tools, toolChoice: "none" }).tool_choice).toBe("NONE");
    expect(body({ tools, toolChoice: { name: "clock" } })).toMatchObject({
      tools: [{ function: { name: "clock" } }],
      tool_choice: "REQUIRED",
    });
  });
  test("strictness and one call at a time are named as lost", () => {
    const strict = [{ ...clock, strict: true }];
    expect(write({ tools: strict, parallelToolCalls: false }).dropped).toEqual([
      "strict",
      "parallel_tool_calls",
    ]);
  });
  test("a response format goes without tools only", () => {
    const schema = { type: "object" };
    const format = { type: "json_schema" as const, name: "x", schema };
    expect(body({ responseFormat: format }).response_format).toEqual({
      type: "json_object",
      json_schema: schema,
    });
    expect(body({ responseFormat: { type: "json_object" } }).response_format).toEqual({
      type: "json_object",
    });
    expect(refusalOf(() => write({ responseFormat: format, tools })).detail.param).toBe(
      "response_format",
    );
    expect(body({ responseFormat: format, tools, toolChoice: "none" }).tools).toBeUndefined();
    const plain = { jsonSchema: false };
    expect(refusalOf(() => write({ responseFormat: format }, plain)).code).toBe(
      "unsupported_feature",
    );
  });
});

describe("thinking", () => {
  const target = { reasoning: { budget: { min: 1 } } };
  const thinking = (reasoning: Turn["reasoning"], turn: Partial<Turn> = {}) =>
    body({ ...turn, ...(reasoning ? { reasoning } : {}) }, target).thinking;
  test("is on, off or on within a budget that leaves room for the answer", () => {
    expect(thinking(undefined)).toBeUndefined();
    expect(thinking({ effort: "none" })).toEqual({ type: "disabled" });
    expect(thinking({ effort: "high" })).toEqual({ type: "enabled" });
    expect(thinking({ effort: "low" })).toEqual({ type: "enabled", token_budget: 2048 });
    expect(thinking({ budgetTokens: 500 })).toEqual({ type: "enabled", token_budget: 500 });
    expect(thinking({ budgetTokens: 2000 }, { maxOutputTokens: 1000 })).toEqual({
      type: "enabled",
      token_budget: 800,
    });
  });
  test.each(shares)("of effort %s is %d per cent of the client's limit", (effort, share) => {
    expect(thinking({ effort }, { maxOutputTokens: 20_000 })).toEqual({
      type: "enabled",
      token_budget: share * 200,
    });
  });
  test("what cannot be is named", () => {
    expect(write({ reasoning: { effort: "high" } }).dropped).toEqual(["reasoning"]);
    expect(write({ reasoning: { effort: "none" } }).dropped).toEqual([]);
    expect(write({ reasoning: { effort: "high", exclude: true } }, target).dropped).toEqual([
      "reasoning.exclude",
    ]);
    const always = { reasoning: { mandatory: true } };
    expect(write({ reasoning: { effort: "none" } }, always).dropped).toEqual(["reasoning"]);
  });
});
