import { anthropicMessagesUpstream as anthropicUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { describe, expect, test } from "bun:test";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import {
  openaiEmbeddingsSplice,
  openaiEmbeddingsUpstream,
  openaiEmbeddingsClient,
} from "#src/dialect/embedding/openai-embeddings.ts";
import {
  openaiChatClient,
  openaiChatSplice,
  openaiChatUpstream,
} from "#src/dialect/openai/openai-chat.ts";
import { arrange } from "#src/dialect/conversation.ts";
import { pairedMessages } from "#src/dialect/paired-messages.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Message, Turn } from "#src/dialect/turn.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { responsesUpstream } from "#src/dialect/responses/openai-responses.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
import {
  bodyOf,
  callOf,
  refusalOf,
  resultsOf,
  say,
  targetOf,
  turnOf,
} from "#test/dialect/upstream-kit.ts";

/** Odd conversations that every client may send, in the words of the wires that are strictest about them. */
const call: Message = { role: "assistant", content: [callOf("a", "f")] };
const tools: Turn["tools"] = [{ name: "f" }];
const conversations: Record<string, Partial<Turn>> = {
  "an empty result": { messages: [say("user", "Hi"), call, resultsOf(["a", ""])], tools },
  "a missing result": { messages: [say("user", "Hi"), call, say("user", "So?")], tools },
  "the assistant last": { messages: [say("user", "Hi"), say("assistant", "Well ")] },
  "only instructions": { messages: [say("system", "Be brief")] },
  "the assistant first": { messages: [say("assistant", "Hello"), say("user", "Hi")] },
};

describe("Cohere", () => {
  const told = (name: string) =>
    bodyOf(cohereUpstream.writeRequest(turnOf(conversations[name]), targetOf())).messages;
  const made = {
    role: "assistant",
    tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
  };
  const hi = { role: "user", content: "Hi" };
  test.each([
    ["an empty result", [hi, made, { role: "tool", tool_call_id: "a", content: "" }]],
    [
      "a missing result",
      [
        hi,
        made,
        { role: "tool", tool_call_id: "a", content: "No output was recorded for this call" },
        { role: "user", content: "So?" },
      ],
    ],
    ["the assistant last", [hi, { role: "assistant", content: [{ type: "text", text: "Well " }] }]],
    ["only instructions", [{ role: "user", content: "Be brief" }]],
    [
      "the assistant first",
      [
        { role: "user", content: "." },
        { role: "assistant", content: [{ type: "text", text: "Hello" }] },
        hi,
      ],
    ],
  ])("%s", (name, messages) => expect(told(name)).toEqual(messages));
});

describe("Bedrock", () => {
  const model = "anthropic.claude-haiku-4-5-20251001-v1:0";
  const told = (name: string, target = {}) =>
    bodyOf(
      bedrockUpstream.writeRequest(turnOf(conversations[name]), targetOf({ model, ...target })),
    ).messages;
  const text = (role: string, words: string): JsonObject => ({ role, content: [{ text: words }] });
  const made = {
    role: "assistant",
    content: [{ toolUse: { toolUseId: "a", name: "f", input: {} } }],
  };
  const result = (content: JsonObject[], more: JsonObject = {}): JsonObject => ({
    toolResult: { toolUseId: "a", content, ...more },
  });
  test.each([
    ["an empty result", [text("user", "Hi"), made, { role: "user", content: [result([])] }]],
    [
      "a missing result",
      [
        text("user", "Hi"),
        made,
        {
          role: "user",
          content: [
            result([{ text: "No output was recorded for this call" }], { status: "error" }),
            { text: "So?" },
          ],
        },
      ],
    ],
    // White space at its end would be refused.
    ["the assistant last", [text("user", "Hi"), text("assistant", "Well")]],
    ["only instructions", [text("user", "Be brief")]],
    ["the assistant first", [text("user", "."), text("assistant", "Hello"), text("user", "Hi")]],
  ])("%s", (name, messages) => expect(told(name)).toEqual(messages));
  test("a model that takes no beginning of its answer is asked to continue", () => {
    const reasoning = { efforts: ["low", "high"] };
    expect(told("the assistant last", { reasoning })).toEqual([
      text("user", "Hi"),
      text("assistant", "Well "),
      text("user", "Continue"),
    ]);
  });
});

describe("OpenAI's wires, between calls and results of another client", () => {
  const picture = { type: "image" as const, source: { mediaType: "image/png", base64: "AA==" } };
  const two: Message = { role: "assistant", content: [callOf("a", "f"), callOf("b", "f")] };
  const unrecorded = "No output was recorded for this call";
  const wires = {
    chat(messages: Message[]) {
      const { messages: told } = bodyOf(
        openaiChatUpstream.writeRequest(turnOf({ messages, tools }), targetOf()),
      );
      return shortened(told, "tool_call_id", "content");
    },
    responses(messages: Message[]) {
      const { input } = bodyOf(
        responsesUpstream.writeRequest(turnOf({ messages, tools }), targetOf()),
      );
      return shortened(input, "call_id", "output");
    },
  };
  /** Results by their call, calls by "call", and everything else by its role. */
  function shortened(told: Json | undefined, id: string, words: string) {
    return (Array.isArray(told) ? told : []).filter(isObject).flatMap((one) => {
      if (typeof one[words] === "string" && one[id] !== undefined) return [[one[id], one[words]]];
      if (one.type === "function_call") return [`call ${String(one.call_id)}`];
      if (!Array.isArray(one.tool_calls)) return [one.role];
      return one.tool_calls.map((made) => `call ${isObject(made) ? String(made.id) : ""}`);
    });
  }

  test.each(["chat", "responses"] as const)("%s: no call is without its result", (wire) => {
    const asked = say("user", "So?");
    expect(wires[wire]([say("user", "Hi"), two, asked])).toEqual([
      "user",
      "call a",
      "call b",
      ["a", unrecorded],
      ["b", unrecorded],
      "user",
    ]);
    expect(wires[wire]([say("user", "Hi"), two])).toHaveLength(5);
    expect(wires[wire]([two, resultsOf(["b", "2"]), asked, resultsOf(["a", "1"])])).toEqual([
      "call a",
      "call b",
      ["b", "2"],
      ["a", "1"],
      "user",
    ]);
  });

  test.each(["chat", "responses"] as const)("%s: a result follows its own message", (wire) => {
    const [one, other]: Message[] = [
      { role: "assistant", content: [callOf("a", "f")] },
      { role: "assistant", content: [callOf("b", "f")] },
    ];
    if (one === undefined || other === undefined) throw new Error("there are two");
    expect(wires[wire]([one, other, resultsOf(["b", "2"]), resultsOf(["a", "1"])])).toEqual([
      "call a",
      ["a", "1"],
      "call b",
      ["b", "2"],
    ]);
  });

  test.each(["chat", "responses"] as const)("%s: an unknown result is refused", (wire) => {
    for (const stray of [
      [two, resultsOf(["a", "1"], ["b", "2"], ["secret", "3"])],
      [two, resultsOf(["a", "1"], ["a", "2"], ["b", "3"])],
      [say("user", "Hi"), resultsOf(["secret", "1"])],
    ]) {
      const { code, detail, message } = refusalOf(() => wires[wire](stray));
      expect([code, detail.param]).toEqual(["invalid_value", "messages"]);
      expect(message).not.toContain("secret");
    }
  });

  test("tens of thousands of calls and messages take no more than their share of time", () => {
    const ids = Array.from({ length: 40_000 }, (_, index) => `call${index}`);
    const many: Message = { role: "assistant", content: ids.map((id) => callOf(id, "f")) };
    const results = resultsOf(...ids.toReversed().map((id): [string, string] => [id, "1"]));
    const each = ids.map((id): Message => ({ role: "assistant", content: [callOf(id, "f")] }));
    const asked = Array.from({ length: 150_000 }, () => say("user", "So?"));
    const began = performance.now();
    expect(pairedMessages([many, results, ...asked])).toHaveLength(150_002);
    expect(pairedMessages([...each, results])).toHaveLength(80_000);
    expect(arrange(turnOf({ messages: [many, results] }), () => true).entries).toHaveLength(3);
    // Each with each would take a minute.
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test("chat: pictures of results come after all of them", () => {
    const seen = (callId: string): Message => ({
      role: "tool",
      results: [{ callId, content: [picture] }],
    });
    expect(wires.chat([two, seen("a"), seen("b")])).toEqual([
      "call a",
      "call b",
      ["a", ""],
      ["b", ""],
      "user",
    ]);
  });
});

test("the name of a speaker is named where a wire has no place for it, and that of a tool is not missed", () => {
  const dropped = (messages: JsonObject[]) =>
    [responsesUpstream, anthropicUpstream, geminiUpstream, cohereUpstream, bedrockUpstream].map(
      (wire) => {
        const turn = openaiChatClient.readRequest(
          peeked(openaiChatClient, { model: "a/b", messages, max_tokens: 9 }),
        );
        return wire.writeRequest(turn, targetOf()).dropped;
      },
    );
  const made = { id: "a", type: "function", function: { name: "f", arguments: "{}" } };
  const named = { role: "user", content: "Hi", name: "Ada" };
  expect(dropped([named])).toEqual(Array.from({ length: 5 }, () => ["messages.name"]));
  const bare = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: null, tool_calls: [made], name: null },
    { role: "tool", content: "4", tool_call_id: "a", name: "f" },
  ];
  expect(dropped(bare)).toEqual(Array.from({ length: 5 }, () => []));
});

describe("a mark for a prompt cache", () => {
  const carry = { "anthropic-messages": { cache_control: { type: "ephemeral" } } };
  const marked = { type: "text" as const, text: "Hi", carry };
  test.each<[string, Partial<Turn>]>([
    ["instructions", { system: [marked] }],
    ["a message", { messages: [{ role: "user", content: [marked] }] }],
    ["a tool", { tools: [{ name: "f", carry }] }],
    [
      "a result",
      { messages: [call, { role: "tool", results: [{ callId: "a", content: [marked] }] }] },
    ],
    ["the request", { extra: { cache_control: { type: "ephemeral" } } }],
  ])("on %s is named where Responses cannot say it", (_, changes) => {
    const { dropped } = responsesUpstream.writeRequest(turnOf(changes), targetOf());
    expect(dropped).toEqual(["cache_control"]);
    expect(responsesUpstream.writeRequest(turnOf(), targetOf()).dropped).toEqual([]);
  });
});

describe("an output limit", () => {
  const both = (provider: string, more = {}) => {
    const target = targetOf({ provider, heldOutputTokens: 5000, maxOutputTokens: 4800 });
    const body = { model: "a/b", messages: [{ role: "user", content: "Hi" }], ...more };
    const ask = peeked(openaiChatClient, body);
    const passed = openaiChatSplice.retarget(encode(JSON.stringify(body)), ask, target);
    const written = openaiChatUpstream.writeRequest(openaiChatClient.readRequest(ask), target);
    return [passed, written].map((request) => bodyOf(request).max_tokens);
  };
  test("is told to servers that end early without one", () => {
    for (const provider of ["ollama", "deepinfra", "fireworks", "together", "huggingface"])
      expect([provider, both(provider)]).toEqual([provider, [4800, 4800]]);
    expect(both("ollama", { max_tokens: 7 })).toEqual([7, 7]);
    expect(both("ollama", { max_completion_tokens: 7 })[0]).toBeUndefined();
  });
  test("is nobody's business where answers end by themselves", () => {
    for (const provider of ["openai", "deepseek", "mistral"])
      expect([provider, both(provider)]).toEqual([provider, [undefined, undefined]]);
  });
});

test("a batch that a provider of vectors does not take is refused with its bound, on either path", () => {
  const input = Array.from({ length: 1001 }, () => "a");
  const body = { model: "voyage/voyage-4", input };
  const ask = openaiEmbeddingsClient.peek(encode(JSON.stringify(body)), "http://gateway/v1");
  const bytes = encode(JSON.stringify(body));
  for (const [provider, most] of [
    ["voyage", 1000],
    ["openai", 2048],
  ] as const) {
    const target = targetOf({ provider });
    const passed = () => openaiEmbeddingsSplice.retarget(bytes, ask, target);
    const written = () =>
      openaiEmbeddingsUpstream.writeRequest({ inputs: input, leftover: [] }, target);
    for (const way of [passed, written]) {
      if (most > input.length) expect(way).not.toThrow();
      else expect(refusalOf(way).message).toContain("at most 1000");
    }
  }
});
