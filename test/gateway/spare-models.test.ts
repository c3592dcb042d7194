import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

const model = "openai/gpt-4o-mini";
const claude = "anthropic/claude-haiku-4.5";

let gateway: TestGateway;
let only: string;
beforeAll(async () => {
  gateway = await startGateway({
    config({ routing }) {
      routing.fallbacks = { [claude]: [`${model}:free`, model] };
    },
  });
  only = await gateway.mint({ allowedModels: [model] });
});
afterAll(() => gateway.close());

/** The one model that the key may use cannot do this, so that there is nothing to choose from. */
const beyond = { reasoning_effort: "low" };

test.each([false, true])(
  "an operator's spare without an endpoint is passed over (stream: %p)",
  async (stream) => {
    expect((await gateway.chat({ model: claude, stream })).status).toBe(200);
    gateway.places.all.anthropic?.behave({ status: 500 });
    const reply = await gateway.chat({ model: claude, stream });
    gateway.places.all.anthropic?.behave({});
    expect([reply.status, reply.headers.get("x-lowrouter-provider")]).toEqual([200, "openai"]);
  },
);

test("models that are named serve where none can be chosen beside them", async () => {
  const reply = await gateway.chatAs(only, { models: [model, "auto"], ...beyond, n: 2 });
  expect([reply.status, at(reply.json, "model")]).toEqual([200, model]);
  const first = { model: undefined, models: ["auto", model], ...beyond, n: 2 };
  expect((await gateway.chatAs(only, first)).status).toBe(200);
});

test("what the client names and there is not is a 404 all the same, and auto alone a 503", async () => {
  const unknown = await gateway.chat({ models: [model, `${model}:free`] });
  expect(refusal(unknown)).toEqual([404, "model_not_found"]);
  expect(refusal(await gateway.chatAs(only, { model: "auto", ...beyond }))).toEqual([
    503,
    "service_unavailable",
  ]);
});
