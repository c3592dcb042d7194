import { describe, expect, test } from "bun:test";
import { anthropicClient } from "#src/dialect/anthropic/anthropic-client.ts";
import { peekCount } from "#src/dialect/anthropic/anthropic-client-peek.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
import { fixture, refusalOf } from "#test/dialect/upstream-kit.ts";

const messages = [{ role: "user", content: "Hi" }];
const peek = (body: JsonObject) =>
  peeked(anthropicClient, { model: "claude-sonnet-4-5", max_tokens: 100, messages, ...body });
const say = (...content: Json[]) => ({ messages: [{ role: "user", content }] });
const answer = (...content: Json[]) => ({ messages: [{ role: "assistant", content }] });

test("peek() reads what routing needs", () => {
  const ask = peek({
    stream: true,
    metadata: { user_id: "user_1" },
    models: ["gpt-4o"],
    route: { region: "eu-west" },
    provider: { only: ["Anthropic"] },
    stop_sequences: ["END"],
    thinking: { type: "adaptive" },
    system: "Be brief",
  });
  expect(ask).toMatchObject({
    dialect: "anthropic-messages",
    kind: "chat",
    model: "claude-sonnet-4-5",
    models: ["gpt-4o"],
    stream: true,
    includeUsage: true,
    choices: 1,
    maxOutputTokens: 100,
    user: "user_1",
    route: { region: "eu-west" },
    provider: { only: ["anthropic"] },
  });
  // In the catalogue's words, so that `require_parameters` can compare them.
  expect(ask.parameters.toSorted()).toEqual(["max_tokens", "reasoning", "stop"]);
});

test("a body without an own word for its user is counted for `user`", () => {
  expect(peek({ user: "u" }).user).toBe("u");
  expect(peek({ user: "u", metadata: { user_id: "m" } }).user).toBe("m");
});

