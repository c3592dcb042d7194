import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config(config) {
      config.providers.own = { protocol: "openai-chat", base_url: upstream.url };
      config.models = [
        { id: "test/size-unknown", provider: "own", input_per_million: 1, output_per_million: 1 },
      ];
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

/** The coefficients of section 10.1, written here again on purpose. */
const [alpha, beta] = [8.91e-5, 1.43e-3];

const served = [
  ["openai/gpt-4o-mini", "us-east"],
  ["openai/gpt-4o-mini", "eu-west"],
  ["mistral/mistral-small-3.2", "eu-west"],
  ["anthropic/claude-haiku-4.5", "global"],
  ["google/gemini-2.5-flash", "global"],
] as const;

test.each(
  served.flatMap(([model, region]) => [false, true].map((stream) => ({ model, region, stream }))),
)(
  "$model, region $region, streamed $stream, says what the formula gives by hand",
  async ({ model, region, stream }) => {
    const reply = await gateway.chat({
      model,
      stream,
      ...(region === "global" ? {} : { route: { region } }),
    });
    const id = reply.headers.get("x-lowrouter-generation-id");
    // At once: the row is committed before the last byte leaves.
    const record = await gateway.ask(`/v1/generation/${id}`);
    const { json } = await gateway.ask(`/v1/generation/${id}/eco`);
    const number = (path: string) => Number(at(json, `explanation.${path}`));
    const active = (number("parameters.active_b.min") + number("parameters.active_b.max")) / 2;
    const tokens = Number(at(record.json, "total_tokens"));
    const energy = (alpha * active + beta) * tokens;
    const carbon = (energy * number("grid.g_per_kwh")) / 1000;
    const within = (path: string, expected: number) =>
      expect(Math.abs(Number(at(record.json, `eco.${path}`)) / expected - 1)).toBeLessThan(1e-6);
    within("energy_wh", energy);
    within("carbon_g", carbon);
    within("carbon_per_1k_tokens_g", (carbon / tokens) * 1000);
    expect(reply.text).toContain(JSON.stringify(at(record.json, "eco")));
  },
);

test("one model in two regions differs by the grids alone", async () => {
  const perToken = async (region: string) => {
    const { json } = await gateway.chat({ route: { region } });
    const { json: told } = await gateway.ask(
      `/v1/generation/${String(at(json, "lowrouter.generation_id"))}/eco`,
    );
    return [
      Number(at(json, "lowrouter.eco.carbon_per_1k_tokens_g")),
      Number(at(told, "explanation.grid.g_per_kwh")),
    ] as const;
  };
  const [us, usGrid] = await perToken("us-east");
  const [eu, euGrid] = await perToken("eu-west");
  expect(us).not.toBe(eu);
  expect(us / eu).toBeCloseTo(usGrid / euGrid, 9);
});

test("a model of unknown size has the block without eco, in the answer and in the record", async () => {
  const { json } = await gateway.chat({ model: "test/size-unknown" });
  expect(Object.keys(Object(at(json, "lowrouter")))).toEqual([
    "generation_id",
    "provider",
    "region",
  ]);
  const record = await gateway.ask(`/v1/generation/${String(at(json, "lowrouter.generation_id"))}`);
  expect(record.status).toBe(200);
  expect(record.text).not.toContain('"eco"');
});

test("a carbon budget that is used up refuses", async () => {
  const body = { route: { region: "us-east" }, max_tokens: 10 };
  const most = await gateway.chatAs(await gateway.mint({ carbonBudgetG: 1e-6 }), body);
  const budget = Number(at(most.json, "error.metadata.may_emit_g"));
  const key = await gateway.mint({ carbonBudgetG: budget * 1.01 });
  const replies = [await gateway.chatAs(key, body), await gateway.chatAs(key, body)];
  expect(replies.map(({ status }) => status)).toEqual([200, 402]);
  expect(at(replies[1]?.json, "error.code")).toBe("carbon_budget_reached");
});

test("a key that steers by carbon goes anywhere within its budget, and only to clean grids beyond", async () => {
  const grams = async (region: string) => {
    const { json } = await gateway.chat({ route: { region } });
    return Number(at(json, "lowrouter.eco.carbon_per_1k_tokens_g"));
  };
  const [us, eu] = [await grams("us-east"), await grams("eu-west")];
  expect(eu).toBeLessThan(us);
  const body = { max_tokens: 10, provider: { order: ["openai/us-east", "openai/eu-west"] } };
  const most = await gateway.chatAs(await gateway.mint({ carbonBudgetG: 1e-6 }), body);
  const budget = Number(at(most.json, "error.metadata.may_emit_g"));
  const key = await gateway.mint({
    carbonBudgetG: budget * 1.01,
    carbonBudgetAction: { routeUnderGPer1k: (us + eu) / 2 },
  });
  const regions = [];
  for (let time = 0; time < 2; time++)
    regions.push(at((await gateway.chatAs(key, body)).json, "lowrouter.region"));
  expect(regions).toEqual(["us-east", "eu-west"]);
});
