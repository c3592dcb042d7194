import * as v from "valibot";
import type { Account, CarbonBudget } from "#src/account/account.ts";
import { actionRecord, type CarbonStanding } from "#src/account/carbon-budget.ts";
import { AppError } from "#src/lib/error.ts";
import { rfc3339 } from "#src/lib/clock.ts";

/** What an account's settings take. An unknown member is refused: a budget misspelt would be none. */
export const accountChangeSchema = v.strictObject({
  carbon_budget_g: v.optional(
    v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1_000_000_000))),
  ),
  carbon_budget_reset: v.optional(v.picklist(["daily", "monthly"])),
  carbon_budget_action: v.optional(
    v.union([
      v.literal("refuse"),
      v.strictObject({ route_under_g_per_1k: v.pipe(v.number(), v.gtValue(0)) }),
    ]),
  ),
});

const actions = '"refuse", or {"route_under_g_per_1k": a number above 0}';

/** The budget after a change; undefined where it is lifted. What is not given stays. Throws `invalid_value` naming the member. */
export function readCarbonBudget(
  body: unknown,
  before: CarbonBudget | undefined,
): CarbonBudget | undefined {
  const parsed = v.safeParse(accountChangeSchema, body, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const found = v.getDotPath(issue) ?? "body";
    const isUnknown = issue.expected === "never";
    // A name of the client's own may be as long as a body.
    const path = isUnknown && !/^[\w.-]{1,80}$/.test(found) ? "?" : found;
    throw new AppError(
      "invalid_value",
      isUnknown
        ? `Cannot use the unknown field "${path}"`
        : `Cannot use this value for "${path}": ${path === "carbon_budget_action" ? actions : issue.expected} is needed`,
      { param: path },
    );
  }
  const {
    carbon_budget_g: grams = before?.grams ?? null,
    carbon_budget_reset: reset = before?.reset ?? "monthly",
    carbon_budget_action: action,
  } = parsed.output;
  if (grams === null) return undefined;
  if (action === undefined) return { grams, reset, action: before?.action ?? "refuse" };
  return {
    grams,
    reset,
    action: action === "refuse" ? action : { routeUnderGPer1k: action.route_under_g_per_1k },
  };
}

/** An account's budget as the API and the command line show it, with what is left; null throughout where there is none. */
export function carbonRecord(standing: CarbonStanding | undefined) {
  const budget = standing?.budget;
  return {
    carbon_budget_g: budget?.grams ?? null,
    carbon_budget_reset: budget?.reset ?? null,
    carbon_budget_action: budget === undefined ? null : actionRecord(budget.action),
    carbon_used_g: standing?.usedG ?? null,
    carbon_left_g: standing?.leftG ?? null,
    carbon_resets_at: standing === undefined ? null : rfc3339(standing.resetsAt),
  };
}

/** An account as it may see and change itself. */
export function accountRecord({ id, name, plan }: Account, standing: CarbonStanding | undefined) {
  return { id, name, plan, ...carbonRecord(standing) };
}
