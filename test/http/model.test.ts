import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI from "openai";
import { at, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const id = "anthropic/claude-haiku-4.5";

test.each([
  ["with its slash", `/v1/models/${id}`],
  ["with its slash encoded", `/v1/models/${encodeURIComponent(id)}`],
  ["by its short name", "/v1/models/claude-haiku-4.5"],
  ["by another name of it", "/v1/models/claude-haiku-4-5"],
  ["under /api", `/api/v1/models/${id}`],
])("one model, %s, is what the list says of it", async (_, path) => {
  const list = await gateway.ask("/v1/models");
  const entry = listAt(list.json, "data").find((one) => at(one, "id") === id);
  const reply = await gateway.ask(path);
  expect([reply.status, reply.json]).toEqual([200, entry]);
});

test("the official client looks a model up", async () => {
  const client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1` });
  expect(await client.models.retrieve(id)).toMatchObject({ id, object: "model" });
  expect((await client.models.retrieve("lowrouter/auto")).id).toBe("lowrouter/auto");
});

test("a model that there is not, or that the key may not call, is a 404 of the same words", async () => {
  const narrow = await gateway.mint({ allowedModels: ["openai/gpt-4o-mini"] });
  const replies = [
    await gateway.ask("/v1/models/nobody/nothing"),
    await gateway.ask(`/v1/models/${id}`, { key: narrow }),
  ];
  for (const { status, json } of replies)
    expect([status, at(json, "error.code")]).toEqual([404, "model_not_found"]);
  expect((await gateway.ask("/v1/models/gpt-4o-mini", { key: narrow })).status).toBe(200);
  expect((await gateway.ask(`/v1/models/${id}`, { key: null })).status).toBe(401);
});
