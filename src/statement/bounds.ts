import { findMethodology, whInterval } from "#src/eco/estimate.ts";
import type { EcoTables } from "#src/eco/load.ts";
import { baseVersion } from "#src/eco/measured.ts";

/** What an estimate has to be multiplied with for the two ends of its interval, and what it is made from itself. */
interface Spread {
  low: number;
  high: number;
  whPerToken: number;
  weights: { completion: number; freshPrompt: number; cachedPrompt: number };
}

/** A recorded estimate, and the tokens that it was made from. Energy in Wh. */
export interface Recorded {
  methodology: string;
  model: string;
  provider: string;
  energyWh: number;
  output: number;
  freshPrompt: number;
  cachedPrompt: number;
}

/** How far apart two computations of one number may be. */
const tolerance = 1e-9;

/** Finds the ends of intervals; remembers those of each model. */
export interface Bounds {
  /** Both factors; undefined where the interval of a number is not known. */
  of(recorded: Recorded): { low: number; high: number } | undefined;
}

/**
 * The interval of the parameter count, and for a methodology with a data-centre overhead its published range widened to the
 * methodology's own value. Only for what the bundled tables give the recorded number for: else it was made from others.
 */
export function createBounds(tables: EcoTables): Bounds {
  const known = new Map<string, Spread | undefined>();
  const spreadOf = (version: string, model: string, provider: string): Spread | undefined => {
    const name = `${version}\n${model}\n${provider}`;
    if (!known.has(name)) known.set(name, spread(tables, version, model, provider));
    return known.get(name);
  };
  return {
    of(recorded) {
      const { version, measured } = baseVersion(recorded.methodology);
      // A measurement stands for itself: there is no interval of parameters to carry.
      if (measured) return { low: 1, high: 1 };
      const found = spreadOf(version, recorded.model, recorded.provider);
      if (found === undefined) return undefined;
      const { weights, whPerToken } = found;
      const tokens =
        weights.completion * recorded.output +
        weights.freshPrompt * recorded.freshPrompt +
        weights.cachedPrompt * recorded.cachedPrompt;
      const again = whPerToken * tokens;
      const isSame = Math.abs(again - recorded.energyWh) <= tolerance * recorded.energyWh;
      return isSame ? { low: found.low, high: found.high } : undefined;
    },
  };
}

function spread(
  tables: EcoTables,
  version: string,
  model: string,
  provider: string,
): Spread | undefined {
  const methodology = findMethodology(tables, version);
  const parameters = tables.parameters.get(model);
  if (methodology === undefined || parameters === undefined) return undefined;
  const { mid } = whInterval(methodology, parameters);
  const ends = whInterval(methodology, parameters, pueRange(tables, methodology, provider));
  return {
    low: ends.low / mid,
    high: ends.high / mid,
    whPerToken: mid,
    weights: methodology.weights,
  };
}

function pueRange(
  { datacenters }: EcoTables,
  methodology: NonNullable<ReturnType<typeof findMethodology>>,
  provider: string,
): { min: number; max: number } | undefined {
  if (methodology.formula !== "mlenergy") return undefined;
  const { pue } = methodology.coefficients;
  const { pueMin = pue, pueMax = pue } = datacenters.get(provider) ?? {};
  return { min: Math.min(pue, pueMin), max: Math.max(pue, pueMax) };
}
