import type { Usage } from "#src/dialect/usage.ts";
import { explain, explainMeasured } from "#src/eco/explain.ts";
import type { EcoTables } from "#src/eco/load.ts";
import { gramsOf } from "#src/eco/grams.ts";
import { baseVersion } from "#src/eco/measured.ts";
import type { Grid } from "#src/eco/methodology.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { ecoOf } from "#src/report/generation-record.ts";
import { noEstimateOf, noEstimateWords } from "#src/report/no-estimate.ts";
import { liveFigureOf } from "#src/report/live-figure.ts";

/** The version whose grid table a row stands on. */
export function gridVersionOf(row: Generation, version: string): string {
  return baseVersion(row.methodology ?? version).version;
}

/** What the number of a recorded request was made from, or why there is none. The grid is that of the row's own table. */
export function explainGeneration(
  row: Generation,
  tables: EcoTables,
  grid: Grid | undefined,
  version: string,
) {
  const head = {
    generation_id: row.id,
    model: row.model ?? null,
    provider: row.provider ?? null,
    region: row.region ?? null,
  };
  const recorded = ecoOf(row);
  const recordedInterval = intervalOf(row);
  const { tokens, model } = row;
  if (
    tokens === undefined ||
    model === undefined ||
    grid === undefined ||
    (row.measured === undefined && !tables.parameters.has(model))
  ) {
    return {
      ...head,
      recorded: recorded ?? null,
      recorded_interval: recordedInterval ?? null,
      explanation: null,
      reason: whyNone(row, tables, grid),
    };
  }
  const usage: Usage = {
    input: {
      fresh: tokens.inputFresh,
      cacheRead: tokens.cacheRead,
      cacheWrite5m: tokens.cacheWrite5m,
      cacheWrite1h: tokens.cacheWrite1h,
    },
    output: { visible: tokens.outputVisible, reasoning: tokens.reasoning },
    raw: null,
  };
  const input = { model, usage, grid, provider: row.provider };
  const of = baseVersion(row.methodology ?? version).version;
  const live = liveFigureOf(row);
  return {
    ...head,
    recorded: recorded ?? null,
    recorded_interval: recordedInterval ?? null,
    ...(live === undefined ? {} : { live }),
    ...(recorded === undefined ? { reason: whyNone(row, tables, grid) } : {}),
    explanation: row.measured
      ? explainMeasured(tables, of, { ...input, measured: row.measured })
      : explain(tables, of, input),
  };
}

/** Both ends of what was recorded, Wh and g; absent in rows older than them. */
function intervalOf({ energyBounds, gridGPerKwh }: Generation) {
  if (energyBounds === undefined || gridGPerKwh === undefined) return undefined;
  const { low, high } = energyBounds;
  return {
    energy_wh: { low, high },
    carbon_g: { low: gramsOf(low, gridGPerKwh), high: gramsOf(high, gridGPerKwh) },
  };
}

function whyNone(row: Generation, tables: EcoTables, grid: Grid | undefined): string {
  const { model, dialect, status, settlement, tokens } = row;
  const reason = noEstimateOf({
    model,
    dialect,
    status,
    settlement,
    tokens: tokens && Object.values(tokens).reduce((sum, count) => sum + count, 0),
    isSizeKnown: model !== undefined && tables.parameters.has(model),
    isGridKnown: () => grid !== undefined,
  });
  return noEstimateWords[reason];
}
