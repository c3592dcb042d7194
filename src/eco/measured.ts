import { type Usage, totalTokens } from "#src/dialect/usage.ts";
import { gramsOf } from "#src/eco/grams.ts";
import type { Estimate, Grid, MethodologyVersion } from "#src/eco/methodology.ts";

/** What an operator measured at a server of its own. */
export interface Measured {
  /** Energy of the machines for 1,000 tokens, prompt and completion alike, Wh. */
  whPer1kTokens: number;
  /** What the data centre draws for each watt of the machines; 1 where it is in the figure already. */
  pue: number;
}

/** What is added to the version of a methodology whose estimate a measurement replaced. */
const suffix = "+measured";

/** The version under which a measured answer is recorded: the bundled one says which grid table was read. */
export function measuredVersion(version: MethodologyVersion): MethodologyVersion {
  return `${version}${suffix}`;
}

/** The bundled methodology that a recorded version stands on, and whether a measurement took its place. */
export function baseVersion(version: MethodologyVersion): {
  version: MethodologyVersion;
  measured: boolean;
} {
  return version.endsWith(suffix)
    ? { version: version.slice(0, -suffix.length), measured: true }
    : { version, measured: false };
}

/** Energy and carbon of one answer by the operator's measurement. Undefined where no token was used. */
export function estimateMeasured(
  version: MethodologyVersion,
  { whPer1kTokens, pue }: Measured,
  usage: Usage,
  grid: Pick<Grid, "gPerKwh">,
): Estimate | undefined {
  const total = totalTokens(usage);
  if (total === 0) return undefined;
  const energyWh = (whPer1kTokens / 1000) * pue * total;
  const carbonG = gramsOf(energyWh, grid.gPerKwh);
  return {
    block: {
      energy_wh: energyWh,
      carbon_g: carbonG,
      carbon_per_1k_tokens_g: (carbonG / total) * 1000,
      accuracy: "accurate",
      methodology_version: measuredVersion(version),
    },
    // A measurement stands for itself: there is no interval of parameters to carry.
    energyWh: { low: energyWh, high: energyWh },
    carbonG: { low: carbonG, high: carbonG },
  };
}
