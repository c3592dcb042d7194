import { afterAll, beforeAll, expect, test } from "bun:test";
import { frontRoutes } from "#src/http/fronts.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const messages = [{ role: "user", content: "Hello" }];
const model = "openai/gpt-4o-mini";

test("every path of inference below /v1 is below /api/v1 as well", () => {
  const paths = Object.keys(frontRoutes(gateway.app));
  const below = paths.filter((path) => path.startsWith("/v1/"));
  expect(below.length).toBeGreaterThan(6);
  for (const path of below) expect(paths).toContain(`/api${path}`);
});

test.each<[string, object]>([
  ["/chat/completions", { model, messages }],
  ["/completions", { model, prompt: "Hello" }],
  ["/embeddings", { model: "openai/text-embedding-3-small", input: "Hello" }],
  ["/responses", { model, input: "Hello" }],
  ["/messages", { model, messages, max_tokens: 10 }],
  ["/messages/count_tokens", { model, messages }],
  [`/models/${model}:generateContent`, { contents: [{ role: "user", parts: [{ text: "Hi" }] }] }],
])("%s is answered at both base paths", async (path, body) => {
  const replies = [
    await gateway.ask(`/v1${path}`, { body }),
    await gateway.ask(`/api/v1${path}`, { body }),
  ];
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
});
