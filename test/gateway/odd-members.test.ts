import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"];
const question = '"messages":[{"role":"user","content":"Hi"}],"max_tokens":100';

test.each(models)("members that JavaScript knows are members like others: %s", async (model) => {
  for (const odd of [
    '"__proto__":{"a":1}',
    '"constructor":1',
    '"toString":"x"',
    '"hasOwnProperty":[]',
  ])
    for (const path of ["/v1/chat/completions", "/v1/messages"]) {
      const body = `{"model":${JSON.stringify(model)},${odd},${question}}`;
      const { status, text } = await gateway.ask(path, { body });
      expect([path, odd, status, text.includes("polluted")]).toEqual([path, odd, 200, false]);
    }
});

test("what breaks on our side says nothing of the upstream", async () => {
  const ask = { model: models[1], max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
  const deep = "[".repeat(40_000) + "]".repeat(40_000);
  const calls = [
    { id: "c", type: "function", function: { name: "f", arguments: `{"a":${deep}}` } },
  ];
  for (let time = 0; time < 4; time++) {
    const broken = await gateway.chat({
      ...ask,
      messages: [...ask.messages, { role: "assistant", content: null, tool_calls: calls }],
    });
    expect(refusal(broken)).toEqual([400, "invalid_value"]);
  }
  expect((await gateway.ask("/v1/messages", { body: ask })).status).toBe(200);
});

test("counting tokens knows the limits of a key", async () => {
  const key = await gateway.mint({ rateLimit: { requestsPerMinute: 2 } });
  const body = { model: models[1], messages: [{ role: "user", content: "Hi" }] };
  const statuses = [];
  for (let time = 0; time < 4; time++)
    statuses.push((await gateway.ask("/v1/messages/count_tokens", { key, body })).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
});
