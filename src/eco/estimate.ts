import { type Usage, totalTokens } from "#src/dialect/usage.ts";
import { whPerToken } from "#src/eco/energy.ts";
import type { EcoTables, Methodology } from "#src/eco/load.ts";
import { estimateMeasured } from "#src/eco/measured.ts";
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
  const wh = whInterval(methodology, parameters, input.pue);
  const tokens = countedTokens(methodology, input.usage);
  const grams = (energyWh: number) => (energyWh * input.grid.gPerKwh) / 1000;
  const energyWh = wh.mid * tokens;
  const carbonG = grams(energyWh);
  return {
    block: {
      energy_wh: energyWh,
      carbon_g: carbonG,
      carbon_per_1k_tokens_g: (carbonG / total) * 1000,
      accuracy: parameters.accuracy,
      methodology_version: methodology.version,
    },
    energyWh: { low: wh.low * tokens, high: wh.high * tokens },
    carbonG: { low: grams(wh.low * tokens), high: grams(wh.high * tokens) },
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
  return eco && (eco.energyWhPer1kTokens * grid.gPerKwh) / 1000;
}
