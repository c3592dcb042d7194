import { afterAll, beforeAll, expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { cataloguedParameters, otherWords } from "#src/gateway/routing/parameters.ts";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const [gpt, claude, gemini] = [
  "openai/gpt-4o-mini",
  "anthropic/claude-haiku-4.5",
  "google/gemini-2.5-flash",
];
const provider = { require_parameters: true };
const weather = { name: "weather", parameters: { type: "object", properties: {} } };
const tools = [{ type: "function", function: weather }];

test("the words of the catalogue are all of its lists", () => {
  const listed = new Set(loadCatalog().models.flatMap(({ parameters = [] }) => parameters));
  const unknown = [...listed].filter((name) => !cataloguedParameters.has(name));
  expect(unknown.filter((name) => !otherWords.has(name))).toEqual([]);
  for (const word of otherWords.values()) expect(listed).toContain(word);
});

test.each<[string, object]>([
  [gpt, { n: 1 }],
  [gpt, { n: 2 }],
  [gpt, { seed: null, top_a: null }],
  [gpt, { tools, parallel_tool_calls: true }],
  [gpt, { functions: [weather], function_call: "auto" }],
  [gpt, { metadata: { a: "b" }, service_tier: "auto", store: false }],
  [claude, { n: 1 }],
  [claude, { seed: null }],
  [claude, { max_completion_tokens: 50 }],
  [claude, { tools, parallel_tool_calls: false }],
  [gemini, { n: 2 }],
  [gemini, { max_completion_tokens: 50 }],
  [gemini, { reasoning_effort: "low" }],
])("%s takes all of %j", async (model, body) => {
  const reply = await gateway.chat({ model, provider, ...body });
  expect([reply.status, reply.headers.get("x-lowrouter-dropped")]).toEqual([200, null]);
});

test.each<[string, object]>([
  [gpt, { top_k: 3 }],
  [gpt, { reasoning_effort: "low" }],
  [claude, { seed: 1 }],
  [claude, { logit_bias: { "1": 1 } }],
])("%s is known not to take %j", async (model, body) => {
  expect(refusal(await gateway.chat({ model, provider, ...body }))).toEqual([
    503,
    "service_unavailable",
  ]);
});

test.each([false, true])(
  "what a wire cannot say goes to a model whose wire can (stream: %p)",
  async (stream) => {
    const { anthropic } = gateway.places.all;
    const before = anthropic?.stats.requests;
    const body = { models: [claude, gpt], provider, metadata: { a: "b" }, stream };
    const reply = await gateway.chat({ ...body, model: undefined });
    expect([reply.status, reply.headers.get("x-lowrouter-provider")]).toEqual([200, "openai"]);
    expect(reply.headers.get("x-lowrouter-dropped")).toBeNull();
    expect(anthropic?.stats.requests).toBe(before ?? -1);
  },
);

test("what a model does not take is named, all of it", async () => {
  const body = { model: claude, provider, seed: 1, logit_bias: { "1": 1 }, temperature: 0 };
  const { json, headers } = await gateway.chat(body);
  expect([at(json, "error.param"), at(json, "error.message")]).toEqual([
    "seed",
    `Cannot route "${claude}": parameters (it does not take "seed", "logit_bias"); reachable at anthropic/global`,
  ]);
  expect(headers.get("x-should-retry")).toBe("false");
});

test("what no wire can say is a 400 that names it", async () => {
  const reply = await gateway.chat({ model: claude, provider, metadata: { a: "b" }, n: 1 });
  expect(refusal(reply)).toEqual([400, "unsupported_feature"]);
  expect([at(reply.json, "error.param"), at(reply.json, "error.message")]).toEqual([
    "metadata",
    `Cannot give "metadata" to "${claude}" at anthropic, as provider.require_parameters asks: leave it out, or call a model that takes it`,
  ]);
  const without = await gateway.chat({ model: claude, metadata: { a: "b" } });
  expect([without.status, without.headers.get("x-lowrouter-dropped")]).toEqual([200, "metadata"]);
});
