import { findMethodology, whBounds } from "#src/eco/estimate.ts";
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

/** Finds the ends of intervals that were not recorded with the number; remembers those of each model. */
export interface Bounds {
  /** Both ends, Wh; undefined where the interval of a number is not known. */
  of(recorded: Recorded): { low: number; high: number } | undefined;
}

/** Intervals by the bundled tables: only for a number that they give, as any other was made from others. */
export function createBounds(tables: EcoTables): Bounds {
  const known = new Map<string, Spread | undefined>();
  const spreadOf = (version: string, model: string, provider: string): Spread | undefined => {
    const name = `${version}\n${model}\n${provider}`;
    if (!known.has(name)) known.set(name, spread(tables, version, model, provider));
    return known.get(name);
  };
  return {
    of({ methodology, model, provider, energyWh, output, freshPrompt, cachedPrompt }) {
      const { version, measured } = baseVersion(methodology);
      // A measurement stands for itself: there is no interval of parameters to carry.
      if (measured) return { low: energyWh, high: energyWh };
      const found = spreadOf(version, model, provider);
      if (found === undefined) return undefined;
      const { low, high, whPerToken, weights } = found;
      const tokens =
        weights.completion * output +
        weights.freshPrompt * freshPrompt +
        weights.cachedPrompt * cachedPrompt;
      const isSame = Math.abs(whPerToken * tokens - energyWh) <= tolerance * energyWh;
      return isSame ? { low: low * tokens, high: high * tokens } : undefined;
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
  const { low, mid, high } = whBounds(tables, methodology, parameters, { provider });
  return { low, high, whPerToken: mid, weights: methodology.weights };
}
