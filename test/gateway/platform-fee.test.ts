import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, eventsOf, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

const [rate, feePer1k] = [0.92, 0.05];
/** USD for a token of openai/gpt-4o-mini. */
const [input, output] = [0.15e-6, 0.6e-6];
const nanos = (value: unknown) => Math.round(Number(value) * 1e9);

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    config: ({ billing }) => {
      billing.currency = "EUR";
      billing.usdRate = rate;
      billing.platformFeePer1k = feePer1k;
    },
  });
});
afterAll(() => gateway.close());

test("the parts of a cost are the provider's price, without the fee, alike in answer, stream and record", async () => {
  const plain = await gateway.chat();
  const id = String(at(plain.json, "lowrouter.generation_id"));
  const usage = at(plain.json, "usage");
  const [inputs, outputs] = [at(usage, "prompt_tokens"), at(usage, "completion_tokens")].map(
    Number,
  );
  const [prompt = 0, completion = 0] = [
    nanos((inputs ?? 0) * input * rate),
    nanos((outputs ?? 0) * output * rate),
  ];
  expect(nanos(at(usage, "cost_details.upstream_inference_prompt_cost"))).toBe(prompt);
  expect(nanos(at(usage, "cost_details.upstream_inference_completions_cost"))).toBe(completion);
  expect(nanos(at(usage, "cost_details.upstream_inference_cost"))).toBe(prompt + completion);
  const fee = nanos((Number(at(usage, "total_tokens")) / 1000) * feePer1k);
  expect(nanos(at(usage, "cost"))).toBe(prompt + completion + fee);

  const record = await gateway.ask(`/v1/generation/${id}`);
  expect(at(record.json, "usage.cost_details")).toEqual(at(usage, "cost_details"));
  const streamed = await gateway.chat({ stream: true, stream_options: { include_usage: true } });
  const told = eventsOf(streamed.text).find((event) => at(event, "usage.cost_details"));
  expect(at(told, "usage.cost_details")).toEqual(at(usage, "cost_details"));
});

test("the prices that models and endpoints show are what is charged: in the currency, with the fee", async () => {
  const { json } = await gateway.chat();
  const [inputs, outputs] = ["prompt", "completion"].map((part) =>
    Number(at(json, `usage.${part}_tokens`)),
  );
  const model = await gateway.ask("/v1/models/openai/gpt-4o-mini");
  const endpoints = await gateway.ask("/v1/models/openai/gpt-4o-mini/endpoints");
  for (const shown of [
    at(model.json, "pricing"),
    ...listAt(endpoints.json, "data.endpoints").map((one) => at(one, "pricing")),
  ]) {
    expect(shown).toMatchObject({
      prompt: "0.000050138",
      completion: "0.000050552",
      input_cache_read: "0.000050069",
    });
    const price =
      Number(at(shown, "prompt")) * (inputs ?? 0) +
      Number(at(shown, "completion")) * (outputs ?? 0);
    expect(nanos(price)).toBe(nanos(at(json, "usage.cost")));
  }
});
