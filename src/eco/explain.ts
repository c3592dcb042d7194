import { inputTokens, outputTokens, totalTokens, type Usage } from "#src/dialect/usage.ts";
import { countedTokens, estimate, findMethodology, whBounds } from "#src/eco/estimate.ts";
import type { EcoTables, Methodology } from "#src/eco/load.ts";
import { type Measured, measuredVersion } from "#src/eco/measured.ts";
import { gridNameOf } from "#src/eco/grid-table.ts";
import type { EcoInput, Grid, GridRow } from "#src/eco/methodology.ts";
import { pueRange } from "#src/eco/pue.ts";

const counting =
  "counted_tokens = weights.completion * (output_visible + reasoning) + weights.freshPrompt * (input_fresh + cache_write) + weights.cachedPrompt * cache_read";

/** How each methodology computes, a step a line. */
export const formulas: Record<Methodology["formula"], string[]> = {
  linear: [
    "wh_per_token = alpha * active_b + beta, evaluated at both ends of the parameter interval; the mean is published",
    counting,
    "energy_wh = wh_per_token * counted_tokens",
    "carbon_g = energy_wh * grid_g_per_kwh / 1000",
    "carbon_per_1k_tokens_g = carbon_g / total_tokens * 1000",
  ],
  mlenergy: [
    "gpus = 2^ceil(log2(ceil(memory_overhead * total_b * bits / 8 / gpu_memory_gb)))",
    "gpu_wh = energy_alpha * exp(energy_beta * batch) * active_b + energy_gamma",
    "seconds = latency_alpha * active_b + latency_beta * batch + latency_gamma",
    "server_wh = seconds / 3600 * server_kw * 1000 * (gpus / gpus_per_server) / batch",
    "wh_per_token = pue * (server_wh + gpus * gpu_wh), evaluated at both ends of the parameter interval; the mean is published",
    "low and high: the same at the ends with the least and the most of pue and of what the provider publishes",
    counting,
    "energy_wh = wh_per_token * counted_tokens",
    "carbon_g = energy_wh * grid_g_per_kwh / 1000",
    "carbon_per_1k_tokens_g = carbon_g / total_tokens * 1000",
  ],
};

/** What is never part of the number, said next to it. */
export const notMeasured = [
  "training",
  "embodied hardware",
  "real-time grid mix: annual averages are used",
  "embeddings",
] as const;

/** Everything that a number was made from: a reader can recompute it by hand. Undefined where there is no number. */
export function explain(tables: EcoTables, version: string, input: EcoInput) {
  const methodology = findMethodology(tables, version);
  const parameters = tables.parameters.get(input.model);
  if (methodology === undefined || parameters === undefined) return undefined;
  const result = estimate(tables, version, input);
  const { usage, grid } = input;
  return {
    methodology_version: version,
    formula: formulas[methodology.formula],
    coefficients: methodology.coefficients,
    units: methodology.units,
    weights: methodology.weights,
    parameters: {
      model: input.model,
      architecture: parameters.architecture,
      active_b: parameters.activeB,
      total_b: parameters.totalB,
      accuracy: parameters.accuracy,
      source: parameters.source,
      licence: parameters.licence,
      read: parameters.read,
    },
    tokens: tokensOf(usage, countedTokens(methodology, usage)),
    ...describePue(tables, methodology, input),
    wh_per_token: whBounds(tables, methodology, parameters, input),
    grid: describeGrid(grid),
    result: result?.block,
    interval: result && { energy_wh: result.energyWh, carbon_g: result.carbonG },
    other_methodologies: others(tables, { version, grid: methodology.grid }, input),
    published_measurements: comparable(tables, input.model),
    not_measured: notMeasured,
  };
}

