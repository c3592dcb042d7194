import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { basename } from "node:path";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import type { UpstreamDialect } from "#src/dialect/dialect.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { type Meter, meterOf } from "#src/dialect/meter/meter.ts";
import { openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import { encode } from "#src/lib/bytes.ts";
import { framed } from "#test/dialect/bedrock/bedrock-frames.ts";
import { byteByByte, cut, fixture, hear, sse } from "#test/dialect/upstream-kit.ts";

const events = "text/event-stream; charset=utf-8";
const frames = "application/vnd.amazon.eventstream";
const json = "application/json";

/** The meter after all of the pieces passed. */
function metered(type: string | undefined, pieces: Uint8Array[], provider?: string): Meter {
  const meter = meterOf(type, provider);
  for (const piece of pieces) meter.push(piece);
  meter.finish();
  return meter;
}

/** A recorded stream as its bytes are: those of Bedrock are written down as text. */
function stream(path: string): Promise<Uint8Array> {
  return path.endsWith(".events") ? framed(basename(path)) : fixture(path);
}

/** What a meter tells, as one value. */
function told({ id, usage, outputBytes, ended, failed, cut }: Meter) {
  return { id, usage, outputBytes, ended, failed, cut };
}

describe("a meter reads of a stream what the reader of its wire reads", () => {
  const streams: [string, string, UpstreamDialect][] = [
    ["openai-chat/stream-text.sse", events, openaiChatUpstream],
    ["openai-chat/stream-tools.sse", events, openaiChatUpstream],
    ["openai-chat/stream-deepseek.sse", events, openaiChatUpstream],
    ["openai-chat/stream-mistral.sse", events, openaiChatUpstream],
    ["anthropic-messages/stream-answer.sse", events, anthropicMessagesUpstream],
    ["anthropic-messages/stream-tools.sse", events, anthropicMessagesUpstream],
    ["anthropic-messages/stream-odd.sse", events, anthropicMessagesUpstream],
    ["gemini/stream-two.sse", events, geminiUpstream],
    ["gemini/stream-tools.sse", events, geminiUpstream],
    ["gemini/stream-blocked.sse", events, geminiUpstream],
    ["cohere-v2/stream-text.sse", events, cohereUpstream],
    ["cohere-v2/stream-tools.sse", events, cohereUpstream],
    ["bedrock-converse/stream-answer.events", frames, bedrockUpstream],
    ["bedrock-converse/stream-tools.events", frames, bedrockUpstream],
  ];
  test.each(streams)("%s", async (path, type, dialect) => {
    const bytes = await stream(path);
    const judge = hear(dialect.readStream(), [bytes]);
    expect(judge.usage).toBeDefined();
    const whole = metered(type, [bytes]);
    expect<unknown>([whole.usage, whole.id]).toEqual([judge.usage, judge.id]);
    expect([whole.failed, whole.cut]).toEqual([false, false]);
    expect(told(metered(type, byteByByte(bytes)))).toEqual(told(whole));
  });

  test("the last event of a response tells usage and id, and that it is over", async () => {
    const bytes = await fixture("openai-responses/stream-text.sse");
    const whole = metered(events, [bytes]);
    const [, count] = /"output_tokens":(\d+)/.exec(new TextDecoder().decode(bytes)) ?? [];
    const output = whole.usage?.output;
    expect((output?.visible ?? 0) + (output?.reasoning ?? 0)).toBe(Number(count));
    expect([whole.ended, whole.failed, whole.cut]).toEqual([true, false, false]);
    expect(whole.id).toStartWith("resp_");
    expect(told(metered(events, byteByByte(bytes)))).toEqual(told(whole));
  });
});

describe("a meter reads of a whole answer what the reader of its wire reads", () => {
  const replies: [string, UpstreamDialect][] = [
    ["openai-chat/reply.json", openaiChatUpstream],
    ["openai-chat/reply-tools.json", openaiChatUpstream],
    ["anthropic-messages/reply.json", anthropicMessagesUpstream],
    ["gemini/reply.json", geminiUpstream],
    ["cohere-v2/reply.json", cohereUpstream],
    ["cohere-v2/reply-tools.json", cohereUpstream],
    ["bedrock-converse/reply.json", bedrockUpstream],
  ];
  test.each(replies)("%s", async (path, dialect) => {
    const bytes = await fixture(path);
    const judge = dialect.readReply(bytes);
    expect(judge.usage).toBeDefined();
    const whole = metered(json, [bytes]);
    expect([whole.usage, whole.id]).toEqual([judge.usage, judge.reply.id]);
    expect([whole.ended, whole.failed]).toEqual([true, false]);
    expect(told(metered(json, byteByByte(bytes)))).toEqual(told(whole));
  });

  test.each([
    [{ usage: { prompt_tokens: 7, total_tokens: 7 } }, 7, 0],
    [{ usage: { total_tokens: 9 } }, 9, 0],
    [{ meta: { billed_units: { input_tokens: 4 } } }, 4, 0],
    [{ x_groq: { usage: { prompt_tokens: 3, completion_tokens: 2 } } }, 3, 2],
  ])("%j", (answer, input, output) => {
    const { usage } = metered(json, [encode(JSON.stringify({ data: [[0.5, -1e-7]], ...answer }))]);
    expect([usage?.input.fresh, usage?.output.visible]).toEqual([input, output]);
  });

  test("cached tokens are among the input of a response, and beside that of a message", () => {
    const response = { usage: { input_tokens: 10, output_tokens: 1, total_tokens: 11 } };
    const details = { input_tokens_details: { cached_tokens: 4 } };
    const message = { usage: { input_tokens: 6, output_tokens: 1, cache_read_input_tokens: 4 } };
    const read = (answer: object) => metered(json, [encode(JSON.stringify(answer))]).usage?.input;
    const expected = { fresh: 6, cacheRead: 4, cacheWrite5m: 0, cacheWrite1h: 0 };
    expect(read({ usage: { ...response.usage, ...details } })).toEqual(expected);
    expect(read(message)).toEqual(expected);
  });

  test("an array of chunks, as Gemini streams without events, counts with its last word", () => {
    const chunk = (count: number) => ({
      candidates: [{ content: { parts: [{ text: '"usageMetadata":{' }] } }],
      usageMetadata: { promptTokenCount: 5, candidatesTokenCount: count },
    });
    const bytes = encode(JSON.stringify([chunk(1), chunk(2), chunk(8)], undefined, 1));
    expect(metered(json, byteByByte(bytes)).usage?.output.visible).toBe(8);
  });

  test("usage in the answer's own text, or deeper in it, is not its usage", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1 };
    const answers = [
      { text: JSON.stringify({ usage }) },
      { text: '","usage":{"prompt_tokens":1,"completion_tokens":1},"x":"' },
      { choices: [{ deeper: { usage } }] },
      { "not usage": usage, list: ["usage", usage] },
    ];
    const read = answers.map((answer) => metered(json, [encode(JSON.stringify(answer))]).usage);
    expect(read).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("any object tells the same, however it is cut", () => {
    const usage = { prompt_tokens: 12, completion_tokens: 34 };
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.jsonValue(),
        fc.array(fc.nat(400)),
        fc.boolean(),
        (before, after, places, spaced) => {
          const answer = { 'be"fore\\': before, usage, after, id: 'é\u2028"' };
          const bytes = encode(JSON.stringify(answer, undefined, spaced ? 2 : 0));
          const inside = places.map((place) => place % bytes.length);
          const meter = metered(json, cut(bytes, inside));
          expect(meter.usage?.raw).toEqual(usage);
          expect([meter.id, meter.ended, meter.failed]).toEqual([answer.id, true, false]);
        },
      ),
    );
  });

  test("forty megabytes of vectors are not kept", () => {
    const kept = () => {
      Bun.gc(true);
      return process.memoryUsage().heapUsed;
    };
    const row = encode(`[${"0.0123456789,".repeat(4000)}0],`);
    const meter = meterOf(json);
    meter.push(encode('{"data":['));
    const before = kept();
    for (let pushed = 0; pushed < 40_000_000; pushed += row.length) meter.push(row);
    meter.push(encode('[]],"usage":{"prompt_tokens":3,"total_tokens":3}}'));
    expect(kept() - before).toBeLessThan(10_000_000);
    expect(meter.usage?.input.fresh).toBe(3);
  });
});

