import { afterAll, beforeAll, expect, test } from "bun:test";
import { isObject } from "#src/lib/json.ts";
import { at, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

const [mini, large] = ["openai/gpt-4o-mini", "openai/gpt-4o"];
const asked: unknown[] = [];
let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    const body: unknown = await request.json();
    asked.push(at(body, "model"));
    return Response.json({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model: "x",
      choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 1000,
        completion_tokens: 100,
        total_tokens: 1100,
        prompt_tokens_details: { cached_tokens: 400 },
      },
    });
  });
  gateway = await startGateway({
    config(config) {
      config.providers = { openai: { base_url: upstream.url, region: "eu-west" } };
      config.models = [
        {
          id: mini,
          provider: "openai",
          upstream: "house-mini",
          input_per_million: 7,
          output_per_million: 11,
          cache_read_per_million: 2,
          context_window: 64_000,
        },
        { id: large, provider: "openai", output_per_million: 1 },
      ];
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

/** 600 fresh prompt tokens at 7, 400 cached at 2, 100 of answer at 11. */
const cost = (600 * 7 + 400 * 2 + 100 * 11) / 1e6;

test("a request is charged what the operator's entry says, at the name that it says", async () => {
  const before = await gateway.balance();
  const { status, json } = await gateway.chat({ model: mini });
  expect([status, asked.at(-1)]).toEqual([200, "house-mini"]);
  expect(at(json, "usage.cost")).toBeCloseTo(cost, 9);
  await gateway.until(() => true);
  const [row] = (await gateway.rows()).filter(({ model }) => model === mini);
  expect(row?.cost).toBe(Math.round(cost * 1e9));
  expect(before - (await gateway.balance())).toBeCloseTo(cost * 1e9, 0);
});

test("what an entry leaves open is charged as bundled", async () => {
  const { status, json } = await gateway.chat({ model: large });
  expect([status, asked.at(-1)]).toEqual([200, "gpt-4o"]);
  // 2.50 a million, cached 1.25.
  expect(at(json, "usage.cost")).toBeCloseTo((600 * 2.5 + 400 * 1.25 + 100) / 1e6, 9);
});

test("a proxied request is charged the same", async () => {
  const body = { model: "house-mini", messages: [{ role: "user", content: "Hello" }] };
  const { status, headers } = await gateway.ask("/openai/v1/chat/completions", { body });
  expect([status, asked.at(-1)]).toEqual([200, "house-mini"]);
  const id = headers.get("x-lowrouter-generation-id");
  await gateway.until(() => true);
  const row = (await gateway.rows()).find((one) => one.id === id);
  expect(row?.cost).toBe(Math.round(cost * 1e9));
});

test("lists of models and endpoints tell the operator's price, window and no other", async () => {
  const card = await gateway.ask(`/v1/models/${mini}`);
  const pricing = { prompt: "0.000007", completion: "0.000011", input_cache_read: "0.000002" };
  expect(at(card.json, "pricing")).toMatchObject(pricing);
  expect(at(card.json, "top_provider.context_length")).toBe(64_000);
  const list = await gateway.ask("/v1/models");
  const listed = listAt(list.json, "data").find((one) => isObject(one) && one.id === mini);
  expect(at(listed, "pricing")).toMatchObject(pricing);
  const { json } = await gateway.ask(`/v1/models/${mini}/endpoints`);
  const endpoints = listAt(json, "data.endpoints");
  expect(endpoints.map((one) => [at(one, "slug"), at(one, "context_length")])).toEqual([
    ["openai/eu-west", 64_000],
  ]);
  expect(at(endpoints[0], "pricing")).toMatchObject(pricing);
});
