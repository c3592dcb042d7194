import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const messages = [{ role: "user", content: "Hello" }];
const plugins = [{ id: "auto-router" }, { id: "context-compression" }];

test.each<[string, object]>([
  ["/v1/chat/completions", { model: "openai/gpt-4o-mini", messages }],
  ["/v1/chat/completions", { model: "openai/gpt-4o-mini", messages, stream: true }],
  ["/v1/chat/completions", { model: "anthropic/claude-haiku-4.5", messages }],
  ["/v1/messages", { model: "anthropic/claude-haiku-4.5", messages, max_tokens: 10 }],
  ["/v1/embeddings", { model: "openai/text-embedding-3-small", input: "Hello" }],
])("%s names a plugin that is left out, and nobody is asked for one", async (path, body) => {
  const { status, headers } = await gateway.ask(path, { body: { ...body, plugins } });
  expect([status, headers.get("x-lowrouter-dropped")]).toEqual([200, "plugins[1]"]);
});

test("a pin that is misspelt reaches nobody, in any dialect", async () => {
  const before = gateway.reached();
  const route = { regoin: "eu-north" };
  const replies = [
    await gateway.chat({ route }),
    await gateway.ask("/v1/responses", {
      body: { model: "openai/gpt-4o-mini", input: "Hello", route },
    }),
    await gateway.ask("/v1/embeddings", {
      body: { model: "openai/text-embedding-3-small", input: "Hello", route },
    }),
  ];
  for (const reply of replies) {
    expect(refusal(reply)).toEqual([400, "invalid_value"]);
    expect(at(reply.json, "error.param")).toBe("route.regoin");
  }
  const body = { model: "anthropic/claude-haiku-4.5", messages, max_tokens: 10, route };
  expect((await gateway.ask("/v1/messages", { body })).status).toBe(400);
  expect(gateway.reached()).toBe(before);
});
