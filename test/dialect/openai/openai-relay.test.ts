import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { openaiCompletionsSplice } from "#src/dialect/openai/openai-completions.ts";
import { AppError } from "#src/lib/error.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { block, eventsOf, headOf, relayed, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { byteByByte, cut, fixture, sse } from "#test/dialect/upstream-kit.ts";

const load = (name: string) => fixture(`openai-chat/${name}.sse`);
const relay = (includeUsage = false) => openaiChatSplice.relayStream(headOf({ includeUsage }));
const names = [
  "stream-text",
  "stream-tools",
  "stream-mistral",
  "stream-deepseek",
  "stream-error",
  "stream-cut",
];

test.each(names)("%s is relayed the same whole, byte by byte and cut anywhere", async (name) => {
  const bytes = await load(name);
  const whole = relay();
  const expected = relayed(whole, [bytes]);
  const single = relay();
  expect(relayed(single, byteByByte(bytes))).toEqual(expected);
  expect([single.id, single.usage, single.ended, single.outputBytes]).toEqual([
    whole.id,
    whole.usage,
    whole.ended,
    whole.outputBytes,
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (places) => {
      expect(relayed(relay(), cut(bytes, places))).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test("only model and id change; usage and the terminal event are held back", async () => {
  const bytes = await load("stream-text");
  const flow = relay();
  const { text } = relayed(flow, [bytes]);
  const theirs = decode(bytes).split("\n\n").slice(0, -3);
  expect(text).toBe(
    theirs
      .map((event) => `${event}\n\n`)
      .join("")
      .replaceAll("gpt-x-2026-01-01", "openai/gpt-x")
      .replaceAll("chatcmpl-up1", "chatcmpl-ours"),
  );
  expect(flow.id).toBe("chatcmpl-up1");
  expect(flow.ended).toBe(true);
  expect(flow.usage).toMatchObject({
    input: { fresh: 8, cacheRead: 4 },
    output: { visible: 6, reasoning: 3 },
  });
});

test("words that look like members stay words", async () => {
  const { text } = relayed(relay(), [await load("stream-text")]);
  const said = eventsOf(text).map((event) => JSON.stringify(event));
  expect(said.some((event) => event.includes('\\"model\\":\\"fake\\"'))).toBe(true);
});

describe("templates", () => {
  const chunk = (content: string, more: JsonObject = {}) => ({
    id: "a",
    object: "chat.completion.chunk",
    created: 1,
    model: "up",
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    ...more,
  });
  const done = {
    ...chunk(""),
    choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: "stop" }],
  };

  test("any words come out as they went in, and are counted", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1 }), (words) => {
        const flow = relay();
        const { text, failure } = relayed(flow, [sse(...words.map((word) => chunk(word)), done)]);
        expect(failure).toBeUndefined();
        const expected = [...words.map((word) => chunk(word)), done].map((one) => ({
          ...one,
          id: "chatcmpl-ours",
          model: "openai/gpt-x",
        }));
        expect(eventsOf(text)).toEqual(expected);
        expect(flow.ended).toBe(true);
      }),
    );
  });

  test("an event that differs in anything else is read on its own", () => {
    const flow = relay();
    const many = [1, 2, 3].map(() => chunk("x"));
    const bytes = sse(
      ...many,
      chunk("x", { usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }),
      { ...chunk(""), choices: [{ index: 0, delta: { content: "y" }, finish_reason: "length" }] },
    );
    const events = eventsOf(relayed(flow, [bytes]).text);
    expect(events).toHaveLength(5);
    expect(events.some((event) => isObject(event) && "usage" in event)).toBe(false);
    expect(flow.usage).toMatchObject({ input: { fresh: 3 }, output: { visible: 4 } });
    expect([flow.ended, flow.outputBytes]).toEqual([true, 5]);
  });

  test("garbage after a known beginning is still garbage", () => {
    const [first, second] = [chunk("x"), chunk("y")].map((one) => decode(sse(one)));
    for (const [from, to] of [
      ['"y"', '"\\q"'],
      ['"y"', '"y'],
      ['"y"', '"y\u0001"'],
      ["null}]}", "null}]"],
      ["null}]}", "null}]}}"],
    ] as const) {
      const broken = second?.replace(from, to);
      expect(relayed(relay(), [encode(`${first}${broken}`)]).failure).toContain(
        "UpstreamStreamError",
      );
    }
  });

  test("choices and calls take turns", () => {
    const of = (index: number, words: string) => ({
      ...chunk(""),
      choices: [
        {
          index,
          delta: { tool_calls: [{ index: 0, function: { arguments: words } }] },
          finish_reason: null,
        },
      ],
    });
    const ends = [0, 1].map((index) => ({
      ...done,
      choices: [{ index, delta: { role: "assistant" }, finish_reason: "stop" }],
    }));
    const flow = relay();
    const sent = [of(0, "{"), of(1, "["), of(0, "}"), of(1, "]"), ...ends];
    const expected = sent.map((one) => ({
      ...one,
      id: "chatcmpl-ours",
      model: "openai/gpt-x",
    }));
    expect(eventsOf(relayed(flow, [sse(...sent)]).text)).toEqual(expected);
    expect([flow.ended, flow.outputBytes]).toEqual([true, 4]);
    const half = relay();
    relayed(half, [sse(...sent.slice(0, -1))]);
    expect(half.ended).toBe(false);
  });
});

