import { describe, expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import type { Target, UpstreamDialect } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { openaiChatClient, openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import { responsesUpstream } from "#src/dialect/responses/openai-responses.ts";
import { withExactSchemas } from "#src/dialect/schema-exact.ts";
import { decode } from "#src/lib/bytes.ts";
import { decode as decodePayload } from "#test/dialect/payload.ts";
import { fixture, refusalOf, targetOf, turnOf } from "#test/dialect/upstream-kit.ts";

const claude = "eu.anthropic.claude-sonnet-4-5-v1:0";
const rows: [wire: string, upstream: UpstreamDialect, target: Partial<Target>, told: string[]][] = [
  ["openai-chat/request-schemas-sent", openaiChatUpstream, {}, []],
  ["openai-responses/request-schemas", responsesUpstream, {}, []],
  ["anthropic-messages/request-schemas", anthropicMessagesUpstream, {}, ["tools.anyOf"]],
  ["bedrock-converse/request-schemas", bedrockUpstream, { model: claude }, ["tools.anyOf"]],
  ["cohere-v2/request-schemas", cohereUpstream, {}, ["strict"]],
  ["gemini/request-schemas", geminiUpstream, { model: "gemini-2.5-flash" }, []],
  [
    "gemini/request-schemas-subset",
    geminiUpstream,
    { model: "gemini-2.0-flash" },
    [
      ...["tools.additionalProperties", "tools.anyOf", "tools.const", "tools.exclusiveMinimum"],
      ...["tools.format", "tools.oneOf", "tools.uniqueItems"],
    ],
  ],
];

async function written(name: string, upstream: UpstreamDialect, target: Partial<Target>) {
  const bytes = await fixture(`openai-chat/${name}.json`);
  const ask = openaiChatClient.peek(bytes, "");
  const turn = openaiChatClient.readRequest(withExactSchemas(bytes, ask));
  const { body, dropped } = upstream.writeRequest(turn, targetOf(target));
  return { text: decodePayload(body), dropped: [...dropped].sort() };
}

/** JSON in one form, its numbers as they were written. */
const plain = (text: string) => JSON.stringify(parseExact(text), null, 2);
const expected = async (path: string) => plain(decode(await fixture(`${path}.json`)));

describe("tools of a chat client, numbers beyond 2^53 and all,", () => {
  test.each(rows)("are what %s takes", async (path, upstream, target, told) => {
    const { text, dropped } = await written("request-schemas", upstream, target);
    expect(plain(text)).toBe(await expected(path));
    expect(dropped).toEqual(told);
    expect(text).toContain("18446744073709551615");
  });
});

describe("a response schema of a chat client", () => {
  const answers: [
    path: string,
    upstream: UpstreamDialect,
    target: Partial<Target>,
    told: string[],
  ][] = [
    ["openai-responses/request-answer-schema", responsesUpstream, {}, []],
    ["anthropic-messages/request-answer-schema", anthropicMessagesUpstream, {}, []],
    [
      "anthropic-messages/request-answer-tool",
      anthropicMessagesUpstream,
      { jsonSchema: false },
      [],
    ],
    ["bedrock-converse/request-answer-schema", bedrockUpstream, { model: claude }, []],
    ["cohere-v2/request-answer-schema", cohereUpstream, {}, []],
    ["gemini/request-answer-schema", geminiUpstream, { model: "gemini-3-flash" }, []],
    [
      "gemini/request-answer-schema-subset",
      geminiUpstream,
      { model: "gemini-2.0-flash" },
      ["response_format.additionalProperties"],
    ],
  ];
  test.each(answers)("is what %s takes", async (path, upstream, target, told) => {
    const { text, dropped } = await written("request-answer-schema", upstream, target);
    expect(plain(text)).toBe(await expected(path));
    expect(dropped).toEqual(told);
    expect(text).toContain("9223372036854775807");
  });
});

describe("a schema that holds itself", () => {
  const node = { type: "object", properties: { next: { $ref: "#/$defs/secret" } } };
  const parameters = { ...node, $defs: { secret: node } };
  const turn = turnOf({ tools: [{ name: "plain" }, { name: "hidden", parameters }] });

  test("is refused for an old Gemini, by the place of its tool", () => {
    const { code, status, detail, message } = refusalOf(() =>
      geminiUpstream.writeRequest(turn, targetOf({ model: "gemini-1.5-pro" })),
    );
    expect([code, status, detail.param]).toEqual(["unsupported_feature", 400, "tools[1]"]);
    expect(message).not.toMatch(/hidden|secret/);
  });

  test("goes to newer models and other wires as it is", () => {
    const kept = JSON.stringify(parameters.$defs);
    for (const model of ["gemini-2.5-pro", "gemini-3-flash", "gemini-flash-latest"]) {
      const { body } = geminiUpstream.writeRequest(turn, targetOf({ model }));
      expect(decodePayload(body)).toContain(kept);
    }
    const { body } = anthropicMessagesUpstream.writeRequest(turn, targetOf());
    expect(decodePayload(body)).toContain(kept);
  });
});

test("a tool whose arguments are no object is refused by its place", () => {
  const turn = turnOf({ tools: [{ name: "hidden", parameters: { type: "array" } }] });
  const wires: [UpstreamDialect, string][] = [
    [anthropicMessagesUpstream, "claude"],
    [bedrockUpstream, claude],
  ];
  for (const [upstream, model] of wires) {
    const { detail, message } = refusalOf(() => upstream.writeRequest(turn, targetOf({ model })));
    expect(detail.param).toBe("tools[0]");
    expect(message).not.toContain("hidden");
  }
});

test("a response schema that admits more than objects is refused where a tool stands in for it", () => {
  const schema = { anyOf: [{ type: "object", properties: {} }, { type: "string" }] };
  const responseFormat = { type: "json_schema" as const, name: "hidden", schema };
  const turn = turnOf({ responseFormat });
  for (const upstream of [anthropicMessagesUpstream, bedrockUpstream]) {
    const target = targetOf({ jsonSchema: false, model: claude });
    const { detail, message } = refusalOf(() => upstream.writeRequest(turn, target));
    expect(detail.param).toBe("response_format");
    expect(message).not.toContain("hidden");
  }
});
