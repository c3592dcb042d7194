import { expect, test } from "bun:test";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { sameHoweverCut } from "#test/dialect/splits.ts";
import { byteByByte, fixture, hear, sse } from "#test/dialect/upstream-kit.ts";

const read = (chunks: Uint8Array[]) => hear(cohereUpstream.readStream(), chunks);
const names = ["stream-text", "stream-tools", "stream-error"] as const;
const load = (name: string) => fixture(`cohere-v2/${name}.sse`);

test("a stream of thinking and text becomes steps; citations and unknown events are passed over", async () => {
  const heard = read([await load("stream-text")]);
  expect(heard.steps).toEqual([
    { type: "reasoning", choice: 0, text: "A greeting." },
    { type: "text", choice: 0, text: "Voilà 🌦 " },
    { type: "text", choice: 0, text: "Zürich" },
    { type: "finish", choice: 0, finish: "length", nativeFinish: "MAX_TOKENS" },
  ]);
  expect(heard).toMatchObject({ id: "29f14a5a", ended: true, failure: undefined });
});

test("the plan is text, and parallel calls are counted from 0", async () => {
  expect(read([await load("stream-tools")]).steps).toEqual([
    { type: "text", choice: 0, text: "I will" },
    { type: "text", choice: 0, text: " look." },
    { type: "tool_start", choice: 0, index: 0, id: "weather_1", name: "weather" },
    { type: "tool_arguments", choice: 0, index: 0, text: '{"station": 1234567890' },
    { type: "tool_arguments", choice: 0, index: 0, text: "1234567890}" },
    { type: "tool_start", choice: 0, index: 1, id: "clock_2", name: "clock" },
    { type: "tool_arguments", choice: 0, index: 1, text: "{}" },
    { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "TOOL_CALL" },
  ]);
});

test("usage is what is billed, and the rest stays in raw", async () => {
  expect(read([await load("stream-text")]).usage).toEqual({
    input: { fresh: 17, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 19, reasoning: 0 },
    raw: {
      billed_units: { input_tokens: 17, output_tokens: 19 },
      tokens: { input_tokens: 218, output_tokens: 24 },
      cached_tokens: 0,
    },
  });
});

test("an ending in ERROR fails by its reason and without its message, after the text before it", async () => {
  const heard = read([await load("stream-error")]);
  expect(heard.steps).toEqual([{ type: "text", choice: 0, text: "Half an ans" }]);
  expect(heard.failure).toBe('UpstreamStreamError: The provider ended its answer with "ERROR"');
  expect(heard.ended).toBe(false);
  expect(heard.usage).toMatchObject({ output: { visible: 3 } });
});

test("an error body after the 200 is a failure that does not quote it", () => {
  for (const text of ['{"id":"1","message":"secret"}', '{"type":"error","message":"secret"}']) {
    expect(read([encode(`data: ${text}\n\n`)]).failure).toBe(
      "UpstreamStreamError: The provider ended its answer with an error",
    );
  }
  expect(read([encode("data: <secret>\n\n")]).failure).toBe(
    "UpstreamStreamError: The provider sent an event that is not JSON",
  );
});

for (const name of names) {
  sameHoweverCut(name, () => load(name), read);
  test(`${name}: CRLF and a last event without its blank line give the same`, async () => {
    const bytes = await load(name);
    const text = decode(bytes)
      .replace(/\n\ndata: \[DONE\]\n+$/, "")
      .replaceAll("\n", "\r\n");
    expect(read(byteByByte(encode(text)))).toEqual(read([bytes]));
  });
}

test("a stream that is cut before message-end has not ended and tells no finish", async () => {
  const text = decode(await load("stream-text"));
  const heard = read([encode(text.slice(0, text.indexOf("event: message-end")))]);
  expect(heard).toMatchObject({ ended: false, failure: undefined, usage: undefined });
  expect(heard.steps.some((step) => step.type === "finish")).toBe(false);
});

test("log probabilities come with their text", () => {
  const delta = { message: { content: { text: "Hi" } } };
  const logprobs = { text: "Hi", token_ids: [1], logprobs: [-0.5] };
  expect(read([sse({ type: "content-delta", index: 0, delta, logprobs })]).steps).toEqual([
    {
      type: "text",
      choice: 0,
      text: "Hi",
      logprobs: {
        content: [{ token: "Hi", logprob: -0.5, bytes: null, top_logprobs: [] }],
        refusal: null,
      },
    },
  ]);
});
