import { expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { explain } from "#src/eco/explain.ts";
import { gridFor } from "#src/eco/grid.ts";
import type { Grid } from "#src/eco/methodology.ts";
import { isObject, type Json } from "#src/lib/json.ts";
import { gridOf, known, relative, tables, usageOf, versions } from "#test/eco/sample.ts";

const { models, providers } = loadCatalog();

/** A reader of the JSON answer, who has nothing else. */
class Reader {
  constructor(readonly value: Json | undefined) {}
  at(path: string): Json | undefined {
    return path
      .split(".")
      .reduce<Json | undefined>(
        (value, name) =>
          Array.isArray(value) ? value[Number(name)] : isObject(value) ? value[name] : undefined,
        this.value,
      );
  }
  number(path: string): number {
    const value = this.at(path);
    if (typeof value !== "number") throw new Error(`The answer has no number at ${path}`);
    return value;
  }
  list(path: string): Reader[] {
    const value = this.at(path);
    if (!Array.isArray(value)) throw new Error(`The answer has no list at ${path}`);
    return value.map((entry) => new Reader(entry));
  }
}

/** What a reader computes by hand with the formula as it is printed. */
function recompute(told: Reader): {
  energy: number;
  low: number;
  high: number;
  carbon: number;
  per1k: number;
} {
  const perToken = (end: "min" | "max"): number => {
    const activeB = told.number(`parameters.active_b.${end}`);
    const c = (name: string) => told.number(`coefficients.${name}`);
    if (isObject(told.at("coefficients")) && told.at("coefficients.alpha") !== undefined)
      return c("alpha") * activeB + c("beta");
    const memoryGb =
      (c("memoryOverhead") * told.number(`parameters.total_b.${end}`) * c("bits")) / 8;
    let gpus = 1;
    while (gpus < Math.ceil(memoryGb / c("gpuMemoryGb"))) gpus *= 2;
    const gpuWh =
      c("energyAlpha") * Math.exp(c("energyBeta") * c("batch")) * activeB + c("energyGamma");
    const seconds = c("latencyAlpha") * activeB + c("latencyBeta") * c("batch") + c("latencyGamma");
    const serverWh =
      ((seconds / 3600) * c("serverKw") * 1000 * (gpus / c("gpusPerServer"))) / c("batch");
    return c("pue") * (serverWh + gpus * gpuWh);
  };
  const counted =
    told.number("weights.completion") *
      (told.number("tokens.output_visible") + told.number("tokens.reasoning")) +
    told.number("weights.freshPrompt") *
      (told.number("tokens.input_fresh") + told.number("tokens.cache_write")) +
    told.number("weights.cachedPrompt") * told.number("tokens.cache_read");
  const total = ["input_fresh", "cache_read", "cache_write", "output_visible", "reasoning"]
    .map((name) => told.number(`tokens.${name}`))
    .reduce((sum, one) => sum + one, 0);
  const gPerKwh = told
    .list("grid.rows")
    .reduce((sum, row) => sum + row.number("weight") * row.number("g_per_kwh"), 0);
  const [low, high] = [perToken("min") * counted, perToken("max") * counted];
  const energy = (low + high) / 2;
  const carbon = (energy * gPerKwh) / 1000;
  return { energy, low, high, carbon, per1k: (carbon / total) * 1000 };
}

/** Every grid that a request to a model may be computed on. */
function gridsOf(id: string): Grid[] {
  const model = known(models.find((one) => one.id === id));
  return model.endpoints.flatMap(({ provider, regions }) =>
    regions.flatMap((region) => {
      const place = providers
        .find((one) => one.id === provider)
        ?.regions.find((one) => one.id === region);
      const grid = gridFor(tables, {
        provider,
        region,
        country: place?.country,
        zone: place?.gridZone,
      });
      return grid ? [grid] : [];
    }),
  );
}

const usage = {
  input: { fresh: 1201, cacheRead: 317, cacheWrite5m: 41, cacheWrite1h: 7 },
  output: { visible: 613, reasoning: 89 },
  raw: null,
};

test.each(versions)(
  "explain() under %s can be recomputed from its JSON for every model and region of the catalogue",
  (version) => {
    let checked = 0;
    for (const { id } of models.filter((model) => tables.parameters.has(model.id)))
      for (const grid of gridsOf(id)) {
        const answer = known(explain(tables, version, { model: id, usage, grid }), id);
        const json: Json = JSON.parse(JSON.stringify(answer));
        const told = new Reader(json);
        const { energy, low, high, carbon, per1k } = recompute(told);
        for (const [path, value] of [
          ["result.energy_wh", energy],
          ["result.carbon_g", carbon],
          ["result.carbon_per_1k_tokens_g", per1k],
          ["interval.energy_wh.low", low],
          ["interval.energy_wh.high", high],
        ] as const) {
          const away = relative(told.number(path), value);
          if (away > 1e-9) throw new Error(`${id} on ${grid.zone}: ${path} is off by ${away}`);
        }
        expect(told.at("methodology_version")).toBe(version);
        expect(told.at("result.accuracy")).toBe(told.at("parameters.accuracy"));
        checked++;
      }
    expect(checked).toBeGreaterThan(300);
  },
);

test("explain() names a source for the parameters and for every row of the grid", () => {
  const grid = known(gridFor(tables, { provider: "test", region: "eu-west" }));
  for (const model of tables.parameters.keys()) {
    const answer = known(explain(tables, "v0.4-2026-01", { model, usage, grid }));
    expect(answer.parameters.source).not.toBe("");
    expect(answer.parameters.read).toMatch(/^\d{4}-\d\d-\d\d$/);
    for (const row of answer.grid.rows) {
      expect(row.source_url).toStartWith("https://");
      expect(row.licence).not.toBe("");
    }
  }
});

test("explain() shows the same request under every other methodology", () => {
  const model = known([...tables.parameters.keys()][0]);
  const input = { model, usage, grid: gridOf(321) };
  for (const version of versions) {
    const others = known(explain(tables, version, input)).other_methodologies;
    expect(others.map((other) => other.methodology_version)).toEqual(
      versions.filter((other) => other !== version),
    );
    for (const { methodology_version, result } of others) {
      const own = known(explain(tables, methodology_version, input)).result;
      expect(known(result)).toEqual(known(own));
    }
  }
});

test("explain() says what is not measured, and brings published figures of the same model", () => {
  const input = { model: "openai/gpt-4o", usage, grid: gridOf(321) };
  const answer = known(explain(tables, "v0.4-2026-01", input));
  expect(answer.not_measured.join()).toContain("training");
  expect(answer.not_measured.join()).toContain("embodied");
  expect(answer.published_measurements.length).toBeGreaterThan(0);
  for (const { source_url } of answer.published_measurements)
    expect(source_url).toStartWith("http");
});

test("explain() is undefined for every model without parameters", () => {
  const unknown = models.filter((model) => !tables.parameters.has(model.id));
  expect(unknown.length).toBeGreaterThan(0);
  for (const { id } of unknown)
    for (const version of versions)
      expect(
        explain(tables, version, { model: id, usage: usageOf(1, 1), grid: gridOf(1) }),
      ).toBeUndefined();
});
