import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createGateway } from "#src/app.ts";
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { loadConfig } from "#src/config/load.ts";
import { gpuCount, whPerToken } from "#src/eco/energy.ts";
import { estimate, findMethodology } from "#src/eco/estimate.ts";
import { gramsOf } from "#src/eco/grams.ts";
import { gridFor } from "#src/eco/grid.ts";
import type { EcoTables, Methodology, MlenergyMethodology } from "#src/eco/load.ts";
import { surface } from "#src/http/server.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { createIds } from "#src/lib/id.ts";
import { createLog } from "#src/observe/log.ts";
import golden from "#test/fixtures/eco/golden-all.json" with { type: "json" };
import { at, number, recompute } from "#test/eco/recompute.ts";
import { gridOf, known, relative, tables, tablesWith, usageOf } from "#test/eco/sample.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

/*
 * Every published vector, none left out. What the gateway counts comes from its own code; the terms that EcoLogits has beyond it
 * (server power and overhead of the linear family, measured latencies, published speeds, the 95 % interval) are put back here.
 */
const linear = known(findMethodology(tables, "v0.4-2026-01"));
const mlenergy = known(findMethodology(tables, "v0.11-2026-10"));
if (mlenergy.formula !== "mlenergy" || linear.formula !== "linear") throw new Error("swapped");
const present: MlenergyMethodology = mlenergy;
const { coefficients: c } = present;
/** The figures of the linear family that are no part of our methodology. Source: reference/ecologits-formula.md, section 2. */
const old = { latencyAlpha: 8.02e-4, latencyBeta: 2.23e-2, serverKw: 1, bits: 4 };
const deviation = { wh: 1.96 * 5.19e-4, seconds: 1.96 * 7e-6 };

type Vector = (typeof golden.formula)[number];
type End = "min" | "max";

/** Wh of a request by the linear family at one end. */
function linearWh({ profile, input }: Vector, end: End): number {
  const { output_tokens: tokens, measured_latency_s: measured } = input;
  const [activeB, totalB] = [input.active_params_b[end], input.total_params_b[end]];
  const gpus = Math.ceil((1.2 * totalB * old.bits) / 8 / 80);
  const sign = profile === "linear-a100-ci95" ? (end === "min" ? -1 : 1) : 0;
  const gpuWh = Math.max(0, whPerToken(linear, { activeB, totalB }) + sign * deviation.wh);
  const fitted = (at: number) =>
    tokens * (old.latencyAlpha * activeB + old.latencyBeta + at * deviation.seconds);
  // A measured latency below the upper end stands for both.
  const isCapped = measured !== null && fitted(Math.abs(sign)) >= measured;
  const seconds = isCapped && measured !== null ? measured : Math.max(0, fitted(sign));
  const serverWh = (seconds / 3600) * old.serverKw * 1000 * (gpus / 8);
  return input.pue[end] * (serverWh + gpus * tokens * gpuWh);
}

/** Wh of a request by the present family at one end, with what is known of its time. */
function mlenergyWh({ input }: Vector, end: End): number {
  const { output_tokens: tokens, measured_latency_s: measured, ttft_s: first } = input;
  const size = { activeB: input.active_params_b[end], totalB: input.total_params_b[end] };
  const gpus = gpuCount(c, size.totalB);
  const gpuOnly = { ...present, coefficients: { ...c, serverKw: 0, pue: 1 } };
  const perToken = c.latencyAlpha * size.activeB + c.latencyBeta * c.batch + c.latencyGamma;
  const speed = input.output_tokens_per_s;
  const fitted = (first ?? 0) + (speed === null ? tokens * perToken : tokens / speed);
  const seconds = Math.min(fitted, measured ?? Infinity);
  const serverWh = ((seconds / 3600) * c.serverKw * 1000 * (gpus / c.gpusPerServer)) / c.batch;
  return input.pue[end] * (serverWh + tokens * whPerToken(gpuOnly, size));
}

test("no vector is missing", () => {
  expect([golden.formula.length, golden.gateway.length, golden.edge.rules.length]).toEqual([
    65, 13, 6,
  ]);
});

test.each(golden.formula)("EcoLogits' own figures come out: $id", (vector) => {
  const { profile, input, expected } = vector;
  const whOf = profile.startsWith("linear") ? linearWh : mlenergyWh;
  for (const end of ["min", "max"] as const) {
    const wh = whOf(vector, end);
    expect(relative(wh, expected.energy_wh[end])).toBeLessThan(1e-9);
    const grams = gramsOf(wh, input.gco2e_per_kwh);
    expect(relative(grams, expected.usage_gco2e[end])).toBeLessThan(1e-9);
  }
});

