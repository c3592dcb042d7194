import type { EcoTables } from "#src/eco/load.ts";
import { noEstimateOf } from "#src/report/no-estimate.ts";
import type { LedgerRow } from "#src/statement/read.ts";
import type { Reason } from "#src/statement/statement.ts";

/** Why a request has no estimate, as far as its record and the tables of today tell. */
export function reasonOf(row: LedgerRow, tables: EcoTables, hasGrid: HasGrid): Reason {
  const model = row.text("model");
  return noEstimateOf({
    model,
    status: row.text("status"),
    dialect: row.text("dialect"),
    settlement: row.text("settlement"),
    tokens: row.number("input_fresh") === undefined ? undefined : tokensIn(row),
    isSizeKnown: model !== undefined && tables.parameters.has(model),
    isGridKnown: () => hasGrid(row.text("provider") ?? "", row.text("region") ?? ""),
  });
}

/** Whether the grid of a provider's region is known. */
export type HasGrid = (provider: string, region: string) => boolean;

function tokensIn(row: LedgerRow): number {
  const classes = [
    "input_fresh",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output_visible",
    "reasoning",
  ] as const;
  return classes.reduce((sum, name) => sum + (row.number(name) ?? 0), 0);
}
