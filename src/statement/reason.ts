import type { EcoTables } from "#src/eco/load.ts";
import type { LedgerRow } from "#src/statement/read.ts";
import type { Reason } from "#src/statement/statement.ts";

/** The reasons for people. */
export const whyNone: Readonly<Record<Reason, string>> = {
  not_answered: "The request was refused or failed: it is not charged, and has no estimate",
  tokens_unknown: "The provider told no token counts",
  tokens_estimated:
    "The provider told no token counts; those of the gateway are good for the bill only",
  no_tokens: "The answer used no token",
  embedding: "Embeddings: the methodologies model the making of text",
  size_unknown: "The number of parameters of the model is not known, and is not guessed",
  grid_unknown: "The grid where the provider computes is not known",
  not_recorded: "No estimate was recorded when the request was made",
};

/** Why a request has no estimate, as far as its record and the tables of today tell. */
export function reasonOf(row: LedgerRow, tables: EcoTables, hasGrid: HasGrid): Reason {
  const status = row.text("status");
  const model = row.text("model");
  const isCounted = row.number("input_fresh") !== undefined;
  if (model === undefined || (status !== "ok" && status !== "client_cancelled"))
    return "not_answered";
  if (!isCounted) return "tokens_unknown";
  if (row.text("dialect")?.includes("embed") === true) return "embedding";
  if (row.text("settlement") === "estimated") return "tokens_estimated";
  if (tokensIn(row) === 0) return "no_tokens";
  if (!tables.parameters.has(model)) return "size_unknown";
  return hasGrid(row.text("provider") ?? "", row.text("region") ?? "")
    ? "not_recorded"
    : "grid_unknown";
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