describe("the vectors of a gateway, through the HTTP API", () => {
  const weights = {
    total: { completion: 1, freshPrompt: 1, cachedPrompt: 1 },
    output: { completion: 1, freshPrompt: 0, cachedPrompt: 0 },
    "weighted_0.2_prompt_0.02_cached": { completion: 1, freshPrompt: 0.2, cachedPrompt: 0.02 },
  } as const;
  const bases = ["total", "output", "weighted_0.2_prompt_0.02_cached"] as const;
  const versionOf = (basis: (typeof bases)[number]): string =>
    basis === "output" ? mlenergy.version : `test-${basis}`;
  const cases = golden.gateway.flatMap((vector) =>
    bases.map((basis) => [vector.id, basis, vector] as const),
  );
  let close = async (): Promise<void> => {};
  let explained: (id: string) => Promise<unknown>;
  const ids = new Map<string, string>();

  beforeAll(async () => {
    const kept = await temporaryStore();
    const folder = temporaryFolder();
    const { store } = kept;
    const clock = createFakeClock();
    const log = createLog({ clock, level: "error", format: "json", write: () => {} });
    const config = loadConfig({ dataDir: folder.path }, {});
    const gateway = await createGateway({ config, store, log, clock });
    const account = await createAccount(
      store,
      { clock, ids: createIds(clock) },
      { name: "golden", plan: "metered" },
    );
    const key = await createKey(store, clock, { accountId: account.id, name: "golden" });
    const gen = createIds(clock);
    const ledger = createLedger({ store, clock, processId: "prc_golden" });
    const rows = cases.map(([id, basis, vector]) => {
      const cached = vector.cached_prompt_tokens;
      const row = sampleGeneration({
        id: gen.next("gen"),
        accountId: account.id,
        model: `golden/${id}`,
        provider: "golden",
        region: id,
        methodology: versionOf(basis),
        tokens: {
          inputFresh: vector.prompt_tokens - cached,
          cacheRead: cached,
          cacheWrite5m: 0,
          cacheWrite1h: 0,
          outputVisible: vector.completion_tokens,
          reasoning: 0,
        },
      });
      ids.set(`${id} ${basis}`, row.id);
      return row;
    });
    await Promise.all(rows.map((generation) => ledger.record({ generation, movements: [] })));
    const places = new Map(golden.gateway.map((vector) => [vector.id, vector]));
    const server = surface({
      app: gateway.app,
      services: {
        ...gateway.services,
        tables: goldenTables(),
        gridOf: (_, region) => gridOf(known(places.get(region)).gco2e_per_kwh),
      },
      readiness: {
        accepting: () => true,
        databaseAnswers: () => Promise.resolve(true),
        anyProvider: () => true,
      },
    }).listen({ hostname: "127.0.0.1", port: 0, reusePort: false });
    explained = async (id) => {
      const response = await fetch(
        `http://127.0.0.1:${server.server?.port}/v1/generation/${id}/eco`,
        { headers: { authorization: `Bearer ${key.secret}` } },
      );
      expect(response.status).toBe(200);
      return response.json();
    };
    close = async () => {
      await server.stop(true);
      await gateway.close();
      kept[Symbol.dispose]();
      folder[Symbol.dispose]();
    };
  });
  afterAll(() => close());

  /** The bundled tables with the sizes of the vectors, and the present family under the other two ways to count tokens. */
  function goldenTables(): EcoTables {
    const parameters = golden.gateway.flatMap(({ id, active_params_b, total_params_b }) => [
      ...tablesWith(`golden/${id}`, active_params_b, total_params_b).parameters,
    ]);
    const others = bases
      .filter((basis) => basis !== "output")
      .map((basis): Methodology => ({
        ...mlenergy,
        version: versionOf(basis),
        weights: weights[basis],
      }));
    return {
      ...tables,
      parameters: new Map(parameters),
      methodologies: [...tables.methodologies, ...others],
    };
  }

  test.each(cases)("%s by %s tokens", async (id, basis, vector) => {
    const answer = await explained(known(ids.get(`${id} ${basis}`)));
    const wanted = vector.expected.by_token_basis[basis];
    const told = (path: string) => number(answer, `explanation.${path}`);
    const again = recompute(at(answer, "explanation"));
    for (const [value, expected] of [
      [told("tokens.counted"), wanted.effective_tokens],
      [told("result.energy_wh"), wanted.energy_wh],
      [again.energy, wanted.energy_wh],
      [told("interval.energy_wh.low"), wanted.energy_wh_range.min],
      [told("interval.energy_wh.high"), wanted.energy_wh_range.max],
      [told("result.carbon_g"), wanted.carbon_g],
      [told("result.carbon_per_1k_tokens_g"), wanted.carbon_per_1k_tokens_g],
    ] as const)
      expect(relative(value, expected)).toBeLessThan(1e-9);
  });
});

describe("the edge cases", () => {
  test.each(golden.edge.gpu_count)(
    "$total_params_b billion at $bits bits: $gpu_count GPUs, in the floating point that computes it",
    ({ total_params_b, bits, gpu_count }) => {
      expect(gpuCount({ ...c, bits }, total_params_b)).toBe(gpu_count);
    },
  );

  test.each(golden.edge.gpu_count_linear)(
    "$total_params_b billion at $bits bits by the linear family: $gpu_count GPUs",
    ({ total_params_b, bits, gpu_count }) => {
      expect(Math.ceil((1.2 * total_params_b * bits) / 8 / 80)).toBe(gpu_count);
    },
  );

  test.each([linear.version, mlenergy.version])(
    "no tokens and no parameters leave the estimate out under %s",
    (version) => {
      const grid = gridOf(100);
      const [model] = tables.parameters.keys();
      const none = { model: known(model), usage: usageOf(0, 0), grid };
      expect(estimate(tables, version, none)).toBeUndefined();
      const stranger = { model: "no/such", usage: usageOf(5, 5), grid };
      expect(estimate(tables, version, stranger)).toBeUndefined();
    },
  );

  test("an unknown zone falls back to the provider's, and never to a world average that was not asked for", () => {
    const place = { provider: "openai", region: "global", zone: "NOWHERE" };
    expect(gridFor(tables, place)?.zone).toBe("USA");
    expect(gridFor(tables, { provider: "nobody", region: "global" })).toBeUndefined();
    expect(gridFor(tables, { provider: "nobody", region: "global", zone: "WOR" })?.zone).toBe(
      "WOR",
    );
  });
});
