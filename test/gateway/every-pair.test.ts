import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { decode } from "#src/lib/bytes.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/*
 * Wires that no simulated provider speaks, in every client's dialect and by its official package: what the upstream
 * said in its own words arrives as the client's own. The other pairs are in ai-sdk.test.ts.
 */

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let openai: OpenAI;
let anthropic: Anthropic;
let google: GoogleGenAI;
beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    const { pathname } = new URL(request.url);
    const isTold = /tool_result|toolResult|"role":"tool"/.test(await request.text());
    if (pathname.endsWith("/converse")) return json(converse(isTold));
    const bytes = await fixture(`cohere-v2/${isTold ? "reply" : "reply-tools"}.json`);
    return json(decode(bytes));
  });
  gateway = await startGateway({
    config(config) {
      const secrets: Record<string, string> = {
        COHERE_API_KEY: "co-key",
        AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY: "secret",
        BEDROCK_REGION: "eu-central-1",
      };
      config.secret = (name) => secrets[name];
      config.providers = {
        cohere: { base_url: upstream.url },
        bedrock: { base_url: upstream.url },
      };
    },
  });
  const { url, key: apiKey } = gateway;
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });
  google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const json = (body: string) =>
  new Response(body, { headers: { "content-type": "application/json" } });

function converse(isTold: boolean): string {
  const use = (toolUseId: string, name: string, input: object) => ({
    toolUse: { toolUseId, name, input },
  });
  const calls = [use("weather_1", "weather", { station: 7 }), use("clock_2", "clock", {})];
  return JSON.stringify({
    output: { message: { role: "assistant", content: isTold ? [{ text: "Hello!" }] : calls } },
    stopReason: isTold ? "end_turn" : "tool_use",
    usage: { inputTokens: 20, outputTokens: 5, totalTokens: 25 },
  });
}

const station = { type: "object", properties: { station: { type: "integer" } } };
const names = ["weather", "clock"];
const question = "Use your tools";

/** What a client makes of two turns: the calls of the first, and the text after their results. */
type Loop = (model: string) => Promise<{ calls: [string, unknown][]; text: string }>;

const clients: Record<string, Loop> = {
  async "OpenAI chat"(model) {
    const tools = names.map((name) => ({
      type: "function" as const,
      function: { name, parameters: station },
    }));
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: question }];
    const first = await openai.chat.completions.create({ model, tools, messages });
    const message = first.choices[0]?.message;
    if (message === undefined) throw new Error("there is an answer");
    expect(first.choices[0]?.finish_reason).toBe("tool_calls");
    messages.push(message);
    const calls = (message.tool_calls ?? []).flatMap((call) =>
      call.type === "function" ? [call] : [],
    );
    for (const { id } of calls) messages.push({ role: "tool", tool_call_id: id, content: "ok" });
    const second = await openai.chat.completions.create({ model, tools, messages });
    return {
      calls: calls.map(({ function: told }) => [told.name, JSON.parse(told.arguments)]),
      text: second.choices[0]?.message.content ?? "",
    };
  },
  async Responses(model) {
    const tools = names.map((name) => ({
      type: "function" as const,
      name,
      parameters: station,
      strict: false,
    }));
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: question }];
    const first = await openai.responses.create({ model, tools, input, store: false });
    const calls = first.output.flatMap((item) => (item.type === "function_call" ? [item] : []));
    for (const { call_id, name, arguments: words } of calls)
      input.push({ type: "function_call", call_id, name, arguments: words });
    for (const { call_id } of calls)
      input.push({ type: "function_call_output", call_id, output: "ok" });
    const second = await openai.responses.create({ model, tools, input, store: false });
    return {
      calls: calls.map((call) => [call.name, JSON.parse(call.arguments)]),
      text: second.output_text,
    };
  },
  async "Anthropic Messages"(model) {
    const tools = names.map((name) => ({
      name,
      input_schema: { type: "object" as const, properties: station.properties },
    }));
    const ask = { model, tools, max_tokens: 500 };
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: question }];
    const first = await anthropic.messages.create({ ...ask, messages });
    expect(first.stop_reason).toBe("tool_use");
    const calls = first.content.flatMap((block) => (block.type === "tool_use" ? [block] : []));
    messages.push({ role: "assistant", content: first.content });
    const results = calls.map(({ id }) => ({
      type: "tool_result" as const,
      tool_use_id: id,
      content: "ok",
    }));
    messages.push({ role: "user", content: results });
    const second = await anthropic.messages.create({ ...ask, messages });
    const text = second.content.map((block) => (block.type === "text" ? block.text : "")).join("");
    return { calls: calls.map(({ name, input }) => [name, input]), text };
  },
  async Gemini(model) {
    const functionDeclarations = names.map((name) => ({ name, parametersJsonSchema: station }));
    const chat = google.chats.create({ model, config: { tools: [{ functionDeclarations }] } });
    const first = await chat.sendMessage({ message: question });
    const calls = first.functionCalls ?? [];
    const second = await chat.sendMessage({
      message: calls.map(({ id, name }) => ({
        functionResponse: { id, name, response: { output: "ok" } },
      })),
    });
    return { calls: calls.map(({ name = "", args }) => [name, args]), text: second.text ?? "" };
  },
};

describe.each(Object.keys(clients))("%s", (client) => {
  test.each([
    ["cohere/command-a-03-2025", { station: 12345678901234567890 }],
    ["amazon/nova-pro", { station: 7 }],
  ])("runs two tools at once through %s", async (model, told) => {
    const loop = clients[client];
    if (loop === undefined) throw new Error("is in the table");
    expect(await loop(model)).toEqual({
      calls: [
        ["weather", told],
        ["clock", {}],
      ],
      text: "Hello!",
    });
    const last = (await gateway.rows()).at(-1);
    expect(last).toMatchObject({ status: "ok", model });
    expect(Number(last?.cost)).toBeGreaterThan(0);
  });
});
