import { describe, expect, test } from "bun:test";
import { anthropicClient } from "#src/dialect/anthropic/anthropic-client.ts";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { Message } from "#src/dialect/turn.ts";
import { decode } from "#test/dialect/payload.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
import { fixture, refusalOf, targetOf } from "#test/dialect/upstream-kit.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

const hello = [{ role: "user", content: "Hi" }];
const asked = { model: "claude-x", max_tokens: 100, messages: hello };
const read = (body: JsonObject) =>
  anthropicClient.readRequest(peeked(anthropicClient, { ...asked, ...body }));
const said = (role: string, content: Json): Message[] =>
  read({ messages: [{ role, content }] }).messages;
const own = "anthropic-messages";

test("what was read is written the same on its own wire, but for what is named", async () => {
  const text = decode(await fixture("anthropic-messages/request.json"));
  const turn = anthropicClient.readRequest(peeked(anthropicClient, text));
  const { body, dropped } = anthropicMessagesUpstream.writeRequest(
    turn,
    targetOf({ model: "claude-sonnet-4-5", reasoning: { budget: { min: 1024 } } }),
  );
  expect(dropped).toEqual([]);
  const canonical = (json: string) => sorted(json.replaceAll(/\s+(?=([^"]*"[^"]*")*[^"]*$)/g, ""));
  expect(canonical(decode(body))).toEqual(canonical(text));
  expect(decode(body)).toContain('"station":12345678901234567890,"big":1e400');
  expect(decode(body)).toContain('"maximum":98765432109876543210');
});

/** Members in one order, numbers as they are written. */
function sorted(json: string): string[] {
  const numbers = json.replaceAll(/(?<=[:[,])-?\d[\d.eE+-]*(?=[,\]}])/g, '"#$&"');
  return told(JSON.parse(numbers), "").toSorted();
}

function told(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [`${path}=${JSON.stringify(value)}`];
  const members = Object.entries(value);
  if (members.length === 0) return [`${path}=${JSON.stringify(value)}`];
  return members.flatMap(([name, inner]) => told(inner, `${path}.${name}`));
}

test("a string and its one block of text mean the same", () => {
  const part = { type: "text", text: "Hi" };
  for (const role of ["user", "assistant", "system"])
    expect(said(role, "Hi")).toEqual(said(role, [part]));
  expect(read({ system: "Hi" }).system).toEqual(read({ system: [part] }).system);
  const result = (content: Json) =>
    said("user", [{ type: "tool_result", tool_use_id: "a", content }]);
  expect(result("Hi")).toEqual(result([part]));
});

test("empty texts are left out", () => {
  expect(said("user", [{ type: "text", text: "" }])).toEqual([{ role: "user", content: [] }]);
  expect(read({ system: "" }).system).toEqual([]);
});

test("results come ahead of what the user says, whatever their place", () => {
  const result = (id: string) => ({ type: "tool_result", tool_use_id: id, content: id });
  expect(said("user", [{ type: "text", text: "x" }, result("a"), result("b")])).toEqual([
    {
      role: "tool",
      results: [
        { callId: "a", content: [{ type: "text", text: "a" }] },
        { callId: "b", content: [{ type: "text", text: "b" }] },
      ],
    },
    { role: "user", content: [{ type: "text", text: "x" }] },
  ]);
});

test("a failed result, an empty one and one with a mark keep what they say", () => {
  const [message] = said("user", [
    { type: "tool_result", tool_use_id: "a", is_error: true, cache_control: { type: "ephemeral" } },
  ]);
  const carry = { [own]: { cache_control: { type: "ephemeral" } } };
  expect(message).toEqual({
    role: "tool",
    results: [{ callId: "a", content: [], isError: true, carry }],
  });
});

test("a document in a result is shown by the user after the results", () => {
  const source = { type: "base64", media_type: "application/pdf", data: "JVBERi0x" };
  const messages = said("user", [
    {
      type: "tool_result",
      tool_use_id: "a",
      content: [
        { type: "text", text: "see" },
        { type: "document", source },
      ],
    },
  ]);
  expect(messages).toEqual([
    { role: "tool", results: [{ callId: "a", content: [{ type: "text", text: "see" }] }] },
    {
      role: "user",
      content: [{ type: "file", source: { mediaType: "application/pdf", base64: "JVBERi0x" } }],
    },
  ]);
});

test("documents of text and search results are said in place, with title and origin", () => {
  const text = (words: string) => ({ type: "text", text: words });
  const content = [
    { type: "document", title: "T", source: { type: "text", media_type: "text/plain", data: "A" } },
    { type: "document", source: { type: "content", content: [text("B"), text("C")] } },
    { type: "document", source: { type: "content", content: "D" } },
    { type: "search_result", title: "S", source: "https://a", content: [text("E")] },
  ];
  const [message] = said("user", content);
  expect(message?.role === "user" && message.content).toEqual(
    ["T", "A", "B", "C", "D", "S\nhttps://a", "E"].map((words) => ({ type: "text", text: words })),
  );
});

test("thinking keeps its proof and says whose it is; a proof that we left empty is none", () => {
  const [message] = said("assistant", [
    { type: "thinking", thinking: "a", signature: "s" },
    { type: "redacted_thinking", data: "d" },
    { type: "thinking", thinking: "b", signature: "" },
    { type: "text", text: "c", citations: [{ type: "char_location" }] },
  ]);
  const carry = { [own]: {} };
  expect(message?.role === "assistant" && message.content).toEqual([
    { type: "reasoning", text: "a", signature: "s", carry },
    { type: "reasoning", text: "", redacted: "d", carry },
    { type: "reasoning", text: "b", carry },
    { type: "text", text: "c", carry: { [own]: { citations: [{ type: "char_location" }] } } },
  ]);
});

test("what the provider's own tools did is left out of the history", () => {
  const [message] = said("assistant", [
    { type: "server_tool_use", id: "s", name: "web_search", input: {} },
    { type: "web_search_tool_result", tool_use_id: "s", content: [] },
    { type: "text", text: "found" },
  ]);
  expect(message).toEqual({ role: "assistant", content: [{ type: "text", text: "found" }] });
});

test.each<[JsonObject, JsonObject | undefined]>([
  [{}, undefined],
  [{ thinking: { type: "disabled" } }, { effort: "none" }],
  [{ thinking: { type: "enabled", budget_tokens: 2048 } }, { budgetTokens: 2048 }],
  [
    { thinking: { type: "enabled", budget_tokens: 2048, display: "omitted" } },
    { budgetTokens: 2048, exclude: true },
  ],
  [{ thinking: { type: "adaptive" } }, { effort: "high" }],
  [{ thinking: { type: "adaptive" }, output_config: { effort: "low" } }, { effort: "low" }],
  [{ output_config: { effort: "max" } }, { effort: "max" }],
  [{ thinking: { type: "disabled" }, output_config: { effort: "max" } }, { effort: "none" }],
])("%j asks for %j of reasoning", (body, wanted) => {
  expect(read(body).reasoning).toEqual(wanted);
});

const tools = [{ name: "a", input_schema: { type: "object" } }];

test.each<[JsonObject, JsonObject]>([
  [{ type: "auto" }, { toolChoice: "auto" }],
  [{ type: "any" }, { toolChoice: "required" }],
  [{ type: "none" }, { toolChoice: "none" }],
  [{ type: "tool", name: "a" }, { toolChoice: { name: "a" } }],
  [
    { type: "any", disable_parallel_tool_use: true },
    { toolChoice: "required", parallelToolCalls: false },
  ],
])("the choice %j is %j", (choice, wanted) => {
  const { toolChoice, parallelToolCalls } = read({ tools, tool_choice: choice });
  expect(JSON.parse(JSON.stringify({ toolChoice, parallelToolCalls }))).toEqual(wanted);
  expect(read({ tool_choice: choice })).not.toContainKey("toolChoice");
});

test("a schema is strict where every wire can enforce it", () => {
  const strict = (schema: JsonObject) => {
    const { responseFormat: format } = read({
      output_config: { format: { type: "json_schema", schema } },
    });
    return format?.type === "json_schema" && format.strict === true;
  };
  const a = { a: { type: "integer" } };
  const closed = { type: "object", properties: a, required: ["a"], additionalProperties: false };
  expect(strict(closed)).toBe(true);
  expect(strict({ ...closed, required: [] })).toBe(false);
  expect(strict({ ...closed, properties: { a: { type: "object" } } })).toBe(false);
  expect(strict({ ...closed, properties: { a: closed } })).toBe(true);
});

test("a user's name too long for other providers is told by its hash", () => {
  expect(read({ metadata: { user_id: "u" } }).user).toBe("u");
  expect(read({ metadata: { user_id: "u".repeat(65) } }).user).toMatch(/^[0-9a-f]{64}$/);
});

test("members that only this wire knows go on by their names, but for those that ask for nothing", () => {
  const { extra } = read({
    service_tier: "standard_only",
    context_management: { edits: [] },
    cache_control: { type: "ephemeral" },
    metadata: { user_id: "u" },
    inference_geo: "global",
    speed: null,
    mcp_servers: [],
    route: "fallback",
  });
  expect(Object.keys(extra)).toEqual(["service_tier", "context_management", "cache_control"]);
  expect(read({ service_tier: "auto" }).extra).toEqual({});
});

describe("refuses what would change the answer on another wire", () => {
  const file = { type: "file", file_id: "file_1" };
  test.each<[string, JsonObject]>([
    ["tools[0]", { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    ["tools[1]", { tools: [...tools, { type: "bash_20250124", name: "bash" }] }],
    ["container", { container: "c" }],
    ["mcp_servers", { mcp_servers: [{ type: "url" }] }],
    ["inference_geo", { inference_geo: "us" }],
    [
      "messages[0].content[0]",
      { messages: [{ role: "user", content: [{ type: "image", source: file }] }] },
    ],
    [
      "messages[0].content[0]",
      { messages: [{ role: "user", content: [{ type: "document", source: file }] }] },
    ],
    [
      "messages[0].content[0]",
      { messages: [{ role: "user", content: [{ type: "container_upload" }] }] },
    ],
  ])("%s of %j", (param, body) => {
    const refused = refusalOf(() => read(body));
    expect([refused.code, refused.detail.param]).toEqual(["unsupported_feature", param]);
    const [tool] = Array.isArray(body.tools) ? body.tools.slice(-1) : [];
    if (tool) expect(refused.message).toMatch(/web_search_20250305|bash_20250124/);
  });
});
