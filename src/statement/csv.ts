import { createBreath, mapInPieces } from "#src/lib/breath.ts";
import { csvLine, toCsv } from "#src/report/activity.ts";
import { tokenClasses } from "#src/statement/amount.ts";
import type { Statement } from "#src/statement/statement.ts";

/** Columns of the CSV form, in order. */
export const csvColumns: readonly string[] = [
  "month",
  "is_partial",
  "account",
  "methodology_version",
  "model",
  "provider",
  "region",
  "accuracy",
  "location",
  "grid_zone",
  "grid_g_per_kwh",
  "measured_wh_per_1k_tokens",
  "measured_pue",
  "without_estimate",
  "requests",
  "requests_without_token_counts",
  "requests_without_interval",
  ...tokenClasses,
  "energy_pwh",
  "energy_low_pwh",
  "energy_high_pwh",
  "energy_wh",
  "carbon_pg",
  "carbon_low_pg",
  "carbon_high_pg",
  "carbon_g",
];

/** The lines of a statement as CSV: whatever is totalled is a sum of them. Lines without an estimate have no energy and no carbon. */
export async function statementCsv({ scope, month, partial, lines }: Statement): Promise<string> {
  const account = scope.kind === "account" ? { account: scope.id } : {};
  const head = { month, is_partial: partial, ...account };
  const texts = await mapInPieces(lines, createBreath(), ({ tokens, energy, carbon, ...line }) => {
    const record = {
      ...head,
      ...line,
      ...tokens,
      energy_pwh: energy?.pwh,
      energy_low_pwh: energy?.low_pwh,
      energy_high_pwh: energy?.high_pwh,
      energy_wh: energy?.wh,
      carbon_pg: carbon?.pg,
      carbon_low_pg: carbon?.low_pg,
      carbon_high_pg: carbon?.high_pg,
      carbon_g: carbon?.g,
    };
    return csvLine(record, csvColumns);
  });
  return toCsv([], csvColumns) + texts.join("");
}
