import { afterEach, beforeEach, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startGateway();
});
afterEach(() => gateway.close());

async function settled() {
  await gateway.until(() => true);
  return gateway.rows();
}

test("OpenAI's own client speaks through the proxy, streamed and whole", async () => {
  const client = new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: gateway.key });
  const question = {
    model: "gpt-4o-mini",
    messages: [{ role: "user" as const, content: "Hello" }],
  };
  const whole = await client.chat.completions.create(question);
  let text = "";
  for await (const chunk of await client.chat.completions.create({ ...question, stream: true }))
    text += chunk.choices[0]?.delta.content ?? "";
  expect(text).toBe(whole.choices[0]?.message.content ?? "");
  expect((await client.models.list()).data.length).toBeGreaterThan(0);
  expect(await settled()).toMatchObject([{ settlement: "final" }, { settlement: "estimated" }]);
});

const textIn = ({ content }: Anthropic.Message) =>
  content.map((block) => (block.type === "text" ? block.text : "")).join("");

test("Anthropic's own client speaks through the proxy, streamed and whole", async () => {
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: gateway.key });
  const question = {
    model: "claude-haiku-4-5",
    max_tokens: 20,
    messages: [{ role: "user" as const, content: "Hello" }],
  };
  const whole = await client.messages.create(question);
  const streamed = await client.messages.stream(question).finalMessage();
  expect(textIn(streamed)).toBe(textIn(whole));
  expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
  expect(await settled()).toMatchObject([{ settlement: "final" }, { settlement: "final" }]);
});

test("Google's own client speaks through the proxy, streamed and whole", async () => {
  const client = new GoogleGenAI({
    apiKey: gateway.key,
    httpOptions: { baseUrl: `${gateway.url}/google`, apiVersion: "v1beta" },
  });
  const question = { model: "gemini-2.5-flash", contents: "Hello" };
  const whole = await client.models.generateContent(question);
  let text = "";
  for await (const chunk of await client.models.generateContentStream(question))
    text += chunk.text ?? "";
  expect(text).toBe(whole.text ?? "");
  expect(await settled()).toMatchObject([{ settlement: "final" }, { settlement: "final" }]);
});