describe("a meter tells a failure under a status of success", () => {
  test.each([
    "openai-chat/stream-error.sse",
    "anthropic-messages/stream-error.sse",
    "gemini/stream-error.sse",
    "openai-responses/stream-error.sse",
    "openai-responses/stream-failed.sse",
    "cohere-v2/stream-error.sse",
  ])("%s", async (path) => {
    expect(metered(events, [await fixture(path)]).failed).toBe(true);
  });

  test.each(["openai-chat/stream-cut.sse", "openai-responses/stream-cut.sse"])(
    "%s is cut",
    async (path) => {
      const { failed, cut } = metered(events, [await fixture(path)]);
      expect([failed, cut]).toEqual([false, true]);
    },
  );

  test("an exception among Bedrock's frames", async () => {
    const bytes = await stream("bedrock-converse/stream-exception.events");
    expect(metered(frames, [bytes]).failed).toBe(true);
  });

  test.each([
    ["openai-chat", '{"error":{"message":"no"}}', true],
    ["a long one", `{"error":{"message":"${"no ".repeat(40_000)}"}}`, true],
    ["a response that has none", '{"id":"resp_1","error":null,"usage":null}', false],
  ])("%s", (_, body, failed) => {
    expect(metered(json, [encode(body)]).failed).toBe(failed);
  });
});

