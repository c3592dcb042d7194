import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI from "openai";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

/** A model that is served by Responses alone: a client of that dialect reaches it by the byte path, others translated. */
const model = "openai/gpt-5.5-pro";
let gateway: TestGateway;
let client: OpenAI;
beforeAll(async () => {
  gateway = await startGateway();
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
});
afterAll(() => gateway.close());

const weather = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

test("the simulated Responses are what the official client assembles, streamed and not", async () => {
  const ask = { model, input: "Hello", max_output_tokens: 300 };
  const whole = await client.responses.create(ask);
  expect(whole.status).toBe("completed");
  expect(whole.output_text.length).toBeGreaterThan(10);
  const streamed = await client.responses.stream(ask).finalResponse();
  expect(streamed.output_text).toBe(whole.output_text);
  expect(streamed.usage?.output_tokens).toBe(whole.usage?.output_tokens);
  expect(Object(streamed).lowrouter.provider).toBe("openai");
});

test("a tool loop keeps its encrypted reasoning: by the byte path, and behind a chat client's call ids", async () => {
  const question = { role: "user" as const, content: "Use your tools: the weather in Oslo?" };
  const include = ["reasoning.encrypted_content" as const];
  const tools = [
    { type: "function" as const, name: "get_weather", parameters: weather, strict: true },
  ];
  const ask = { model, tools, include, reasoning: { effort: "medium" as const }, store: false };
  const first = await client.responses.create({ ...ask, input: [question] });
  const [reasoning, call] = first.output;
  if (reasoning?.type !== "reasoning" || call?.type !== "function_call")
    throw new Error("It reasons, then calls");
  expect(reasoning.encrypted_content).toBeString();
  const output = {
    type: "function_call_output" as const,
    call_id: call.call_id,
    output: "4 degrees",
  };
  const second = await client.responses.create({
    ...ask,
    input: [question, reasoning, call, output],
  });
  expect(second.output_text).toContain("4 degrees");
  const forged = { ...reasoning, encrypted_content: "Zm9yZ2Vk" };
  // Whoever cannot read it is asked without it, and the answer says so.
  const { data, response } = await client.responses
    .create({ ...ask, input: [question, forged, call, output] })
    .withResponse();
  expect(data.output_text).toContain("4 degrees");
  expect(response.headers.get("x-lowrouter-dropped")).toContain("encrypted_content");

  const chat = await client.chat.completions.create({
    model,
    reasoning_effort: "medium",
    messages: [question],
    tools: [{ type: "function", function: { name: "get_weather", parameters: weather } }],
  });
  expect(chat.choices[0]?.message.tool_calls?.[0]?.id).toContain("-lr1-");
});
