import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const messages = [{ role: "user", content: "Hello" }];
const nested = (open: string, close: string) => `${open.repeat(10_000)}1${close.repeat(10_000)}`;
const chat = "/v1/chat/completions";

/** What is sent where, and the field that the refusal has to name. */
const table: [string, string, unknown, string | null][] = [
  ["null", chat, "null", null],
  ["a number", chat, "7", null],
  ["text", chat, '"hello"', null],
  ["two documents", chat, "{}{}", null],
  ["half a document", chat, '{"messages":[{', null],
  ["nested lists", chat, `{"messages":${nested("[", "]")}}`, null],
  [
    "nested objects beside a good prompt",
    chat,
    `{"messages":[{"role":"user","content":"x"}],"a":${nested('{"a":', "}")}}`,
    null,
  ],
  ["messages in text", chat, { messages: "Hello" }, "messages"],
  ["a message in text", chat, { messages: ["Hello"] }, "messages[0]"],
  ["a message without a role", chat, { messages: [{ content: "x" }] }, "messages[0].role"],
  [
    "a second message of a wrong role",
    chat,
    { messages: [...messages, { role: "x" }] },
    "messages[1].role",
  ],
  [
    "a part without a type",
    chat,
    { messages: [{ role: "user", content: [{}] }] },
    "messages[0].content[0].type",
  ],
  [
    "a part of text that is a number",
    chat,
    { messages: [{ role: "user", content: [{ type: "text", text: 1 }] }] },
    "messages[0].content[0].text",
  ],
  ["a model that is a number", chat, { messages, model: 4 }, "model"],
  ["models in text", chat, { messages, models: "openai/gpt-4o-mini" }, "models"],
  ["max_tokens of 0", chat, { messages, max_tokens: 0 }, "max_tokens"],
  ["max_tokens of 1.5", chat, { messages, max_tokens: 1.5 }, "max_tokens"],
  ["max_tokens in text", chat, { messages, max_tokens: "10" }, "max_tokens"],
  [
    "max_tokens beyond numbers",
    chat,
    `{"messages":[{"role":"user","content":"x"}],"max_tokens":1e400}`,
    "max_tokens",
  ],
  [
    "negative max_completion_tokens",
    chat,
    { messages, max_completion_tokens: -5 },
    "max_completion_tokens",
  ],
  ["n of 0", chat, { messages, n: 0 }, "n"],
  ["n of a million", chat, { messages, n: 1_000_000 }, "n"],
  ["top_p of 0", chat, { messages, top_p: 0 }, "top_p"],
  ["top_p of 2", chat, { messages, top_p: 2 }, "top_p"],
  ["frequency_penalty of 3", chat, { messages, frequency_penalty: 3 }, "frequency_penalty"],
  ["presence_penalty of -3", chat, { messages, presence_penalty: -3 }, "presence_penalty"],
  ["stop of a number", chat, { messages, stop: 4 }, "stop"],
  ["stop with a number", chat, { messages, stop: ["a", 4] }, "stop[1]"],
  ["tools in an object", chat, { messages, tools: {} }, "tools"],
  [
    "a tool without a name",
    chat,
    { messages, tools: [{ type: "function", function: {} }] },
    "tools[0].function.name",
  ],
  [
    "an unknown response_format",
    chat,
    { messages, response_format: { type: "xml" } },
    "response_format.type",
  ],
  [
    "a schema without a name",
    chat,
    { messages, response_format: { type: "json_schema", json_schema: {} } },
    "response_format.json_schema.name",
  ],
  ["an unknown effort", chat, { messages, reasoning_effort: "extreme" }, "reasoning_effort"],
  ["a region that is a number", chat, { messages, route: { region: 4 } }, "route.region"],
  ["an unknown policy", chat, { messages, route: { policy: "fastest" } }, "route.policy"],
  ["fallback in text", chat, { messages, route: { fallback: "no" } }, "route.fallback"],
  ["an order in text", chat, { messages, provider: { order: "openai" } }, "provider.order"],
  [
    "an unknown provider in an order",
    chat,
    { messages, provider: { order: ["nobody"] } },
    "provider.order",
  ],
  [
    "stream_options in text",
    chat,
    { messages, stream: true, stream_options: "usage" },
    "stream_options",
  ],
  ["no prompt", "/v1/completions", { model: "openai/gpt-4o-mini" }, "prompt"],
  ["a prompt that is an object", "/v1/completions", { prompt: {} }, "prompt"],
  ["max_tokens of -1", "/v1/completions", { prompt: "x", max_tokens: -1 }, "max_tokens"],
];

test.each(table)(
  "%s at %s is refused, its field named, and goes nowhere",
  async (_, path, body, param) => {
    const before = await gateway.balance();
    const reply = await gateway.ask(path, { body });
    expect([reply.status, at(reply.json, "error.type")]).toEqual([400, "invalid_request_error"]);
    expect(String(at(reply.json, "error.message")).length).toBeLessThan(1000);
    expect(at(reply.json, "error.param")).toBe(param);
    expect([gateway.reached(), (await gateway.rows()).length]).toEqual([0, 0]);
    expect(await gateway.balance()).toBe(before);
  },
);

test("an unknown region in the header is refused like one in the body", async () => {
  const reply = await gateway.chat({}, { "x-lowrouter-region": "atlantis" });
  expect([reply.status, at(reply.json, "error.param")]).toEqual([400, "X-LowRouter-Region"]);
  expect(gateway.reached()).toBe(0);
});

test("a body of 11 MB in chunks of unknown length is 413 too", async () => {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent++;
      if (sent > 11) controller.close();
      else controller.enqueue(new Uint8Array(1024 * 1024).fill(32));
    },
  });
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.key}` },
    body,
  });
  expect(response.status).toBe(413);
  expect(gateway.reached()).toBe(0);
});

test("after all that, a good request is answered", async () => {
  expect((await gateway.chat()).status).toBe(200);
});
