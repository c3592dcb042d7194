import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { at, eventsOf, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

/*
 * What Continue and Open WebUI send besides a plain chat (see clients.test.ts): the agent with its tools, vectors,
 * pictures, the headers that say who asks, and how they find out what is wrong.
 */

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"];
const picture =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const chat = "/v1/chat/completions";
/** Calls of a stream, each put together from its pieces. */
function callsIn(text: string): { id: string; name: string; args: string }[] {
  const calls = new Map<number, { id: string; name: string; args: string }>();
  for (const piece of eventsOf(text).flatMap((one) => listAt(one, "choices.0.delta.tool_calls"))) {
    const index = Number(at(piece, "index"));
    const call = calls.get(index) ?? { id: "", name: "", args: "" };
    calls.set(index, call);
    call.id ||= String(at(piece, "id") ?? "");
    call.name ||= String(at(piece, "function.name") ?? "");
    call.args += String(at(piece, "function.arguments") ?? "");
  }
  return [...calls.values()];
}

describe.each(models)("%s", (model) => {
  test("Continue: an agent's turn with a tool, its result, and both headers of the key", async () => {
    const headers = { accept: "application/json", "x-api-key": gateway.key };
    const system = { role: "system", content: "You are in agent mode." };
    const user = { role: "user", content: [{ type: "text", text: "Use your tools: read it" }] };
    const read_file = {
      type: "function",
      function: {
        name: "read_file",
        description: "Use this tool to view the contents of a file",
        parameters: {
          type: "object",
          required: ["filepath"],
          properties: { filepath: { type: "string", description: "Relative to the workspace" } },
        },
      },
    };
    const ask = {
      model,
      max_tokens: 4096,
      stream: true,
      stream_options: { include_usage: true },
      tools: [read_file],
    };
    const first = await gateway.ask(chat, { headers, body: { ...ask, messages: [system, user] } });
    const events = eventsOf(first.text);
    expect(events.filter((one) => at(one, "usage.total_tokens") !== undefined)).toHaveLength(1);
    const calls = callsIn(first.text);
    expect(calls.map(({ name }) => name)).toEqual(["read_file"]);
    const tool_calls = calls.map(({ id, name, args }) => ({
      id,
      type: "function",
      function: { name, arguments: args },
    }));
    const second = await gateway.ask(chat, {
      headers,
      body: {
        ...ask,
        messages: [
          system,
          user,
          { role: "assistant", content: " ", tool_calls },
          { role: "tool", content: "the answer is 42", tool_call_id: calls[0]?.id },
        ],
      },
    });
    const said = eventsOf(second.text).map((one) => at(one, "choices.0.delta.content") ?? "");
    expect(said.join("")).toContain("42");
    expect(second.text).toEndWith("data: [DONE]\n\n");
  });

  test("Open WebUI: a picture and a tool of its own, with who asks in headers", async () => {
    const headers = {
      "x-openwebui-user-name": "Ada",
      "x-openwebui-user-id": "u1",
      "x-openwebui-user-email": "ada@example.org",
      "x-openwebui-user-role": "user",
      "x-openwebui-chat-id": "c1",
    };
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: picture } },
    ];
    const seen = await gateway.ask(chat, {
      headers,
      body: { stream: true, model, messages: [{ role: "user", content }] },
    });
    expect(seen.status).toBe(200);
    expect(eventsOf(seen.text).some((one) => at(one, "choices.0.delta.content"))).toBe(true);
    const tool = {
      type: "function",
      function: {
        name: "get_current_time",
        description: "Tells the time",
        parameters: { properties: {}, type: "object" },
      },
    };
    const call = await gateway.ask(chat, {
      headers,
      body: {
        stream: true,
        model,
        tools: [tool],
        messages: [{ role: "user", content: "Use your tools: what time is it?" }],
      },
    });
    const [made] = callsIn(call.text);
    expect(made).toMatchObject({ name: "get_current_time" });
    // No argument is an empty object, and not an empty text, which it would fail to parse.
    expect(JSON.parse(made?.args ?? "")).toEqual({});
    expect(gateway.logged()).not.toContain("ada@example.org");
  });
});

