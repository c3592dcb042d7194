import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI from "openai";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
let client: OpenAI;
beforeAll(async () => {
  gateway = await startGateway();
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
});
afterAll(() => gateway.close());

const tool = (name: string): OpenAI.ChatCompletionTool => ({
  type: "function",
  function: {
    name,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
});
const tools = [tool("get_weather"), tool("get_time")];

/** Both upstreams refuse a tool loop whose signed reasoning does not come back as it was. */
test.each([
  ["google/gemini-3.5-flash", {}],
  ["anthropic/claude-haiku-4.5", { reasoning_effort: "medium" as const }],
])(
  "a tool loop through %s goes on with its signed reasoning, streamed and not",
  async (model, more) => {
    for (const stream of [false, true]) {
      const messages: OpenAI.ChatCompletionMessageParam[] = [
        { role: "user", content: "Use your tools: what is the weather in Oslo?" },
      ];
      const ask = { model, tools, max_tokens: 4000, ...more };
      const first = stream
        ? await client.chat.completions.stream({ ...ask, messages }).finalChatCompletion()
        : await client.chat.completions.create({ ...ask, messages });
      const message = first.choices[0]?.message;
      const calls = message?.tool_calls ?? [];
      expect(calls.length).toBeGreaterThan(0);
      expect(calls[0]?.id).toContain("-lr1-");
      if (message === undefined) throw new Error("there is an answer");
      messages.push({ role: "assistant", content: message.content, tool_calls: calls });
      for (const { id } of calls)
        messages.push({ role: "tool", tool_call_id: id, content: "4 degrees" });
      const second = await client.chat.completions.create({ ...ask, messages });
      expect(second.choices[0]?.message.content).toContain("4 degrees");
      if (model.startsWith("google/")) {
        // The simulation takes its own signature and no other: it is asked again without.
        const forged = messages.map((one) => JSON.parse(altered(JSON.stringify(one))));
        const { google } = gateway.places.all;
        const before = google.stats.requests;
        const { response } = await client.chat.completions
          .create({ ...ask, messages: forged })
          .withResponse();
        expect(google.stats.requests - before).toBe(2);
        expect(response.headers.get("x-lowrouter-dropped")).toContain("reasoning");
        continue;
      }
      expect(reasoningOf(second)).toBeGreaterThan(0);
      // Without the state the upstream has to go on without its reasoning.
      const bare = messages.map((one) =>
        JSON.parse(JSON.stringify(one).replaceAll(/-lr1-\w+/g, "")),
      );
      const without = await client.chat.completions.create({ ...ask, messages: bare });
      expect(reasoningOf(without)).toBe(0);
    }
  },
);

/** A message whose call ids carry another signature than the upstream gave. */
function altered(message: string): string {
  return message.replaceAll(/-lr1-(\w+)/g, (_, packed: string) => {
    const base64 = packed.replaceAll("_1", "-").replaceAll("_0", "_");
    const state = Buffer.from(base64, "base64url").toString();
    const forged = Buffer.from(
      state.replace(/"thoughtSignature":"[^"]*"/, '"thoughtSignature":"Zm9yZ2Vk"'),
    );
    return `-lr1-${forged.toString("base64url").replaceAll("_", "_0").replaceAll("-", "_1")}`;
  });
}

function reasoningOf(answer: OpenAI.ChatCompletion): number {
  return answer.usage?.completion_tokens_details?.reasoning_tokens ?? 0;
}
