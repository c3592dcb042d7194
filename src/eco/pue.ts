import type { EcoTables, Methodology } from "#src/eco/load.ts";

/** What a data centre draws for each watt of its machines, from the least to the most. */
export interface PueRange {
  min: number;
  max: number;
}

/**
 * The overheads between which the ends of an estimate's interval are taken: those that a provider publishes, widened to the
 * methodology's own, by which the figure itself is made. Undefined where the methodology counts no overhead.
 */
export function pueRange(
  tables: EcoTables,
  methodology: Methodology,
  provider: string | undefined,
): PueRange | undefined {
  if (methodology.formula !== "mlenergy") return undefined;
  const { pue } = methodology.coefficients;
  const { pueMin = pue, pueMax = pue } =
    provider === undefined ? {} : (tables.datacenters.get(provider) ?? {});
  return { min: Math.min(pue, pueMin), max: Math.max(pue, pueMax) };
}