test("usage on a chunk with words is taken off, or null where it was asked for", async () => {
  const bytes = await load("stream-mistral");
  const flow = relay();
  expect(eventsOf(relayed(flow, [bytes]).text).at(-1)).not.toHaveProperty("usage");
  const asked = relay(true);
  expect(eventsOf(relayed(asked, [bytes]).text).at(-1)).toHaveProperty("usage", null);
  const [usage] = eventsOf(asked.end(summaryOf({ usage: asked.usage })));
  expect(usage).toMatchObject({ choices: [], usage: { total_tokens: 11, cost: 0.000132 } });
});

test("end() tells usage to who asked, then the summary, then the terminal event", async () => {
  const flow = relay(true);
  relayed(flow, [await load("stream-text")]);
  const [usage, summary, last, ...none] = eventsOf(flow.end(summaryOf({ usage: flow.usage })));
  expect(usage).toMatchObject({
    id: "chatcmpl-up1",
    object: "chat.completion.chunk",
    model: "openai/gpt-x",
    choices: [],
    usage: {
      prompt_tokens: 12,
      prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0, cache_write_tokens: 0 },
      cost: 0.000132,
    },
  });
  expect(summary).toEqual({
    id: "chatcmpl-up1",
    object: "lowrouter.summary",
    created: 1_780_000_000,
    model: "openai/gpt-x",
    choices: [{ index: 0, delta: {}, finish_reason: null }],
    lowrouter: block,
  });
  expect([last, none]).toEqual(["[DONE]", []]);
  const silent = relay();
  relayed(silent, [await load("stream-text")]);
  expect(eventsOf(silent.end(summaryOf({ usage: silent.usage })))).toEqual([
    summary ?? "",
    "[DONE]",
  ]);
});

test("fail() tells the error, a summary without figures, and the terminal event", () => {
  const error = new AppError("upstream_error", "upstream request failed");
  const [event, summary, last] = eventsOf(relay(true).fail(error, summaryOf()));
  expect(event).toEqual({
    id: "chatcmpl-up1",
    object: "chat.completion.chunk",
    created: 1_780_000_000,
    model: "openai/gpt-x",
    provider: "acme",
    error: { code: "upstream_error", type: "server_error", message: "upstream request failed" },
    choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
  });
  const { eco: _eco, ...rest } = block;
  expect(summary).toHaveProperty("lowrouter", rest);
  expect(last).toBe("[DONE]");
});

test("what came before an error event is delivered, the error says its type alone", async () => {
  const flow = relay();
  const { text, failure } = relayed(flow, [await load("stream-error")]);
  expect(eventsOf(text)).toHaveLength(2);
  expect(failure).toBe('UpstreamStreamError: The provider ended its answer with "server_error"');
});

test("a stream without a finish is cut; a finish without the terminal event is an end", async () => {
  const flow = relay();
  relayed(flow, [await load("stream-cut")]);
  expect(flow.ended).toBe(false);
  const bytes = decode(await load("stream-text")).replace("data: [DONE]\n\n", "");
  const whole = relay();
  relayed(whole, [encode(bytes)]);
  expect(whole.ended).toBe(true);
});

test("events of several lines, without an id, or with a foreign finish keep their order", () => {
  const flow = relay();
  const text =
    'data: {"choices":[{"index":0,\ndata: "delta":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}\n\n';
  const out = relayed(flow, [encode(text)]).text;
  expect(out).toBe(
    'data: {"choices":[{"index":0,\ndata: "delta":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"id":"chatcmpl-ours","model":"openai/gpt-x"}\n\n',
  );
});

test("a chunk after the finish does not reopen its choice", () => {
  const chunk = (finish: string | null) => ({
    id: "a",
    choices: [{ index: 0, delta: {}, finish_reason: finish }],
  });
  const flow = relay();
  relayed(flow, [sse(chunk("stop"), chunk(null))]);
  expect(flow.ended).toBe(true);
});

test("a named error event and a finish that is a failure break the stream", () => {
  const error = relayed(relay(), [encode('event: error\ndata: {"message":"x"}\n\n')]);
  expect(error.failure).toContain("UpstreamStreamError");
  const finish = { id: "a", choices: [{ index: 0, delta: {}, finish_reason: "error" }] };
  expect(relayed(relay(), [sse(finish)]).failure).toContain("UpstreamStreamError");
});

test("text completions are relayed in their own shape", () => {
  const flow = openaiCompletionsSplice.relayStream(headOf({ includeUsage: true }));
  const chunk = (text: string, finish: string | null) => ({
    id: "cmpl-1",
    object: "text_completion",
    model: "up",
    choices: [{ text, index: 0, logprobs: null, finish_reason: finish }],
  });
  const usage = {
    id: "cmpl-1",
    choices: [],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  };
  const { text } = relayed(flow, [
    sse(chunk("a", null), chunk("b", null), chunk("", "stop"), usage),
  ]);
  expect(eventsOf(text)).toHaveLength(3);
  expect([flow.ended, flow.outputBytes]).toEqual([true, 2]);
  const ending = eventsOf(flow.end(summaryOf({ usage: flow.usage })));
  expect(ending[0]).toMatchObject({
    object: "text_completion",
    choices: [],
    usage: { total_tokens: 3 },
  });
  expect(ending[1]).toMatchObject({
    object: "lowrouter.summary",
    choices: [{ index: 0, text: "", logprobs: null, finish_reason: null }],
  });
});

test("an event that is nested too deep breaks the stream in our own words", () => {
  const deep = `{"choices":[],"usage":{"prompt_tokens":1,"x":${"[".repeat(300)}${"]".repeat(300)}}}`;
  const { failure } = relayed(relay(), [encode(`data: ${deep}\n\n`)]);
  expect(failure).toBe("UpstreamStreamError: The provider sent an event that is nested too deep");
});
