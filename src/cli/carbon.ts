import type { CarbonAction, CarbonBudget } from "#src/account/account.ts";
import { CommandError } from "#src/cli/output.ts";

/** A carbon budget as the command line takes it. */
export interface CarbonOptions {
  carbonBudgetReset?: string;
  carbonBudgetAction?: string;
}

/** When a budget begins anew. Throws CommandError. */
export function carbonReset(text: string): CarbonBudget["reset"] {
  if (text === "daily" || text === "monthly") return text;
  throw new CommandError(
    `Cannot use "${text}" for --carbon-budget-reset: give daily or monthly`,
    2,
  );
}

/** What happens at its end: `refuse`, or `route:0.5`. Throws CommandError. */
export function carbonAction(text: string): CarbonAction {
  if (text === "refuse") return text;
  const grams = /^route:(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (grams !== undefined && Number(grams) > 0) return { routeUnderGPer1k: Number(grams) };
  throw new CommandError(
    `Cannot use "${text}" for --carbon-budget-action: give refuse, or route:0.5 for routes that emit at most 0.5 g for 1,000 tokens`,
    2,
  );
}

/** An account's budget after a change; undefined where it is lifted or there is none. Throws CommandError. */
export function changedBudget(
  before: CarbonBudget | undefined,
  { carbonBudgetG: text, ...options }: CarbonOptions & { carbonBudgetG?: string },
): CarbonBudget | undefined {
  if (text === "none") return undefined;
  const grams = text === undefined ? before?.grams : Number(text);
  if (text !== undefined && (text.trim() === "" || !Number.isFinite(grams) || Number(grams) < 0))
    throw new CommandError(
      `Cannot use "${text}" for --carbon-budget-g: give grams such as 500, or none`,
      2,
    );
  if (grams === undefined)
    throw new CommandError("Cannot change a budget that is not there: give --carbon-budget-g", 2);
  const { carbonBudgetReset: reset, carbonBudgetAction: action } = options;
  return {
    grams,
    reset: reset === undefined ? (before?.reset ?? "monthly") : carbonReset(reset),
    action: action === undefined ? (before?.action ?? "refuse") : carbonAction(action),
  };
}
