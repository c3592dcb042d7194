import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool, type LanguageModel } from "ai";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
let providers: [string, (model: string) => LanguageModel][];
beforeAll(async () => {
  gateway = await startGateway();
  const compatible = createOpenAICompatible({
    name: "lowrouter",
    baseURL: `${gateway.url}/v1`,
    apiKey: gateway.key,
    includeUsage: true,
  });
  providers = [["openai-compatible", (model) => compatible(model)]];
});
afterAll(() => gateway.close());

const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"];
const weather = tool({
  description: "The weather of a city",
  inputSchema: jsonSchema<{ city: string }>({
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  }),
  execute: async ({ city }) => `4 degrees in ${typeof city}`,
});

describe("the Vercel AI SDK", () => {
  for (const model of models) {
    test(`writes and streams the same text of ${model}, with usage`, async () => {
      for (const [, of] of providers) {
        const ask = { model: of(model), prompt: "Hello", maxOutputTokens: 200, maxRetries: 0 };
        const whole = await generateText(ask);
        expect(whole.text.length).toBeGreaterThan(10);
        expect(whole.finishReason).toBe("stop");
        expect(whole.usage.inputTokens).toBeGreaterThan(0);
        const stream = streamText(ask);
        let text = "";
        for await (const piece of stream.textStream) text += piece;
        expect(text).toBe(whole.text);
        expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens);
      }
    });

    test(`runs a tool of ${model} and answers with its result`, async () => {
      for (const [, of] of providers) {
        const told = await generateText({
          model: of(model),
          prompt: "Use your tools: what is the weather in Oslo?",
          tools: { weather },
          stopWhen: stepCountIs(3),
          maxOutputTokens: 500,
          maxRetries: 0,
        });
        expect(told.steps.length).toBe(2);
        expect(told.steps[0]?.finishReason).toBe("tool-calls");
        expect(told.text).toContain("4 degrees in string");
      }
    });
  }
});
