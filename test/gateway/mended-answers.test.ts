import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { isObject } from "#src/lib/json.ts";
import { startHarness, type Harness } from "#test/gateway/harness.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/*
 * A server of the chat wire that says much of it otherwise than the official clients can read, and a loop of tools
 * over it: the first answer calls two functions, the second tells what came of them.
 */

let upstream: ScriptedUpstream;
let gateway: Harness;
let asked: unknown[] = [];

const thinking = { type: "thinking", thinking: [{ type: "text", text: "hm" }] };
const broken = [
  // No index, type or id; an object for arguments, and none.
  { function: { name: "look", arguments: { city: "Zürich" } } },
  { function: { name: "clock", arguments: null } },
];
const told = [
  { type: "text", text: "4 degrees at " },
  { type: "text", text: "noon 🌦" },
];

beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    const body: unknown = await request.json();
    asked.push(body);
    if (!isObject(body) || !Array.isArray(body.messages)) return Response.json({}, { status: 400 });
    const last = body.messages.at(-1);
    const second = isObject(last) && last.role === "tool";
    return body.stream === true ? streamed(second) : whole(second);
  });
  gateway = await startHarness({
    change: (config) => {
      config.secret = (name) => (name === "OPENROUTER_API_KEY" ? "test" : undefined);
      config.providers = { openrouter: { base_url: upstream.url } };
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const head = { id: "up-1", created: 1, model: "up" };
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };

function whole(second: boolean): Response {
  const message = second
    ? { role: "assistant", content: told }
    : { role: "assistant", content: [thinking], tool_calls: broken };
  const choices = [{ message, finish_reason: second ? "stop" : "tool_calls" }];
  return Response.json({ ...head, object: "chat.completion", choices, usage });
}

function streamed(second: boolean): Response {
  const deltas = second
    ? told.map((part) => ({ content: [part] }))
    : [{ content: [thinking] }, ...broken.map((call) => ({ tool_calls: [call] }))];
  const ends = [{ delta: {}, finish_reason: second ? "stop" : "tool_calls" }];
  const chunks = [...deltas.map((delta) => ({ delta })), ...ends].map((choice) => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [choice],
  }));
  const events = [...chunks, { ...head, choices: [], usage }].map((one) => JSON.stringify(one));
  return new Response([...events, "[DONE]"].map((data) => `data: ${data}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}

const model = "xai/grok-4.3";
const look = {
  type: "object" as const,
  properties: { city: { type: "string" } },
  required: ["city"],
};
const none = { type: "object" as const, properties: {} };

function loop() {
  asked = [];
  const heard: unknown[] = [];
  const runnable = (name: string, parameters: Record<string, unknown>, result: string) => ({
    type: "function" as const,
    function: {
      name,
      parameters,
      description: name,
      parse: (words: string): unknown => JSON.parse(words),
      function: (input: unknown) => {
        heard.push([name, input]);
        return result;
      },
    },
  });
  const tools = [runnable("look", look, "4 degrees"), runnable("clock", none, "noon")];
  return { heard, tools };
}

const calls = [
  ["look", { city: "Zürich" }],
  ["clock", {}],
];

/** What the second request says of the calls and their results: each result goes with its call. */
function expectReplayed() {
  const [, body] = asked;
  const messages = isObject(body) && Array.isArray(body.messages) ? body.messages : [];
  const ids = messages.flatMap((message) =>
    isObject(message) && Array.isArray(message.tool_calls)
      ? message.tool_calls.map((call) => (isObject(call) ? call.id : undefined))
      : [],
  );
  const results = messages.flatMap((message) =>
    isObject(message) && message.role === "tool" ? [message.tool_call_id] : [],
  );
  expect(ids).toEqual([
    expect.stringMatching(/^call_[0-9a-f]{24}$/),
    expect.stringMatching(/^call_[0-9a-f]{24}$/),
  ]);
  expect(results).toEqual(ids);
  expect(new Set(ids).size).toBe(2);
}

describe("a loop of tools over a server that says it otherwise", () => {
  const client = () =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Hi" }];

  test("is run by the official client, whole", async () => {
    const { tools, heard } = loop();
    const run = client().chat.completions.runTools({ model, messages, tools });
    expect(await run.finalContent()).toBe("4 degrees at noon 🌦");
    expect(heard).toEqual(calls);
    expectReplayed();
  });

  test("is run by the official client, streamed", async () => {
    const { tools, heard } = loop();
    const run = client().chat.completions.runTools({ model, messages, tools, stream: true });
    expect(await run.finalContent()).toBe("4 degrees at noon 🌦");
    expect(heard).toEqual(calls);
    expectReplayed();
  });

  test("is run by the Vercel AI SDK, streamed, with its reasoning and usage", async () => {
    asked = [];
    const heard: unknown[] = [];
    const tools = {
      look: tool({
        inputSchema: jsonSchema(look),
        execute: async (input: unknown) => heard.push(["look", input]),
      }),
      clock: tool({
        inputSchema: jsonSchema(none),
        execute: async (input: unknown) => heard.push(["clock", input]),
      }),
    };
    const speak = createOpenAICompatible({
      name: "lowrouter",
      baseURL: `${gateway.url}/v1`,
      apiKey: gateway.key,
      includeUsage: true,
    });
    const result = streamText({
      model: speak(model),
      prompt: "Hi",
      tools,
      stopWhen: stepCountIs(3),
      maxRetries: 0,
    });
    expect(await result.text).toBe("4 degrees at noon 🌦");
    expect(heard).toEqual(calls);
    const [first] = await result.steps;
    expect(first?.reasoningText).toBe("hm");
    expect(first?.usage.totalTokens).toBe(13);
    expectReplayed();
  });
});
