import { expect, test } from "bun:test";
import fc from "fast-check";
import { responsesClient, responsesUpstream } from "#src/dialect/responses/openai-responses.ts";
import type { Turn } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import { targetOf, withResults } from "#test/dialect/upstream-kit.ts";

const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const name = fc.stringMatching(/^[a-z_]{1,8}$/);
const text = words.map((told) => ({ type: "text" as const, text: told }));
const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => bytes.toBase64());
const image = fc.record({
  type: fc.constant("image" as const),
  source: fc.oneof(
    fc.webUrl().map((address) => ({ url: address })),
    base64.map((data) => ({ mediaType: "image/jpeg", base64: data })),
  ),
  detail: fc.constantFrom("low", "auto"),
});
const file = fc.oneof(
  fc.record({
    type: fc.constant("file" as const),
    source: base64.map((data) => ({ mediaType: "application/pdf", base64: data })),
    filename: name,
  }),
  fc.record({ type: fc.constant("file" as const), source: fc.record({ fileId: name }) }),
  fc.record({ type: fc.constant("file" as const), source: fc.record({ url: fc.webUrl() }) }),
);
const call = fc.record({
  type: fc.constant("tool_call" as const),
  id: name,
  name,
  arguments: fc.json({ maxDepth: 1 }).map((value) => `{"a":${value}}`),
});
const reasoning = fc.record({
  type: fc.constant("reasoning" as const),
  text: fc.oneof(words, fc.constant("")),
  redacted: name,
  carry: fc.oneof(
    name.map((id) => ({ "openai-responses": { id } })),
    fc.constant({ "openai-responses": {} }),
  ),
});
const refusal = words.map((told) => ({ type: "refusal" as const, text: told }));

const system = fc.record({ role: fc.constant("system" as const), content: text.map((t) => [t]) });
const user = fc.record({
  role: fc.constant("user" as const),
  content: fc.array(fc.oneof(text, image, file), { minLength: 1, maxLength: 3 }),
});
const assistant = fc.record({
  role: fc.constant("assistant" as const),
  content: fc.array(fc.oneof(text, refusal, reasoning, call), { minLength: 1, maxLength: 4 }),
});
const result = fc.oneof(
  fc.array(text, { maxLength: 1 }),
  fc.tuple(text, image).map((parts) => [...parts]),
);

/** What the assistant said twice in a row is one message to this wire. */
function merged<M extends { role: string }>(messages: M[]): M[] {
  return messages.filter(
    ({ role }, at) => role !== "assistant" || messages[at - 1]?.role !== "assistant",
  );
}

const effort = fc.constantFrom("minimal" as const, "low" as const, "high" as const, "max" as const);
const turns: fc.Arbitrary<Turn> = fc.record(
  {
    system: fc.array(text, { maxLength: 1 }),
    messages: fc
      .tuple(
        fc.array(fc.oneof(system, user, assistant), { minLength: 1, maxLength: 5 }),
        fc.array(result, { maxLength: 3 }),
      )
      .map(([list, told]) => withResults(merged(list), told)),
    tools: fc.array(
      fc.record(
        {
          name,
          description: words,
          parameters: fc.constant({ type: "object" }),
          strict: fc.boolean(),
        },
        { requiredKeys: ["name", "strict", "parameters"] },
      ),
      { maxLength: 2 },
    ),
    toolChoice: fc.oneof(
      fc.constantFrom("auto" as const, "none" as const, "required" as const),
      name.map((told) => ({ name: told })),
    ),
    parallelToolCalls: fc.boolean(),
    maxOutputTokens: fc.integer({ min: 16, max: 9999 }),
    temperature: fc.constantFrom(0, 0.5, 2),
    topP: fc.constantFrom(0.1, 1),
    stop: fc.constant([]),
    choices: fc.constant(1),
    responseFormat: fc.oneof(
      fc.constant({ type: "json_object" as const }),
      fc.record(
        {
          type: fc.constant("json_schema" as const),
          name,
          schema: fc.constant({ type: "object" }),
          strict: fc.boolean(),
        },
        { requiredKeys: ["type", "name", "schema"] },
      ),
    ),
    reasoning: fc.record({ effort }),
    stream: fc.boolean(),
    user: name,
    extra: fc.record(
      { verbosity: fc.constantFrom("low", "high"), service_tier: fc.constant("flex") },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["system", "messages", "tools", "stop", "choices", "stream", "extra"] },
);

test("a turn written for this wire and read again is the same turn", () => {
  fc.assert(
    fc.property(turns, (told) => {
      // A choice among no tools is none.
      const { toolChoice: _, ...bare } = told;
      const turn = told.tools.length > 0 ? told : bare;
      const { body } = responsesUpstream.writeRequest(turn, targetOf({ reasoning: {} }));
      const ask = responsesClient.peek(encode(decode(body)), "http://gateway/v1/responses");
      const again: unknown = JSON.parse(JSON.stringify(responsesClient.readRequest(ask)));
      expect(again).toEqual(JSON.parse(JSON.stringify(turn)));
    }),
    { numRuns: 300 },
  );
});
