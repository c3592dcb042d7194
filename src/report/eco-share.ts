import { type Usage } from "#src/dialect/usage.ts";
import { countedTokens, findMethodology, whInterval } from "#src/eco/estimate.ts";
import type { EcoTables } from "#src/eco/load.ts";
import { baseVersion } from "#src/eco/measured.ts";
import type { Totals, UsageRow } from "#src/ledger/rollups.ts";
import { sumOf } from "#src/report/totals.ts";

/** How well the size of the model behind an estimate is known. */
export type Band = "measured" | "accurate" | "medium" | "gross" | "unrated";

/** Requests, energy and carbon whose estimates are as good as a band says. */
export interface BandShare {
  band: Band;
  requests: number;
  energyWh: number;
  carbonG: number;
}

const bands: readonly Band[] = ["measured", "accurate", "medium", "gross", "unrated"];

/**
 * Splits totals by model and methodology into bands of accuracy. Totals do not keep the band of each request: a model's is
 * that of its parameters as they are rated now.
 */
export function bandsOf(tables: EcoTables, rows: readonly UsageRow[]): BandShare[] {
  const known = rows.filter(hasEstimate);
  return bands.flatMap((band): BandShare[] => {
    const { requests, withoutEco, energyWh, carbonG } = sumOf(
      known.filter((row) => bandOf(tables, row) === band),
    );
    return requests === 0 ? [] : [{ band, requests: requests - withoutEco, energyWh, carbonG }];
  });
}

/** Rows without a methodology have no estimate; rows with one have nothing else. */
function hasEstimate({ methodology = "" }: UsageRow): boolean {
  return methodology !== "";
}

function bandOf(tables: EcoTables, { methodology = "", model = "" }: UsageRow): Band {
  if (baseVersion(methodology).measured) return "measured";
  return tables.parameters.get(model)?.accuracy ?? "unrated";
}

/** The same tokens as they were used, on another model. Energy in Wh, carbon in g CO2e, with the interval of its size. */
export interface Baseline {
  model: string;
  /** Of the requests that have an estimate: what they used. */
  used: { energyWh: number; carbonG: number };
  energyWh: { low: number; mid: number; high: number };
  /** On the same grids: by the mean intensity of what was used. */
  carbonG: { low: number; mid: number; high: number };
}

/**
 * What the requests that have an estimate would have used on another model, with as many tokens and on the same grids.
 * Undefined where that model's size is not known, or nothing has an estimate.
 */
export function baselineOf(
  tables: EcoTables,
  version: string,
  model: string,
  rows: readonly UsageRow[],
): Baseline | undefined {
  const methodology = findMethodology(tables, version);
  const parameters = tables.parameters.get(model);
  const used = sumOf(rows.filter(hasEstimate));
  if (methodology === undefined || parameters === undefined || used.energyWh === 0)
    return undefined;
  const wh = whInterval(methodology, parameters);
  const count = countedTokens(methodology, usageIn(used));
  const gramsPerWh = used.carbonG / used.energyWh;
  const times = (factor: number) => ({
    low: wh.low * count * factor,
    mid: wh.mid * count * factor,
    high: wh.high * count * factor,
  });
  return {
    model,
    used: { energyWh: used.energyWh, carbonG: used.carbonG },
    energyWh: times(1),
    carbonG: times(gramsPerWh),
  };
}

/** g CO2e for 1,000 tokens of the requests that have an estimate; undefined where none has. */
export function gramsPer1k(rows: readonly UsageRow[]): number | undefined {
  const { inputTokens, outputTokens, carbonG } = sumOf(rows.filter(hasEstimate));
  const tokens = inputTokens + outputTokens;
  return tokens === 0 ? undefined : (carbonG / tokens) * 1000;
}

function usageIn(totals: Totals): Usage {
  return {
    input: {
      fresh: totals.inputFresh,
      cacheRead: totals.cacheRead,
      cacheWrite5m: totals.cacheWrite5m,
      cacheWrite1h: totals.cacheWrite1h,
    },
    output: { visible: totals.outputVisible, reasoning: totals.reasoning },
    raw: null,
  };
}
