import type { ActivityRow, Dimension, Totals } from "#src/ledger/rollups.ts";
import { toUnits } from "#src/ledger/money.ts";

/** Words of the API to what totals are grouped by. */
const dimensions: Readonly<Record<string, Dimension>> = {
  day: "day",
  date: "day",
  model: "model",
  creator: "creator",
  provider: "provider",
  region: "region",
  key: "key",
  api_key: "key",
  user: "user",
  account: "account",
};
const columnOf: Readonly<Record<Dimension, string>> = {
  day: "date",
  model: "model",
  creator: "creator",
  provider: "provider",
  region: "region",
  key: "api_key_hash",
  user: "user",
  account: "account",
  methodology: "methodology_version",
};

/** The dimension that a word names, or undefined. */
export function dimensionOf(word: string): Dimension | undefined {
  return Object.hasOwn(dimensions, word) ? dimensions[word] : undefined;
}

export const dimensionNames = Object.keys(dimensions);

/**
 * One line of the activity export. Money in the currency; energy in Wh, carbon in g CO2e, null where no request had an
 * estimate; the versions that made the estimates, with spaces between where there are several.
 */
export function activityRecord(row: ActivityRow, groupBy: readonly Dimension[]) {
  const known = row.requests > row.withoutEco;
  return {
    ...Object.fromEntries(
      groupBy.map((dimension) => [
        columnOf[dimension],
        row[dimension] === "" ? null : (row[dimension] ?? null),
      ]),
    ),
    requests: row.requests,
    prompt_tokens: row.inputTokens,
    completion_tokens: row.outputTokens,
    reasoning_tokens: row.reasoning,
    cached_tokens: row.cacheRead,
    usage: toUnits(row.cost),
    byok_usage_inference: toUnits(row.byokCost),
    energy_wh: known ? row.energyWh : null,
    carbon_g: known ? row.carbonG : null,
    requests_without_estimate: row.withoutEco,
    errors: row.errors,
    ...boundsOf(row),
    methodology_version: row.methodologies?.join(" ") || null,
  };
}

/** The least and the most that a sum can be, by each request's interval; null where one of them was not kept. */
export function boundsOf(row: Totals) {
  const known = row.requests > row.withoutEco && row.withoutBounds === 0;
  return {
    energy_wh_low: known ? row.energyWhLow : null,
    energy_wh_high: known ? row.energyWhHigh : null,
    carbon_g_low: known ? row.carbonGLow : null,
    carbon_g_high: known ? row.carbonGHigh : null,
  };
}

/** Records as RFC 4180 text. Cells that a spreadsheet would run as a formula are made plain text. */
export function toCsv(
  records: readonly Record<string, unknown>[],
  columns: readonly string[],
): string {
  return `${columns.join(",")}\r\n${records.map((record) => csvLine(record, columns)).join("")}`;
}

/** One line of it, with its end. */
export function csvLine(record: Record<string, unknown>, columns: readonly string[]): string {
  return `${columns.map((column) => cell(record[column])).join(",")}\r\n`;
}

/** Columns of the activity export for a grouping, in order. */
export function activityColumns(groupBy: readonly Dimension[]): string[] {
  return [
    ...groupBy.map((dimension) => columnOf[dimension]),
    "requests",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "usage",
    "byok_usage_inference",
    "energy_wh",
    "carbon_g",
    "requests_without_estimate",
    "errors",
    "energy_wh_low",
    "energy_wh_high",
    "carbon_g_low",
    "carbon_g_high",
    "methodology_version",
  ];
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = String(value);
  // Some look past what is blank, and take the wide signs of East Asian keyboards for their own.
  const plain = /^(?:[\s\0]*[=+\-@＝＋－＠]|[\t\r\n])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