test.each<[keyof ReturnType<typeof peek>["needs"], JsonObject]>([
  ["tools", { tools: [{ name: "a", input_schema: { type: "object" } }] }],
  ["tools", { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
  ["tools", say({ type: "tool_result", tool_use_id: "a" })],
  ["tools", answer({ type: "tool_use", id: "a", name: "b", input: {} })],
  ["vision", say({ type: "image", source: { type: "url", url: "https://a/b.png" } })],
  ["pdf", say({ type: "document", source: { type: "url", url: "https://a/b.pdf" } })],
  ["pdf", say({ type: "document", source: { type: "file", file_id: "file_1" } })],
  ["reasoning", { thinking: { type: "enabled", budget_tokens: 1024 } }],
  ["reasoning", { thinking: { type: "adaptive" } }],
  ["jsonSchema", { output_config: { format: { type: "json_schema", schema: {} } } }],
  ["jsonSchema", { output_format: { type: "json_schema", schema: {} } }],
])("needs %s for %j", (need, body) => {
  const { needs } = peek(body);
  expect(Object.entries(needs).filter(([, wanted]) => wanted)).toEqual([[need, true]]);
});

test("a picture in a result needs eyes and tools", () => {
  const picture = { type: "image", source: { type: "url", url: "https://a/b.png" } };
  const result = { type: "tool_result", tool_use_id: "a", content: [picture] };
  expect(peek(say(result)).needs).toMatchObject({ vision: true, tools: true });
});

test("needs nothing for plain words, a document of text, or thinking that is off", () => {
  for (const body of [
    {},
    { thinking: { type: "disabled" } },
    { output_config: { effort: "low" } },
    say({ type: "document", source: { type: "text", media_type: "text/plain", data: "words" } }),
    say({ type: "document", source: { type: "content", content: [{ type: "text", text: "x" }] } }),
  ])
    expect(Object.values(peek(body).needs)).not.toContain(true);
});

test("blocks that nobody knows yet are let through", () => {
  const ask = peek({
    messages: [
      { role: "user", content: [{ type: "container_upload", file_id: "file_1" }] },
      { role: "assistant", content: [{ type: "server_tool_use", id: "s", name: "x", input: {} }] },
      { role: "system", content: [{ type: "text", text: "From now on" }] },
    ],
    context_management: { edits: [] },
  });
  expect(ask.needs.tools).toBe(false);
});

test("pictures and documents weigh by their kind, not by their bytes", () => {
  const picture = { type: "base64", media_type: "image/png", data: "A".repeat(100_000) };
  const weight = (...content: Json[]) => peek(say(...content)).inputTokensAtMost;
  const bare = weight();
  expect(weight({ type: "image", source: picture }) - bare).toBeWithin(3000, 3200);
  expect(weight({ type: "document", source: picture }) - bare).toBeWithin(75_000, 75_200);
  const far = { type: "document", source: { type: "url", url: "https://a/b" } };
  expect(weight(far) - bare).toBeWithin(300_000, 300_200);
});

test("big numbers are kept as they were written, in any script", async () => {
  const body = new TextDecoder().decode(await fixture("anthropic-messages/request.json"));
  const ask = peeked(anthropicClient, body);
  expect(JSON.stringify(ask.parsed)).toContain("12345678901234567890");
  expect(JSON.stringify(ask.parsed)).toContain("1e400");
});

test("a request that counts needs no limit; any other does", () => {
  const body = encode(JSON.stringify({ model: "m", messages }));
  expect(peekCount(body).maxOutputTokens).toBeUndefined();
  expect(refusalOf(() => anthropicClient.peek(body, ""))).toMatchObject({
    code: "missing_field",
    detail: { param: "max_tokens" },
  });
});

describe("refuses, naming the member and quoting none of it", () => {
  const source = (told: JsonObject) => say({ type: "image", source: told });
  test.each<[string, JsonObject]>([
    ["max_tokens", { max_tokens: -1 }],
    ["max_tokens", { max_tokens: 1.5 }],
    ["model", { model: "" }],
    ["model", { model: 7 }],
    ["messages", { messages: null }],
    ["messages", { messages: [] }],
    ["messages[0]", { messages: ["secret"] }],
    ["messages[0].role", { messages: [{ role: "tool", content: "secret" }] }],
    ["messages[0].content", { messages: [{ role: "user" }] }],
    ["messages[0].content", { messages: [{ role: "user", content: 7 }] }],
    ["messages[0].content[0]", say("secret")],
    ["messages[0].content[0].type", say({ text: "secret" })],
    ["messages[0].content[0].type", say({ type: "image_url", image_url: { url: "secret" } })],
    ["messages[0].content[0].type", say({ type: "tool_use", id: "a", name: "b", input: {} })],
    ["messages[0].content[0].type", answer({ type: "tool_result", tool_use_id: "secret" })],
    ["messages[0].content[0].text", say({ type: "text", text: null })],
    ["messages[0].content[0].source", say({ type: "image" })],
    ["messages[0].content[0].source.type", source({ type: "secret" })],
    ["messages[0].content[0].source.data", source({ type: "base64", media_type: "image/png" })],
    ["messages[0].content[0].source.media_type", source({ type: "base64", data: "secret" })],
    ["messages[0].content[0].source.url", source({ type: "url", url: "" })],
    ["messages[0].content[0].input", answer({ type: "tool_use", id: "a", name: "b", input: "x" })],
    ["messages[0].content[0].thinking", answer({ type: "thinking", signature: "secret" })],
    [
      "messages[0].content[0].content[0].text",
      say({ type: "tool_result", tool_use_id: "a", content: [{ type: "text" }] }),
    ],
    ["thread", { thread: { type: "create" } }],
    ["system", { system: 7 }],
    ["system[0].type", { system: [{ type: "image", text: "secret" }] }],
    ["tools", { tools: {} }],
    ["tools[0]", { tools: [{ type: "function", function: { name: "secret" } }] }],
    ["tools[0].name", { tools: [{ input_schema: {} }] }],
    ["tools[0].input_schema", { tools: [{ name: "a" }] }],
    ["tool_choice", { tool_choice: "secret" }],
    ["tool_choice.type", { tool_choice: { type: "required" } }],
    ["tool_choice.name", { tool_choice: { type: "tool" } }],
    ["temperature", { temperature: 1.1 }],
    ["top_p", { top_p: 2 }],
    ["top_k", { top_k: -1 }],
    ["stop_sequences[0]", { stop_sequences: [7] }],
    ["stream", { stream: "secret" }],
    ["metadata.user_id", { metadata: { user_id: 7 } }],
    ["thinking.type", { thinking: { type: "secret" } }],
    ["thinking.budget_tokens", { thinking: { type: "enabled" } }],
    ["thinking.budget_tokens", { thinking: { type: "enabled", budget_tokens: 1000 } }],
    ["output_config.format.type", { output_config: { format: { type: "json_object" } } }],
    ["output_config.format.schema", { output_config: { format: { type: "json_schema" } } }],
  ])("%s of %j", (param, body) => {
    const refused = refusalOf(() => peek(body));
    expect([refused.status, refused.detail.param]).toEqual([400, param]);
    expect(refused.message).not.toContain("secret");
  });
});

test("a word that every object knows is no type of a source and no speaker of a block", () => {
  const picture = (type: Json) => say({ type: "image", source: { type, data: "QQ==" } });
  for (const type of ["constructor", "toString", { toString: 1 }, ["base64"]]) {
    const refused = refusalOf(() => peek(picture(type)));
    expect([refused.status, refused.detail.param]).toEqual([
      400,
      "messages[0].content[0].source.type",
    ]);
  }
  const ask = peek({ ...say({ type: "constructor", text: "x" }), toString: 1 });
  expect(ask.parameters).toContain("toString");
});
