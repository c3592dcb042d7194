/** Why a request has no estimate, for people. */
export const noEstimateWords = {
  not_answered: "The request was refused or failed: it is not charged, and has no estimate",
  tokens_unknown: "The provider told no token counts",
  tokens_estimated:
    "The provider told no token counts; those of the gateway are good for the bill only",
  no_tokens: "The answer used no token",
  embedding: "Embeddings: the methodologies model the making of text",
  size_unknown: "The number of parameters of the model is not known, and is not guessed",
  grid_unknown: "The grid where the provider computes is not known",
  not_recorded: "No estimate was recorded when the request was made",
} as const;
export type NoEstimate = keyof typeof noEstimateWords;

/** What a record tells of a request, as far as the reason depends on it. */
export interface Unestimated {
  status: string | undefined;
  model: string | undefined;
  dialect: string | undefined;
  settlement: string | undefined;
  /** Tokens of all classes; undefined where they are not known. */
  tokens: number | undefined;
  isSizeKnown: boolean;
  isGridKnown(): boolean;
}

/** Why a request has no estimate, as far as its record and the tables of today tell. */
export function noEstimateOf(row: Unestimated): NoEstimate {
  const { status, model, dialect, settlement, tokens } = row;
  if (model === undefined || (status !== "ok" && status !== "client_cancelled"))
    return "not_answered";
  if (tokens === undefined) return "tokens_unknown";
  if (dialect?.includes("embed") === true) return "embedding";
  if (settlement === "estimated") return "tokens_estimated";
  if (tokens === 0) return "no_tokens";
  if (!row.isSizeKnown) return "size_unknown";
  return row.isGridKnown() ? "not_recorded" : "grid_unknown";
}