describe.each(models)("Open WebUI, as its source puts requests together: %s", (model) => {
  const tools = [
    {
      type: "function",
      function: {
        name: "t",
        description: "",
        parameters: { type: "object", properties: {}, required: [] },
      },
    },
  ];
  const call = {
    index: 0,
    id: "call_1",
    type: "function",
    function: { name: "t", arguments: "{}" },
  };
  const task = [{ role: "user", content: "### Task:\nAnswer with tags as JSON" }];

  test.each([
    [
      "settings of a chat, with those of local servers",
      {
        stream: true,
        stream_options: { include_usage: true },
        messages: [
          { role: "system", content: "User Context:\n" },
          { role: "user", content: "Hello" },
        ],
        ...{ temperature: 0.7, top_k: 40, min_p: 0.05, repeat_penalty: 1.1, seed: 3 },
      },
    ],
    [
      "a tool that said nothing",
      {
        stream: true,
        tools,
        messages: [
          { role: "user", content: "Go on" },
          { role: "assistant", content: "", tool_calls: [call] },
          { role: "tool", tool_call_id: "call_1", content: "" },
        ],
      },
    ],
    [
      "an answer that was stopped at once, and all advanced settings",
      {
        stream: true,
        ...{ logit_bias: { "50256": -100 }, frequency_penalty: 0.1, presence_penalty: 0 },
        ...{ stop: ["###"], reasoning_effort: "low", max_tokens: 300 },
        messages: [
          { role: "user", content: "Hi" },
          { role: "assistant", content: "\n" },
          { role: "user", content: "Again" },
        ],
      },
    ],
    ["a title", { stream: false, messages: task, max_completion_tokens: 1000 }],
    ["tags", { stream: false, messages: task, metadata: { task: "tags_generation" } }],
  ])("%s", async (_, body) => {
    const headers = { "x-openwebui-user-name": "Ada%20L" };
    const reply = await gateway.ask(chat, { headers, body: { model, ...body } });
    expect([reply.status, reply.status === 200 ? "" : reply.text]).toEqual([200, ""]);
    if (body.stream) expect(reply.text).toEndWith("data: [DONE]\n\n");
    else expect(at(reply.json, "choices.0.message.content")).toBeString();
  });
});

test("Continue: an index of vectors, as many as it sends at once", async () => {
  const input = Array.from({ length: 64 }, (_, index) => `chunk ${index}`);
  const reply = await gateway.ask("/v1/embeddings", {
    body: { model: "openai/text-embedding-3-small", input },
  });
  expect(reply.status).toBe(200);
  expect(listAt(reply.json, "data").map((one) => at(one, "index"))).toEqual([...input.keys()]);
});

test("Continue: filling in the middle, which is at another path, is a 404 that says what there is", async () => {
  const reply = await gateway.ask("/v1/fim/completions", {
    body: { model: "openai/gpt-4o-mini", prompt: "a", suffix: "b", stream: true },
  });
  expect([reply.status, at(reply.json, "error.code")]).toEqual([404, "not_found"]);
  expect(String(at(reply.json, "error.message"))).toContain("/v1/chat/completions");
});

test("Open WebUI: a connection that is checked with a wrong key is a 401 in JSON", async () => {
  const reply = await gateway.ask("/v1/models", { key: "sk-wrong" });
  expect([reply.status, at(reply.json, "error.code")]).toEqual([401, "invalid_api_key"]);
});

test("Open WebUI: a browser that stops a stream stops what the provider generates", async () => {
  await using slow = await slowGateway();
  const stop = new AbortController();
  const response = await slow.gateway.open({ stream: true, max_tokens: 4000 }, stop.signal);
  const reader = response.body?.getReader();
  await reader?.read();
  stop.abort();
  await slow.gateway.until(async () => (await slow.gateway.rows()).length === 1);
  expect((await slow.gateway.rows()).map(({ status }) => status)).toEqual(["client_cancelled"]);
});

async function slowGateway() {
  const slow = await startGateway({ behaviour: { perTokenMs: 20, answerTokens: 500 } });
  return { gateway: slow, [Symbol.asyncDispose]: () => slow.close() };
}
