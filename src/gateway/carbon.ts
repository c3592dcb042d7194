import type { Account, ApiKey, Caller, CarbonBudget } from "#src/account/account.ts";
import type { Demand } from "#src/allowance/allowance.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import type { Route } from "#src/provider/deployment.ts";

/** Carbon is counted in millionths of a gram. */
const perGram = 1_000_000;

interface Owned {
  owner: string;
  budget: CarbonBudget;
}

/** The budget of a key; undefined where it has none. */
export function budgetOfKey(key: ApiKey): CarbonBudget | undefined {
  const { carbonBudgetG: grams, carbonBudgetReset: reset = "monthly" } = key;
  return grams === undefined ? undefined : { grams, reset, action: key.carbonBudgetAction };
}

/** Whether what a caller emits is bounded; for most it is not, and nothing is to be weighed. */
export function isBudgeted(key: ApiKey, account: Account): boolean {
  return key.carbonBudgetG !== undefined || account.carbonBudget !== undefined;
}

function budgetsOf({ key, account }: Caller): Owned[] {
  const ofKey = budgetOfKey(key);
  const ofAccount = account.carbonBudget;
  return [
    ...(ofKey === undefined ? [] : [{ owner: key.hash, budget: ofKey }]),
    ...(ofAccount === undefined ? [] : [{ owner: account.id, budget: ofAccount }]),
  ];
}

/** The fewest g CO2e per 1,000 tokens to which a reached budget of the caller keeps a request; undefined where none routes. */
export function routedUnder(caller: Caller): number | undefined {
  if (!isBudgeted(caller.key, caller.account)) return undefined;
  return least(budgetsOf(caller).map(({ budget }) => underOf(budget)));
}

/** The same for those budgets that are used up as far as this process knows, and for a request that met its budget's end. */
export function gramsLeft(ask: Ask, caller: Caller, app: App): number | undefined {
  if (ask.kind !== "chat") return undefined;
  const { gramsPer1kAtMost } = ask;
  if (!isBudgeted(caller.key, caller.account)) return gramsPer1kAtMost;
  const reached = budgetsOf(caller).filter(({ owner, budget }) => {
    const windowStart = app.windowStart(budget.reset);
    const standing = app.allowances.standing({ kind: "carbon", owner, windowStart });
    return standing !== undefined && standing.used >= budget.grams * perGram;
  });
  return least([gramsPer1kAtMost, ...reached.map(({ budget }) => underOf(budget))]);
}

/** Whether a request may only go where its footprint is known: what cannot be counted would be outside of a budget that refuses. */
export function needsFootprint(ask: Ask, { key, account }: Caller): boolean {
  if (ask.kind !== "chat" || !isBudgeted(key, account)) return false;
  const ofKey = key.carbonBudgetG !== undefined && key.carbonBudgetAction === "refuse";
  return ofKey || account.carbonBudget?.action === "refuse";
}

/** Adds what a request may emit at most to its demands, for each budget that it falls under. */
export function demandCarbon(
  demands: Demand[],
  caller: Caller,
  { routes, tokens }: { routes: readonly Route[]; tokens: number },
  { ask, app }: { ask: Ask; app: App },
): void {
  let per1k = 0;
  // Vectors have no carbon figures, so nothing will be settled for them either.
  if (ask.kind === "chat")
    for (const { carbonPer1k = 0 } of routes) per1k = Math.max(per1k, carbonPer1k);
  const amount = Math.ceil(((per1k * tokens) / 1000) * perGram);
  for (const { owner, budget } of budgetsOf(caller)) {
    // What may serve after the budget as well is counted, and takes nothing from those who may not.
    const isFree = ask.kind === "chat" && isUnder(routes, underOf(budget));
    demands.push({
      kind: "carbon",
      owner,
      windowStart: app.windowStart(budget.reset),
      windowEnd: app.windowEnd(budget.reset),
      limit: Math.round(budget.grams * perGram),
      ...(isFree ? { amount: 0, unlimited: true } : { amount }),
    });
  }
}

function isUnder(routes: readonly Route[], grams: number | undefined): boolean {
  if (grams === undefined || routes.length === 0) return false;
  return routes.every(({ carbonPer1k }) => carbonPer1k !== undefined && carbonPer1k <= grams);
}

function underOf({ action }: CarbonBudget): number | undefined {
  return action === "refuse" ? undefined : action.routeUnderGPer1k;
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
