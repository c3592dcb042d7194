import { afterAll, describe, expect, test } from "bun:test";
import { post, read, startUpstreams } from "#test/lib/upstream.ts";

const upstreams = startUpstreams();
afterAll(() => upstreams.stop());

const say = (content: unknown) => [{ role: "user", content }];
const ask = (body: Record<string, unknown>, path = "/messages") =>
  post(upstreams, "anthropic", path, {
    model: "claude-haiku-4-5",
    max_tokens: 4096,
    messages: say("Hi"),
    ...body,
  });
const tools = [
  {
    name: "weather",
    input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
];

interface Event {
  type: string;
  index?: number;
  [member: string]: unknown;
}

async function events(response: Response): Promise<Event[]> {
  const blocks = (await response.text()).split("\n\n").filter(Boolean);
  return blocks.map((block) => {
    const [name, data = ""] = block.split("\n");
    const event: Event = JSON.parse(data.slice("data: ".length));
    expect(name).toBe(`event: ${event.type}`);
    return event;
  });
}

test("a whole message says it is simulated and counts", async () => {
  const message = await read(ask({ max_tokens: 10 }));
  expect(message).toMatchObject({ type: "message", role: "assistant", stop_reason: "max_tokens" });
  expect(message.content[0].text).toStartWith("This is a simulated answer");
  expect(message.usage).toMatchObject({ output_tokens: 10, cache_read_input_tokens: 0 });
  const counted = await read(ask({ max_tokens: undefined }, "/messages/count_tokens"));
  expect(counted.input_tokens).toBe(message.usage.input_tokens);
});

test("a stop sequence is named", async () => {
  const message = await read(
    ask({ messages: say("echo: one two three"), stop_sequences: [" two"] }),
  );
  expect(message).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: " two" });
  expect(message.content[0].text).toBe("one");
});

test("a stream has its events in order, with thinking, signature, tools and cumulative usage", async () => {
  const body = { tools, messages: say("The weather, two times"), stream: true };
  const all = await events(
    await ask({ ...body, thinking: { type: "enabled", budget_tokens: 1024 } }),
  );
  expect(all[0]).toMatchObject({ type: "message_start", message: { content: [] } });
  expect(all.at(-2)).toMatchObject({ type: "message_delta", delta: { stop_reason: "tool_use" } });
  expect(all.at(-1)).toEqual({ type: "message_stop" });
  const starts = all.filter(({ type }) => type === "content_block_start");
  expect(starts.map(({ content_block }) => content_block)).toMatchObject([
    { type: "thinking", thinking: "", signature: "" },
    { type: "tool_use", name: "weather", input: {} },
    { type: "tool_use", name: "weather", input: {} },
  ]);
  const last = (index: number) =>
    all.findLast((event) => event.type === "content_block_delta" && event.index === index)?.delta;
  expect(last(0)).toMatchObject({ type: "signature_delta" });
  const json = all
    .filter(({ index, type }) => index === 1 && type === "content_block_delta")
    .map(({ delta }) => Object(delta).partial_json)
    .join("");
  expect(JSON.parse(json)).toEqual({ city: "Paris" });
});

test("a cached prompt start is written once and then read", async () => {
  const system = [
    { type: "text", text: "fox ".repeat(2000), cache_control: { type: "ephemeral", ttl: "1h" } },
  ];
  const first = await read(ask({ system }));
  const second = await read(ask({ system, messages: say("Other") }));
  expect(first.usage.cache_creation.ephemeral_1h_input_tokens).toBeGreaterThanOrEqual(1024);
  expect(second.usage.cache_read_input_tokens).toBe(first.usage.cache_creation_input_tokens);
  expect(second.usage.cache_creation_input_tokens).toBe(0);
});

const called = [
  { role: "user", content: "The weather" },
  {
    role: "assistant",
    content: [{ type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } }],
  },
];
const result = { type: "tool_result", tool_use_id: "toolu_1", content: "21 C" };

test("tool results are answered", async () => {
  const message = await read(ask({ tools, messages: [...called, ...say([result])] }));
  expect(message.content[0].text).toContain("21 C");
});

describe("refuses with 400 and says why", () => {
  test.each([
    ["max_tokens", { max_tokens: undefined }],
    ["first message", { messages: [{ role: "assistant", content: "Hi" }] }],
    ["non-empty", { messages: say([{ type: "text", text: "" }]) }],
    ["toolu_1", { messages: [...called, ...say("Next")] }],
    ["toolu_1", { messages: called }],
    ["toolu_9", { messages: say([{ ...result, tool_use_id: "toolu_9" }]) }],
    ["before text", { messages: [...called, ...say([{ type: "text", text: "So" }, result])] }],
    [
      "Expected `thinking`",
      {
        messages: [...called, ...say([result])],
        thinking: { type: "enabled", budget_tokens: 1024 },
      },
    ],
    ["budget_tokens", { thinking: { type: "enabled", budget_tokens: 10 } }],
    ["signature", { messages: [...say("Hi"), thinking("forged"), ...say("So")] }],
    ["input_schema", { tools: [{ name: "x", input_schema: {} }] }],
  ])("%s", async (reason, change) => {
    const response = await ask(change);
    expect(response.status).toBe(400);
    const body = await read(response);
    expect(body).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
    expect(body.error.message).toContain(reason);
  });

  test("the version header", async () => {
    const headers = { "x-api-key": upstreams.keys.anthropic };
    const response = await post(upstreams, "anthropic", "/messages", {}, { headers });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("anthropic-version");
  });

  test("a wrong key, with 401", async () => {
    const headers = { "x-api-key": "x", "anthropic-version": "2023-06-01" };
    const response = await post(upstreams, "anthropic", "/messages", {}, { headers });
    expect(response.status).toBe(401);
    expect(await read(response)).toMatchObject({ error: { type: "authentication_error" } });
  });
});

function thinking(signature: string) {
  return { role: "assistant", content: [{ type: "thinking", thinking: "x", signature }] };
}
