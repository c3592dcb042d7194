import { expect, test } from "bun:test";
import { gpuCount, whPerToken } from "#src/eco/energy.ts";
import { ecoOfModel, estimate, findMethodology, whInterval } from "#src/eco/estimate.ts";
import golden from "#test/fixtures/eco/golden.json" with { type: "json" };
import { gridOf, known, relative, tables, tablesWith, usageOf } from "#test/eco/sample.ts";

const linear = known(findMethodology(tables, "v0.4-2026-01"));
const mlenergy = known(findMethodology(tables, "v0.11-2026-10"));
if (mlenergy.formula !== "mlenergy" || linear.formula !== "linear") throw new Error("swapped");
const { coefficients } = mlenergy;

test.each(golden.mlenergy)("estimate() gives EcoLogits' own energy and carbon: $id", (vector) => {
  const { active_params_b, total_params_b, output_tokens, pue, gco2e_per_kwh } = vector.input;
  const result = known(
    estimate(tablesWith("test/model", active_params_b, total_params_b), "v0.11-2026-10", {
      model: "test/model",
      usage: usageOf(0, output_tokens),
      grid: gridOf(gco2e_per_kwh),
      pue,
    }),
  );
  const { energy_wh, usage_gco2e } = vector.expected;
  expect(relative(result.energyWh.low, energy_wh.min)).toBeLessThan(1e-9);
  expect(relative(result.energyWh.high, energy_wh.max)).toBeLessThan(1e-9);
  expect(relative(result.carbonG.low, usage_gco2e.min)).toBeLessThan(1e-9);
  expect(relative(result.carbonG.high, usage_gco2e.max)).toBeLessThan(1e-9);
  const middle = (energy_wh.min + energy_wh.max) / 2;
  expect(relative(result.block.energy_wh, middle)).toBeLessThan(1e-9);
});

test.each(golden.linear)("whPerToken() is the GPU term of EcoLogits 0.4: $id", (vector) => {
  const { active_params_b, output_tokens: tokens, pue } = vector.input;
  const { latency_alpha, latency_beta, server_kw, gpus_per_server } = golden.linear_server;
  // The terms that this methodology leaves out, put back as EcoLogits had them.
  const whole = (activeB: number, gpus: number, overhead: number): number => {
    const seconds = tokens * (latency_alpha * activeB + latency_beta);
    const serverWh = (seconds / 3600) * server_kw * 1000 * (gpus / gpus_per_server);
    return overhead * (serverWh + gpus * tokens * whPerToken(linear, { activeB, totalB: activeB }));
  };
  const { gpu_count, energy_wh } = vector.expected;
  expect(relative(whole(active_params_b.min, gpu_count.min, pue.min), energy_wh.min)).toBeLessThan(
    1e-9,
  );
  expect(relative(whole(active_params_b.max, gpu_count.max, pue.max), energy_wh.max)).toBeLessThan(
    1e-9,
  );
});

test.each(golden.gateway)(
  "estimate() counts completion tokens alone under v0.11: $id",
  (vector) => {
    const { active_params_b, total_params_b, pue, gco2e_per_kwh, ...tokens } = vector.input;
    const model = tablesWith("test/model", active_params_b, total_params_b);
    const perToken = whInterval(
      mlenergy,
      known(model.parameters.get("test/model"), "parameter row"),
      pue,
    );
    const wanted = vector.expected.energy_wh_per_token;
    expect(relative(perToken.low, wanted.min)).toBeLessThan(1e-9);
    expect(relative(perToken.mid, wanted.mid)).toBeLessThan(1e-9);
    expect(relative(perToken.high, wanted.max)).toBeLessThan(1e-9);
    expect(gpuCount(coefficients, total_params_b.min)).toBe(vector.expected.gpu_count.min);
    expect(gpuCount(coefficients, total_params_b.max)).toBe(vector.expected.gpu_count.max);
    const { cached_prompt_tokens: cacheRead, prompt_tokens } = tokens;
    const result = estimate(model, "v0.11-2026-10", {
      model: "test/model",
      usage: {
        ...usageOf(0, tokens.completion_tokens),
        input: { fresh: prompt_tokens - cacheRead, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0 },
      },
      grid: gridOf(gco2e_per_kwh),
      pue,
    });
    const basis = vector.expected.output_basis;
    const { block, energyWh } = known(result);
    expect(relative(block.energy_wh, basis.energy_wh)).toBeLessThan(1e-9);
    expect(relative(energyWh.low, basis.energy_wh_range.min)).toBeLessThan(1e-9);
    expect(relative(energyWh.high, basis.energy_wh_range.max)).toBeLessThan(1e-9);
    expect(relative(block.carbon_g, basis.carbon_g)).toBeLessThan(1e-9);
    expect(relative(block.carbon_per_1k_tokens_g, basis.carbon_per_1k_tokens_g)).toBeLessThan(1e-9);
  },
);

test.each(golden.gpu_count)(
  "gpuCount() needs $gpu_count GPUs for $total_params_b billion parameters",
  ({ total_params_b, bits, gpu_count }) => {
    expect(gpuCount({ ...coefficients, bits }, total_params_b)).toBe(gpu_count);
  },
);

/** The contract's own vectors, section 10.4: billions, tokens, g/kWh, Wh, g, g per 1,000. */
const contract = [
  [8, 44, 271.4, 0.0942832, 0.0255884605, 0.58155592],
  [12.9, 1000, 216.1, 2.57939, 0.557406179, 0.557406179],
  [70, 1000, 383.55, 7.667, 2.94067785, 2.94067785],
  [123, 700, 44.18, 8.67251, 0.383151492, 0.547359274],
  [0.5, 10, 35.82, 0.0147455, 0.00052818381, 0.052818381],
] as const;

test.each(contract)(
  "estimate() gives the contract's figures for %p billion, %p tokens",
  (...row) => {
    const [billions, tokens, gPerKwh, energy, carbon, per1k] = row;
    const size = { min: billions, max: billions };
    const prompt = Math.floor(tokens / 3);
    const { block } = known(
      estimate(tablesWith("test/model", size, size), "v0.4-2026-01", {
        model: "test/model",
        usage: usageOf(prompt, tokens - prompt),
        grid: gridOf(gPerKwh),
      }),
    );
    expect(relative(block.energy_wh, energy)).toBeLessThan(1e-6);
    expect(relative(block.carbon_g, carbon)).toBeLessThan(1e-6);
    expect(relative(block.carbon_per_1k_tokens_g, per1k)).toBeLessThan(1e-6);
    expect(block.methodology_version).toBe("v0.4-2026-01");
  },
);

test("ecoOfModel() tells the contract's energy of 1,000 tokens", () => {
  const card = ecoOfModel(
    tablesWith("test/model", { min: 8, max: 8 }, { min: 8, max: 8 }),
    "v0.4-2026-01",
    "test/model",
  );
  expect(card?.activeParamsB).toBe(8);
  expect(card?.energyWhPer1kTokens).toBeCloseTo(2.1428, 10);
  expect(ecoOfModel(tables, "v0.4-2026-01", "no/such-model")).toBeUndefined();
  expect(ecoOfModel(tables, "v9", "openai/gpt-4o-mini")).toBeUndefined();
});
