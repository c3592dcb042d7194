import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool, type LanguageModel } from "ai";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
let providers: Map<string, (model: string) => LanguageModel>;
beforeAll(async () => {
  gateway = await startGateway();
  const compatible = createOpenAICompatible({
    name: "lowrouter",
    baseURL: `${gateway.url}/v1`,
    apiKey: gateway.key,
    includeUsage: true,
  });
  const at = { baseURL: `${gateway.url}/v1`, apiKey: gateway.key };
  const openai = createOpenAI(at);
  const anthropic = createAnthropic(at);
  const google = createGoogleGenerativeAI({ ...at, baseURL: `${gateway.url}/v1beta` });
  providers = new Map([
    ["openai-compatible", (model: string) => compatible(model)],
    ["openai chat", (model: string) => openai.chat(model)],
    ["openai responses", (model: string) => openai.responses(model)],
    ["anthropic", (model: string) => anthropic(model)],
    ["google", (model: string) => google(model)],
  ]);
});
afterAll(() => gateway.close());

const models = [
  "openai/gpt-4o-mini",
  "openai/gpt-5.5-pro",
  "anthropic/claude-haiku-4.5",
  "google/gemini-3.5-flash",
];
const weather = tool({
  description: "The weather of a city",
  inputSchema: jsonSchema<{ city: string }>({
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  }),
  execute: async ({ city }) => `4 degrees in ${typeof city}`,
});

const dialects = ["openai-compatible", "openai chat", "openai responses", "anthropic", "google"];

function speak(dialect: string, model: string): LanguageModel {
  const of = providers.get(dialect);
  if (of === undefined) throw new Error(`There is no provider for ${dialect}`);
  return of(model);
}

describe.each(dialects)("the Vercel AI SDK by its %s provider", (dialect) => {
  test.each(models)("writes and streams the same text of %s, with usage", async (model) => {
    const ask = {
      model: speak(dialect, model),
      prompt: "Hello",
      maxOutputTokens: 200,
      maxRetries: 0,
    };
    const whole = await generateText(ask);
    expect(whole.text.length).toBeGreaterThan(10);
    expect(whole.finishReason).toBe("stop");
    expect(whole.usage.inputTokens).toBeGreaterThan(0);
    const stream = streamText(ask);
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    expect(text).toBe(whole.text);
    const usage = await stream.usage;
    expect([usage.inputTokens, usage.outputTokens]).toEqual([
      whole.usage.inputTokens,
      whole.usage.outputTokens,
    ]);
  });

  test.each(models)("runs a tool of %s and answers with its result", async (model) => {
    const told = await generateText({
      model: speak(dialect, model),
      prompt: "Use your tools: what is the weather in Oslo?",
      tools: { weather },
      stopWhen: stepCountIs(3),
      maxOutputTokens: 500,
      maxRetries: 0,
    });
    expect(told.steps.length).toBe(2);
    expect(told.steps[0]?.finishReason).toBe("tool-calls");
    expect(told.text).toContain("4 degrees in string");
  });
});
