import type { Reasoning } from "#src/dialect/turn.ts";

export type Effort = NonNullable<Reasoning["effort"]>;

const order: readonly Effort[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** Per cent of the limit on an answer that an effort stands for, where the caller set one. */
const shares: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 10,
  low: 20,
  medium: 50,
  high: 80,
  xhigh: 95,
  max: 95,
};

/** Tokens to think with that an effort stands for, where the caller set no limit. */
export const thinkingBudgets: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_000,
  max: 32_000,
};

/** Tokens of the limit that a caller set which an effort stands for: one at least, for none at all is another wish. */
export function shareOf(limit: number, effort: Effort): number {
  if (effort === "none") return 0;
  return Math.max(1, Math.floor((limit * shares[effort]) / 100));
}

/**
 * Tokens that a wish for reasoning means: its own number, else that of its effort, which is medium where it names none.
 * `limit` is what the caller set for the whole answer.
 */
export function thinkingTokens(
  { effort = "medium", budgetTokens }: Reasoning,
  limit?: number,
): number {
  if (budgetTokens !== undefined) return budgetTokens;
  return limit === undefined ? thinkingBudgets[effort] : shareOf(limit, effort);
}

/** The effort that a model takes: the one asked for, else the nearest lower, else the nearest higher. */
export function clampEffort(wanted: Effort, efforts: readonly string[]): Effort | undefined {
  const at = order.indexOf(wanted);
  const nearest = [...order.slice(0, at + 1).reverse(), ...order.slice(at + 1)];
  return nearest.find((effort) => efforts.includes(effort) && (effort !== "none" || at === 0));
}

/** The effort that stands for a budget of reasoning tokens. */
export function effortOfBudget(tokens: number): Effort {
  if (tokens <= 0) return "none";
  if (tokens <= 1024) return "minimal";
  if (tokens <= 2048) return "low";
  if (tokens <= 8192) return "medium";
  return tokens <= 24_576 ? "high" : "xhigh";
}

/**
 * A budget of reasoning tokens that leaves room for an answer under a limit on all output tokens:
 * as asked, else four fifths of the limit, else undefined when not even the least budget fits.
 */
export function fitBudget(tokens: number, least: number, limit: number): number | undefined {
  if (tokens < limit) return tokens;
  const fitting = Math.max(least, Math.floor(limit * 0.8));
  return fitting < limit ? fitting : undefined;
}
