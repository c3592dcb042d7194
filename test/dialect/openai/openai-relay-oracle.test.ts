import { expect, test } from "bun:test";
import fc from "fast-check";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import { openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { head, summary } from "#test/dialect/openai/openai-official.ts";
import { byteByByte, cut } from "#test/dialect/upstream-kit.ts";

const word = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom("\n", '"', "\\", '\\\\"', "\u2028", "é🌦", "", "\u0001", '"finish_reason":"stop"'),
);
/** JSON strings of a text, plain or with every character escaped. */
const quoted = fc.tuple(word, fc.boolean()).map(([text, escaped]) => {
  if (!escaped) return JSON.stringify(text);
  const units = text.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return `"${units.map((hex) => `\\u${hex}`).join("")}"`;
});
const deltas = [
  (w: string) => `{"content":${w}}`,
  (w: string) => `{ "content" : ${w} }`,
  (w: string) => `{"role":"assistant","content":${w},"x_big":98765432109876543210}`,
  (w: string) => `{"reasoning_content":${w},"content":null}`,
  (w: string) => `{"tool_calls":[{"index":0,"function":{"arguments":${w}}}]}`,
  (w: string) =>
    `{"content":${w},"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]}`,
  (w: string) => `{"refusal":${w}}`,
  (w: string) => `{"content":[{"type":"text","text":${w}}]}`,
];
const extras = [
  '"x_big":12345678901234567890',
  '"service_tier" : null',
  '"usage":null',
  '"obfuscation":"abc"',
  '"sub":{"model":"inner","usage":{"prompt_tokens":1},"choices":[]}',
  '"float":1.0e-7',
];
const shape = fc.record({
  delta: fc.constantFrom(...deltas),
  index: fc.nat({ max: 1 }),
  id: fc.constantFrom('"id":"up-1"', '"id":"up-1"', '"id":""', '"id":null', ""),
  model: fc.constantFrom('"model":"up"', '"model" : null', '"mod\\u0065l":"up"', ""),
  extra: fc.subarray(extras),
  turned: fc.boolean(),
  spaced: fc.boolean(),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;

function chunkOf({ delta, index, id, model, extra, turned, spaced }: Shape, text: string): string {
  const choices = `"choices":[{"index":${index},"delta":${delta(text)},"finish_reason":null}]`;
  const members = [id, '"object":"chat.completion.chunk"', '"created":5', model, choices, ...extra];
  const told = members.filter((member) => member !== "");
  return `{${(turned ? told.toReversed() : told).join(spaced ? " , " : ",")}}`;
}

/** Chunks in runs of one shape, as real streams are, and sometimes mixed. */
const chunks = fc
  .array(fc.tuple(shape, fc.array(quoted, { minLength: 1, maxLength: 5 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((runs) => runs.flatMap(([one, texts]) => texts.map((text) => chunkOf(one, text))));

const finish = (index: number) =>
  `{"id":"up-1","object":"chat.completion.chunk","created":5,"model":"up","choices":[{"index":${index},"delta":{"role":"assistant"},"finish_reason":"stop"}]}`;
const told =
  '{"id":"up-1","object":"chat.completion.chunk","created":5,"model":"up","choices":[],"usage":{"prompt_tokens":18,"completion_tokens":26,"total_tokens":44,"x_big":12345678901234567890}}';

function relay(parts: Uint8Array[], includeUsage: boolean) {
  const stream = openaiChatSplice.relayStream({ ...head, includeUsage });
  const out: Uint8Array[] = [];
  const keep = (part: Uint8Array | string) =>
    out.push(typeof part === "string" ? encode(part) : part);
  for (const part of parts) keep(stream.push(part));
  keep(stream.finish());
  return { stream, text: decode(Buffer.concat(out)) };
}

function objectOf(text: string): JsonObject {
  const value = parseExact(text);
  if (!isObject(value)) throw new Error("an event is no object");
  return value;
}

/** What the client is to get for a chunk: told by objects, without a byte of the fast path. */
function wanted(chunk: string, id: string): JsonObject {
  const told = objectOf(chunk);
  const [choice] = Array.isArray(told.choices) ? told.choices : [];
  const delta = isObject(choice) && isObject(choice.delta) ? choice.delta : {};
  // A list of parts is more than clients of this wire can read.
  const [part] = Array.isArray(delta.content) ? delta.content : [];
  if (isObject(part)) delta.content = part.text;
  return { ...told, model: head.model, id };
}

const sorted = (object: JsonObject) =>
  JSON.stringify(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));

test("a relayed stream says what its chunks say, with the resolved model and our id, for any chunks and any split", () => {
  const ends = fc.constantFrom("\n\n", "\r\n\r\n", "\r\r", "\n: keep-alive\n\n");
  fc.assert(
    fc.property(chunks, ends, fc.boolean(), fc.array(fc.nat()), (list, end, ask, places) => {
      const whole = [...list, finish(0), finish(1), told, "[DONE]"];
      const bytes = encode(whole.map((data) => `data: ${data}${end}`).join(""));
      const { text, stream } = relay([bytes], ask);
      const events = text.split("\n\n").slice(0, -1);
      const expected = [...list, finish(0), finish(1)].map((chunk) =>
        sorted(wanted(chunk, head.completionId)),
      );
      expect(events.map((event) => sorted(objectOf(event.slice("data: ".length))))).toEqual(
        expected,
      );
      expect(stream.ended).toBe(true);
      expect(stream.id).toBe("up-1");
      expect(stream.usage?.input.fresh).toBe(18);
      const within = places.map((place) => place % (bytes.length + 1));
      expect(relay(cut(bytes, within), ask).text).toBe(text);
      expect(relay(byteByByte(bytes), ask).text).toBe(text);
    }),
    { numRuns: 300 },
  );
});

test("a relayed chunk keeps every byte but those of model and id", () => {
  const chunk =
    '{ "b":[1 ,2] ,"id":"up-1","model" : "up" ,"x":12345678901234567890,"choices":[{"index":0,"delta":{"content":"\\u00e9\\n"},"finish_reason":null}],"f":1.0e-7}';
  const { text } = relay([encode(`data:${chunk}\n\n`)], false);
  expect(text).toBe(
    `data: ${chunk.replace('"up" ', `"${head.model}" `).replace("up-1", head.completionId)}\n\n`,
  );
});

test("the usage chunk is swallowed, and told at the end with the upstream's own members to those who asked", () => {
  for (const asked of [true, false]) {
    const bytes = encode([finish(0), told, "[DONE]"].map((data) => `data: ${data}\n\n`).join(""));
    const { text, stream } = relay([bytes], asked);
    expect(text).not.toContain('"usage":{');
    const end = stream.end({ ...summary, usage: stream.usage });
    expect(end.includes('"x_big":12345678901234567890')).toBe(asked);
    expect(end.includes('"cost":0.000132')).toBe(asked);
    expect(end.indexOf('"usage":{')).toBeLessThan(end.indexOf('"lowrouter.summary"'));
    expect(end).toEndWith("data: [DONE]\n\n");
  }
});

test("usage in a chunk that says more is told once, at the end", () => {
  const chunk =
    '{"id":"up-1","model":"up","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}';
  const { text, stream } = relay([encode(`data: ${chunk}\n\ndata: [DONE]\n\n`)], false);
  expect(text).toContain('"content":"x"');
  expect(text).not.toContain("prompt_tokens");
  expect(stream.usage).toMatchObject({ input: { fresh: 1 }, output: { visible: 1 } });
});

const broken = [
  'data: {"error":{"message":"secret prompt","code":"overloaded"}}',
  'data: {"id":"x","choices":[],"error":"secret prompt"}',
  'event: error\ndata: {"message":"secret prompt"}',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}',
  "data: secret prompt",
  'data: ["secret prompt"]',
  'data: {"choices":[{"delta":{"content":"secret prompt',
  // The same text around the words as in a chunk before, and yet no JSON.
  `data: ${chunkOfText("x")} secret`,
  `data: ${chunkOfText("x")}}`,
  `data: ${chunkOfText("x").replace('"x"', '"secret\\"')}`,
  `data: ${chunkOfText("x").replace('"x"', '"secret\\x"')}`,
  `data: ${chunkOfText("x").replace('"x"', '"secret\u0001"')}`,
  `data: ${chunkOfText("x").replace('"x"', '"\\ud83"')}`,
  `data: {"id":"x","choices":[{"index":0,"delta":${"[".repeat(300)}${"]".repeat(300)}}]}`,
];

test.each(broken)("a relayed stream throws, without quoting, on %p", (event) => {
  const good = `data: ${chunkOfText("Once")}\n\n`;
  for (const before of ["", good, good + good]) {
    let thrown: unknown;
    try {
      relay(byteByByte(encode(`${before}${event}\n\n`)), false);
    } catch (failure) {
      thrown = failure;
    }
    expect(thrown).toBeInstanceOf(UpstreamStreamError);
    expect(String(thrown)).not.toContain("secret");
  }
});

function chunkOfText(text: string): string {
  return `{"id":"up-1","model":"up","choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]}`;
}

test("a stream without a finish is cut, whatever its last event says", () => {
  const data = (...events: string[]) => [encode(events.map((one) => `data: ${one}\n\n`).join(""))];
  expect(relay(data(chunkOfText("a"), chunkOfText("b")), false).stream.ended).toBe(false);
  expect(relay(data(chunkOfText("a"), "[DONE]"), false).stream.ended).toBe(false);
  expect(relay(data("[DONE]"), false).stream.ended).toBe(false);
  expect(relay(data(finish(0)), false).stream.ended).toBe(true);
  const second = chunkOfText("a").replace('"index":0', '"index":1');
  expect(relay(data(second, finish(0), "[DONE]"), false).stream.ended).toBe(false);
  expect(relay(data(second, finish(0), finish(1), "[DONE]"), false).stream.ended).toBe(true);
});

test("outputBytes grows with every word of the answer", () => {
  const texts = ["Hello", " wor", "ld"];
  const bytes = encode(texts.map((text) => `data: ${chunkOfText(text)}\n\n`).join(""));
  expect(relay([bytes], false).stream.outputBytes).toBe(texts.join("").length);
});