/** A number that the operator's measurement gave; the bundled methodologies stand beside it, where they know the model. */
export function explainMeasured(
  tables: EcoTables,
  version: string,
  input: EcoInput & { measured: Measured },
) {
  const result = estimate(tables, version, input);
  const { usage, grid, measured } = input;
  return {
    methodology_version: measuredVersion(version),
    formula: [
      "energy_wh = wh_per_1k_tokens / 1000 * pue * total_tokens",
      "carbon_g = energy_wh * grid_g_per_kwh / 1000",
      "carbon_per_1k_tokens_g = carbon_g / total_tokens * 1000",
    ],
    measured: {
      wh_per_1k_tokens: measured.whPer1kTokens,
      pue: measured.pue,
      source: "the operator's own measurement, from the configuration",
    },
    tokens: tokensOf(usage, totalTokens(usage)),
    grid: describeGrid(grid),
    result: result?.block,
    interval: result && { energy_wh: result.energyWh, carbon_g: result.carbonG },
    other_methodologies: others(
      tables,
      { grid: gridNameOf(version) },
      { ...input, measured: undefined },
    ),
    published_measurements: comparable(tables, input.model),
    not_measured: notMeasured,
  };
}

/** The overheads that the interval was made with, and who published them; nothing where none is counted. */
function describePue(tables: EcoTables, methodology: Methodology, { pue, provider }: EcoInput) {
  const range = pue ?? pueRange(tables, methodology, provider);
  if (range === undefined || methodology.formula !== "mlenergy") return {};
  const site = provider === undefined ? undefined : tables.datacenters.get(provider);
  const published = pue === undefined && site?.pueMin !== undefined ? site : undefined;
  return {
    pue: {
      value: methodology.coefficients.pue,
      ...range,
      source: published?.source ?? methodology.source,
      licence: published?.licence ?? methodology.licence,
    },
  };
}

function tokensOf(usage: Usage, counted: number) {
  return {
    input_fresh: usage.input.fresh,
    cache_read: usage.input.cacheRead,
    cache_write: usage.input.cacheWrite5m + usage.input.cacheWrite1h,
    output_visible: usage.output.visible,
    reasoning: usage.output.reasoning,
    prompt: inputTokens(usage),
    completion: outputTokens(usage),
    total: totalTokens(usage),
    counted,
  };
}

/** The same answer under every other methodology, on the same grid. */
function others(
  tables: EcoTables,
  { version, grid }: { version?: string; grid: string | undefined },
  input: EcoInput,
) {
  return tables.methodologies
    .filter((other) => other.version !== version && other.grid === grid)
    .map((other) => {
      const value = estimate(tables, other.version, input);
      return {
        methodology_version: other.version,
        title: other.title,
        result: value?.block,
        interval: value && { energy_wh: value.energyWh, carbon_g: value.carbonG },
      };
    });
}

/** Whether a grid's figure is of what is made in its zone or of what is used there. */
export function scopeOf({ rows }: Grid): GridRow["scope"] | "mixed" {
  const [first] = rows;
  const same = rows.every(({ row }) => row.scope === first?.row.scope);
  return same ? (first?.row.scope ?? "unstated") : "mixed";
}

/** A grid with the rows it was made from. */
export function describeGrid(grid: Grid) {
  return {
    g_per_kwh: grid.gPerKwh,
    zone: grid.zone,
    year: grid.year,
    basis: grid.basis,
    scope: scopeOf(grid),
    ...(grid.assumption === undefined ? {} : { assumption: grid.assumption }),
    rows: grid.rows.map(({ row, weight }) => ({
      zone: row.zone,
      name: row.name,
      weight,
      g_per_kwh: row.gPerKwh,
      year: row.year,
      basis: row.basis,
      scope: row.scope,
      source: row.source,
      source_url: row.sourceUrl,
      licence: row.licence,
    })),
  };
}

/** Published figures of the same model. Names alone do not say: GPT-4o begins GPT-4o mini. */
function comparable(tables: EcoTables, model: string) {
  return tables.benchmarks
    .filter((row) => row.models?.includes(model))
    .map((row) => ({
      model: row.model,
      what: row.what,
      input_tokens: row.inputTokens,
      output_tokens: row.outputTokens,
      energy_wh: row.energyWh,
      carbon_g: row.carbonG,
      scope: row.scope,
      kind: row.kind,
      year: row.year,
      source: row.source,
      source_url: row.sourceUrl,
    }));
}