describe("without usage, a stream's words are counted", () => {
  test.each([
    ["chat", { choices: [{ index: 0, delta: { content: "four" } }] }],
    ["reasoning", { choices: [{ index: 0, delta: { reasoning_content: "four" } }] }],
    ["a call", { choices: [{ delta: { tool_calls: [{ function: { arguments: "four" } }] } }] }],
    ["text completions", { choices: [{ index: 0, text: "four" }] }],
    ["messages", { type: "content_block_delta", delta: { type: "text_delta", text: "four" } }],
    ["thinking", { type: "content_block_delta", delta: { thinking: "four" } }],
    ["responses", { type: "response.output_text.delta", delta: "four" }],
    ["gemini", { candidates: [{ content: { parts: [{ text: "four" }] } }] }],
    ["cohere", { type: "content-delta", delta: { message: { content: { text: "four" } } } }],
  ])("%s", (_, event) => {
    expect(metered(events, [sse(event)]).outputBytes).toBe(4);
  });

  test("and not a second time in the event that repeats them all", () => {
    const done = { type: "response.output_text.done", text: "four" };
    const over = { type: "response.completed", response: { output: [{ content: "four" }] } };
    expect(metered(events, [sse(done, over)]).outputBytes).toBe(0);
  });
});

test("a meter throws at nothing", () => {
  const types = [events, frames, json, "text/html", "audio/mpeg", undefined, "application/x+json"];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.array(fc.uint8Array()), (type, pieces) => {
      const meter = metered(type, pieces);
      expect(meter.usage).toBeUndefined();
    }),
  );
  for (const text of [
    "[DONE]",
    "data: [1,2]\n\n",
    "data: {\n\n",
    "{]}",
    "[[[{",
    '{"usage":}',
    "\0",
  ])
    for (const type of types) expect(metered(type, [encode(text)]).usage).toBeUndefined();
});

test("an event beyond all size is passed over, and what was told before it counts", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const meter = meterOf(events);
  meter.push(sse({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage }));
  meter.push(encode(`data: ${"x".repeat(9 * 1024 * 1024)}`));
  meter.push(sse({ choices: [], usage: { ...usage, completion_tokens: 9 } }));
  meter.finish();
  expect([meter.usage?.raw, meter.failed, meter.cut]).toEqual([usage, false, false]);
});
