import * as v from "valibot";
import type { ApiKey, CarbonAction, CarbonBudget } from "#src/account/account.ts";
import { bumpAccess, getSetting } from "#src/account/settings.ts";
import { windowOf } from "#src/allowance/window.ts";
import { dayOf } from "#src/lib/clock.ts";
import type { Row, Statement, Store } from "#src/store/store.ts";
import { numberIn, textOf } from "#src/store/store.ts";

const action = v.union([
  v.literal("refuse"),
  v.strictObject({ routeUnderGPer1k: v.pipe(v.number(), v.gtValue(0)) }),
]);
const schema = v.strictObject({
  grams: v.pipe(v.number(), v.minValue(0)),
  reset: v.picklist(["daily", "monthly"]),
  action,
});

/** An account's carbon budget; undefined where it has none. */
export async function getCarbonBudget(
  store: Store,
  accountId: string,
): Promise<CarbonBudget | undefined> {
  return budgetIn(await getSetting(store, nameOf(accountId)));
}

/**
 * Puts a budget in the place of the one before, and writes `beside` with it; undefined lifts it. What the account emitted
 * since the start of the window counts. Then `KeyCache.invalidate()` and `Allowances.refresh(accountId)`.
 */
export async function setCarbonBudget(
  store: Store,
  accountId: string,
  budget: CarbonBudget | undefined,
  { now, beside = [] }: { now: number; beside?: readonly Statement[] },
): Promise<void> {
  if (budget === undefined) {
    const lift = { sql: "DELETE FROM setting WHERE key = ?", args: [nameOf(accountId)] };
    await store.write([lift, ...beside, bumpAccess]);
    return;
  }
  const keep = {
    sql: "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    args: [nameOf(accountId), JSON.stringify(budget)],
  };
  const seed = seeding("account", accountId, budget.reset, now);
  await store.write([keep, seed, ...beside, bumpAccess]);
}

/** What was emitted in the window before there was a budget, from the daily totals: a new budget begins with it. */
export function seeding(
  column: "account" | "key",
  owner: string,
  reset: CarbonBudget["reset"],
  now: number,
): Statement {
  const { windowStart } = windowOf(reset, now);
  return {
    sql: `INSERT INTO allowance (kind, owner, window_start, used)
      SELECT 'carbon', ?1, ?2, (coalesce(sum(carbon_pg), 0) + 500000) / 1000000
      FROM rollup WHERE "${column}" = ?1 AND day >= ?3
      ON CONFLICT DO UPDATE SET used = max(used, excluded.used)`,
    args: [owner, windowStart, dayOf(windowStart)],
  };
}

/** The budget in a row that a key was read with, from the column `account_carbon`. */
export function carbonBudgetIn(row: Row): CarbonBudget | undefined {
  return budgetIn(textOf(row, "account_carbon"));
}

/** A budget with what was used of it in the window that runs, grams of CO2e. */
export interface CarbonStanding {
  budget: CarbonBudget;
  usedG: number;
  leftG: number;
  /** Unix milliseconds. */
  resetsAt: number;
}

/** How much of a budget is used: what the ledger holds, without requests that still run. */
export async function carbonStanding(
  store: Store,
  owner: string,
  budget: CarbonBudget,
  now: number,
): Promise<CarbonStanding> {
  const { windowStart } = windowOf(budget.reset, now);
  const [row] = await store.read(
    "SELECT used FROM allowance WHERE kind = 'carbon' AND owner = ? AND window_start = ?",
    [owner, windowStart],
  );
  return standingOf(budget, row, now);
}

/** The same of the budgets of keys, in their order; undefined for one that has none. */
export async function keyStandings(
  store: Pick<Store, "read">,
  keys: readonly ApiKey[],
  now: number,
): Promise<(CarbonStanding | undefined)[]> {
  const budgets = keys.map((key) => budgetOf(key));
  const owners = keys.filter((_, at) => budgets[at] !== undefined).map(({ hash }) => hash);
  if (owners.length === 0) return budgets.map(() => undefined);
  const [day, month] = [windowOf("daily", now), windowOf("monthly", now)];
  const rows = await store.read(
    `SELECT owner, window_start, used FROM allowance
      WHERE kind = 'carbon' AND owner IN (SELECT value FROM json_each(?)) AND window_start IN (?, ?)`,
    [JSON.stringify(owners), day.windowStart, month.windowStart],
  );
  const of = new Map(
    rows.map((row) => [`${textOf(row, "owner")} ${numberIn(row, "window_start")}`, row]),
  );
  return keys.map(({ hash }, at) => {
    const budget = budgets[at];
    if (budget === undefined) return undefined;
    const { windowStart } = windowOf(budget.reset, now);
    return standingOf(budget, of.get(`${hash} ${windowStart}`), now);
  });
}

/** The budget of a key alone; undefined where it has none. */
function budgetOf(key: ApiKey): CarbonBudget | undefined {
  const { carbonBudgetG: grams, carbonBudgetReset: reset = "monthly" } = key;
  return grams === undefined ? undefined : { grams, reset, action: key.carbonBudgetAction };
}

function standingOf(budget: CarbonBudget, row: Row | undefined, now: number): CarbonStanding {
  const { windowEnd = 0 } = windowOf(budget.reset, now);
  const usedG = (row === undefined ? 0 : (numberIn(row, "used") ?? 0)) / 1e6;
  return { budget, usedG, leftG: Math.max(0, budget.grams - usedG), resetsAt: windowEnd };
}

/** An action as the API writes it. */
export function actionRecord(kept: CarbonAction): "refuse" | { route_under_g_per_1k: number } {
  return kept === "refuse" ? kept : { route_under_g_per_1k: kept.routeUnderGPer1k };
}

function nameOf(accountId: string): string {
  return `carbon:${accountId}`;
}

/** Throws where the row is not what we wrote: an unread budget would be none. */
function budgetIn(text: string | undefined): CarbonBudget | undefined {
  return text === undefined ? undefined : v.parse(schema, JSON.parse(text));
}
