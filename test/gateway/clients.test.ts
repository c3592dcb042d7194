import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { at, eventsOf, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

/*
 * Requests as the clients of docs/clients.md send them, member for member, with other words in them: what they
 * need of the answer is what is looked at.
 */

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const chat = "/v1/chat/completions";
const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"];

describe.each(models)("%s", (model) => {
  test("LangChain: a stream with usage, then a call with its result", async () => {
    const tools = [
      {
        type: "function",
        function: {
          name: "search",
          description: "Search the web",
          parameters: {
            $schema: "http://json-schema.org/draft-07/schema#",
            type: "object",
            properties: { query: { type: "string" } },
            required: ["query"],
            additionalProperties: false,
          },
        },
      },
    ];
    const ask = { model, temperature: 0.2, n: 1, tools, tool_choice: "auto", stream: true };
    const question = { role: "user", content: "Use your tools to find out." };
    const first = await gateway.ask(chat, {
      body: { ...ask, stream_options: { include_usage: true }, messages: [question] },
    });
    const events = eventsOf(first.text);
    const calls = events.flatMap((event) => listAt(event, "choices.0.delta.tool_calls"));
    const id = calls.map((call) => at(call, "id")).find((one) => typeof one === "string");
    const words = calls.map((call) => at(call, "function.arguments") ?? "").join("");
    expect(Object.keys(JSON.parse(words))).toEqual(["query"]);
    expect(events.filter((event) => at(event, "usage.total_tokens") !== undefined)).toHaveLength(1);
    const call = { id, type: "function", function: { name: "search", arguments: words } };
    const second = await gateway.ask(chat, {
      body: {
        ...ask,
        stream: false,
        messages: [
          question,
          { role: "assistant", content: "", tool_calls: [call] },
          { role: "tool", content: "42", name: "search", tool_call_id: id },
        ],
      },
    });
    expect(at(second.json, "choices.0.message.content")).toContain("42");
  });

  test("Continue: a chat with its stops, and an edit", async () => {
    const system = { role: "system", content: "You are in agent mode." };
    const user = { role: "user", content: [{ type: "text", text: "Explain this code" }] };
    const reply = await gateway.ask(chat, {
      body: { model, messages: [system, user], stream: true, max_tokens: 4096, stop: ["\n\n\n"] },
    });
    expect(reply.text).toEndWith("data: [DONE]\n\n");
    const edit = await gateway.ask("/v1/completions", {
      body: {
        model,
        prompt: "function add(a, b) {",
        max_tokens: 64,
        temperature: 0.01,
        stop: ["}"],
      },
    });
    expect(edit.status).toBe(200);
    expect(String(at(edit.json, "choices.0.text")).length).toBeGreaterThan(0);
  });

  test("Open WebUI: the list, a chat, and a title in JSON", async () => {
    const list = await gateway.ask("/v1/models");
    expect(listAt(list.json, "data").map((one) => at(one, "id"))).toContain(model);
    const told = await gateway.ask(chat, {
      body: {
        stream: true,
        model,
        messages: [{ role: "user", content: "Hello" }],
        stream_options: { include_usage: true },
        params: {},
        metadata: { chat_id: "c" },
      },
    });
    expect(told.status).toBe(200);
    const title = await gateway.ask(chat, {
      body: {
        model,
        messages: [{ role: "user", content: "### Task: make a title as JSON" }],
        stream: false,
        max_completion_tokens: 1000,
      },
    });
    expect(at(title.json, "choices.0.finish_reason")).toBe("stop");
  });
});
