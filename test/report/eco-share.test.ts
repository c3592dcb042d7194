import { expect, test } from "bun:test";
import { loadEco } from "#src/eco/load.ts";
import type { UsageRow } from "#src/ledger/rollups.ts";
import { bandsOf } from "#src/report/eco-share.ts";
import { noTotals } from "#src/report/totals.ts";

const tables = loadEco();

/** A model whose size is rated so. */
function ratedAs(accuracy: "accurate" | "medium" | "gross"): string {
  const found = [...tables.parameters].find(([, of]) => of.accuracy === accuracy);
  if (found === undefined) throw new Error(`Cannot find a model of ${accuracy} size`);
  return found[0];
}

function row(model: string, energyWh: number, parts: Partial<UsageRow> = {}): UsageRow {
  const of = { requests: 10, energyWh, carbonG: energyWh / 4 };
  return { ...noTotals, ...of, model, methodology: "v0.4-2026-01", ...parts };
}

test("bandsOf() puts each model under its own rating, with the best known first, and leaves out what has no estimate", () => {
  const bands = bandsOf(tables, [
    row("no/longer-there", 1),
    row(ratedAs("gross"), 2),
    row(ratedAs("medium"), 4),
    row(ratedAs("accurate"), 8),
    row(ratedAs("accurate"), 16, { methodology: "v0.11-2026-10" }),
    row(ratedAs("gross"), 0, { methodology: "", withoutEco: 10 }),
  ]);
  expect(bands).toEqual([
    { band: "accurate", requests: 20, energyWh: 24, carbonG: 6 },
    { band: "medium", requests: 10, energyWh: 4, carbonG: 1 },
    { band: "gross", requests: 10, energyWh: 2, carbonG: 0.5 },
    { band: "unrated", requests: 10, energyWh: 1, carbonG: 0.25 },
  ]);
});
