import { decode } from "#test/dialect/payload.ts";
import { encode } from "#src/lib/bytes.ts";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { openaiChatClient, openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import type { Message, Turn } from "#src/dialect/turn.ts";
import { targetOf, withResults } from "#test/dialect/upstream-kit.ts";

const url = "http://gateway/v1/chat/completions";
const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const name = fc.stringMatching(/^[a-z_]{1,8}$/);
const text = words.map((told) => ({ type: "text" as const, text: told }));
const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => bytes.toBase64());

const image = fc.record(
  {
    type: fc.constant("image" as const),
    source: fc.oneof(
      fc.webUrl().map((address) => ({ url: address })),
      base64.map((data) => ({ mediaType: "image/jpeg", base64: data })),
    ),
    detail: fc.constantFrom("low", "high"),
  },
  { requiredKeys: ["type", "source"] },
);
const file = fc.oneof(
  fc.record({
    type: fc.constant("file" as const),
    source: base64.map((data) => ({ mediaType: "application/pdf", base64: data })),
    filename: name,
  }),
  fc.record({ type: fc.constant("file" as const), source: fc.record({ fileId: name }) }),
);
const audio = fc.record({
  type: fc.constant("audio" as const),
  format: fc.constantFrom("wav", "mp3"),
  base64,
});
const call = fc.record({
  type: fc.constant("tool_call" as const),
  id: name,
  name,
  arguments: fc.json({ maxDepth: 1 }).map((value) => `{"a":${value}}`),
});
const some = <T>(part: fc.Arbitrary<T>) => fc.array(part, { maxLength: 1 });

const system = fc.record({ role: fc.constant("system" as const), content: text.map((t) => [t]) });
const user = fc.record({
  role: fc.constant("user" as const),
  content: fc.array(fc.oneof(text, image, file, audio), { maxLength: 3 }),
});
/** Reasoning, text, refusal, calls: the order in which this wire tells them. */
const assistant = fc
  .tuple(
    some(words.map((told) => ({ type: "reasoning" as const, text: told }))),
    some(text),
    some(words.map((told) => ({ type: "refusal" as const, text: told }))),
    fc.array(call, { maxLength: 2 }),
  )
  .map((parts) => ({ role: "assistant" as const, content: parts.flat() }));
const results = fc.array(
  text.map((told) => [told]),
  { maxLength: 3 },
);

const messages = fc
  .tuple(
    fc.array<Message>(fc.oneof(system, user, assistant), { minLength: 1, maxLength: 6 }),
    results,
  )
  .map(([list, told]) => withResults(list, told));

const schema = fc.constant({ type: "object", properties: { a: { type: "integer" } } });
const turns: fc.Arbitrary<Turn> = fc.record(
  {
    system: fc.constant([]),
    messages,
    tools: fc.array(
      fc.record(
        { name, description: words, parameters: schema, strict: fc.boolean() },
        { requiredKeys: ["name"] },
      ),
      { maxLength: 2 },
    ),
    toolChoice: fc.oneof(
      fc.constantFrom("auto" as const, "none" as const, "required" as const),
      fc.record({ name }),
    ),
    parallelToolCalls: fc.boolean(),
    maxOutputTokens: fc.integer({ min: 1, max: 100_000 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }).map((t) => t + 0),
    topP: fc.constantFrom(0.1, 0.95, 1),
    topK: fc.integer({ min: 1, max: 100 }),
    frequencyPenalty: fc.constantFrom(-2, 0, 1.5),
    presencePenalty: fc.constantFrom(-2, 0, 1.5),
    seed: fc.integer(),
    stop: fc.uniqueArray(words, { maxLength: 3 }),
    choices: fc.integer({ min: 1, max: 4 }),
    responseFormat: fc.oneof(
      fc.record({ type: fc.constant("json_object" as const) }),
      fc.record(
        { type: fc.constant("json_schema" as const), name, schema, strict: fc.boolean() },
        { requiredKeys: ["type", "name", "schema"] },
      ),
    ),
    reasoning: fc.record({ effort: fc.constantFrom("minimal", "low", "medium", "high", "max") }),
    stream: fc.boolean(),
    user: words,
    extra: fc.constantFrom({}, { metadata: { a: "b" }, logit_bias: { "50256": -100 } }),
  },
  { requiredKeys: ["system", "messages", "tools", "stop", "choices", "stream", "extra"] },
);

test("a chat request that is written and read again means the same", () => {
  // Fireworks is among those that take reasoning back; it is always told a limit, being one that assumes a low one.
  const target = targetOf({ provider: "fireworks", reasoning: {}, maxOutputTokens: undefined });
  fc.assert(
    fc.property(turns, (told) => {
      // A choice among no tools is no choice, and is refused by providers.
      const { toolChoice: _, parallelToolCalls: __, ...bare } = told;
      const limited = { maxOutputTokens: 100 };
      const turn = { ...limited, ...(told.tools.length > 0 ? told : bare) };
      const { body, dropped, path } = openaiChatUpstream.writeRequest(turn, target);
      const ask = openaiChatClient.peek(encode(decode(body)), url);
      const again = openaiChatClient.readRequest(ask);
      expect(again).toEqual(turn);
      expect(ask.model).toBe(target.model);
      expect(dropped).toEqual([]);
      expect(path).toBe("/chat/completions");
      const second = openaiChatUpstream.writeRequest(again, target);
      expect(second.body).toEqual(body);
    }),
    { numRuns: 500 },
  );
});

test("a streamed request asks the upstream for usage", () => {
  fc.assert(
    fc.property(turns, (turn) => {
      const { body } = openaiChatUpstream.writeRequest(turn, targetOf());
      const ask = openaiChatClient.peek(encode(decode(body)), url);
      expect(ask.includeUsage).toBe(turn.stream);
      expect(ask.stream).toBe(turn.stream);
    }),
    { numRuns: 50 },
  );
});
