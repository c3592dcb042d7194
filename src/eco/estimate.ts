import { type Usage, totalTokens } from "#src/dialect/usage.ts";
import { whPerToken } from "#src/eco/energy.ts";
import { gramsOf } from "#src/eco/grams.ts";
import type { EcoTables, Methodology } from "#src/eco/load.ts";
import { estimateMeasured } from "#src/eco/measured.ts";
import { pueRange } from "#src/eco/pue.ts";
import type { EcoInput, Estimate, Grid, ModelParameters } from "#src/eco/methodology.ts";

/** The record of a version, or undefined. */
export function findMethodology(tables: EcoTables, version: string): Methodology | undefined {
  return tables.methodologies.find((record) => record.version === version);
}

/** Tokens as a methodology counts them. */
export function countedTokens({ weights }: Methodology, usage: Usage): number {
  const { fresh, cacheRead, cacheWrite5m, cacheWrite1h } = usage.input;
  return (
    weights.completion * (usage.output.visible + usage.output.reasoning) +
    weights.freshPrompt * (fresh + cacheWrite5m + cacheWrite1h) +
    weights.cachedPrompt * cacheRead
  );
}

/** Energy per counted token over the parameter interval, Wh. The published figure is the middle. */
export function whInterval(
  methodology: Methodology,
  parameters: ModelParameters,
  pue?: { min: number; max: number },
): { low: number; mid: number; high: number } {
  const low = whPerToken(
    methodology,
    { activeB: parameters.activeB.min, totalB: parameters.totalB.min },
    pue?.min,
  );
  const high = whPerToken(
    methodology,
    { activeB: parameters.activeB.max, totalB: parameters.totalB.max },
    pue?.max,
  );
  return { low, mid: (low + high) / 2, high };
}

/** The figure for one counted token, and its interval with the overheads of where it was computed. Wh. */
export function whBounds(
  tables: EcoTables,
  methodology: Methodology,
  parameters: ModelParameters,
  { pue, provider }: Pick<EcoInput, "pue" | "provider">,
): { low: number; mid: number; high: number } {
  const wh = whInterval(methodology, parameters, pue);
  const range = pue ?? pueRange(tables, methodology, provider);
  if (range === undefined) return wh;
  const { low, high } = whInterval(methodology, parameters, range);
  return { low, mid: wh.mid, high };
}

/**
 * Energy and carbon of one answer: by the operator's measurement where there is one, else by the methodology.
 * Undefined where the parameters are unknown or no token was used.
 */
export function estimate(
  tables: EcoTables,
  version: string,
  input: EcoInput,
): Estimate | undefined {
  if (input.measured) return estimateMeasured(version, input.measured, input.usage, input.grid);
  const methodology = findMethodology(tables, version);
  const parameters = tables.parameters.get(input.model);
  const total = totalTokens(input.usage);
  if (methodology === undefined || parameters === undefined || total === 0) return undefined;
  const wh = whBounds(tables, methodology, parameters, input);
  const tokens = countedTokens(methodology, input.usage);
  const { gPerKwh } = input.grid;
  const energyWh = wh.mid * tokens;
  const carbonG = gramsOf(energyWh, gPerKwh);
  const bounds = { low: wh.low * tokens, high: wh.high * tokens };
  return {
    block: {
      energy_wh: energyWh,
      carbon_g: carbonG,
      carbon_per_1k_tokens_g: (carbonG / total) * 1000,
      accuracy: parameters.accuracy,
      methodology_version: methodology.version,
    },
    energyWh: bounds,
    carbonG: { low: gramsOf(bounds.low, gPerKwh), high: gramsOf(bounds.high, gPerKwh) },
  };
}

/** What a model's card says: energy per 1,000 completion tokens. Undefined for unknown parameters. */
export function ecoOfModel(tables: EcoTables, version: string, model: string) {
  const methodology = findMethodology(tables, version);
  const parameters = tables.parameters.get(model);
  if (methodology === undefined || parameters === undefined) return undefined;
  const wh = whInterval(methodology, parameters);
  return {
    activeParamsB: (parameters.activeB.min + parameters.activeB.max) / 2,
    energyWhPer1kTokens: wh.mid * methodology.weights.completion * 1000,
    accuracy: parameters.accuracy,
    methodologyVersion: methodology.version,
  };
}

/** Carbon of 1,000 completion tokens on a grid, g CO2e. Undefined for unknown parameters. */
export function carbonPer1k(
  tables: EcoTables,
  version: string,
  model: string,
  grid: Pick<Grid, "gPerKwh">,
): number | undefined {
  const eco = ecoOfModel(tables, version, model);
  return eco && gramsOf(eco.energyWhPer1kTokens, grid.gPerKwh);
}
