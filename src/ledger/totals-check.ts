import { type Mismatch, named } from "#src/ledger/mismatch.ts";
import { type RemovedSum, sumIn, timeOf, wholeOf } from "#src/ledger/removal.ts";
import { generationOf } from "#src/ledger/row.ts";
import { rollupOf, rollupPlace, rollupSums } from "#src/ledger/rollup.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { addSpent, compareWindows, windowsOf } from "#src/ledger/window-check.ts";
import { numberIn, type Row, type Statement, textOf } from "#src/store/store.ts";

const picoSums = rollupSums.filter((name) => /_p(wh|g)$/.test(name));

/** Sums as they stand, for a snapshot with the moment that the rows are read at. */
export const sumStatements: readonly Statement[] = [
  {
    sql: `SELECT ${rollupPlace.map((name) => `"${name}"`).join(", ")}, ${rollupSums
      .map((name) => `CAST(${name} AS TEXT) AS ${name}`)
      .join(", ")} FROM rollup`,
    args: [],
  },
  {
    sql: `SELECT kind, owner, window_start, granted, used FROM allowance
WHERE kind IN ('credit', 'key_limit', 'key_daily', 'key_monthly', 'carbon')`,
    args: [],
  },
  {
    sql: "SELECT account_id, sum(amount) AS amount FROM ledger_entry GROUP BY account_id",
    args: [],
  },
  {
    sql: `SELECT hash, coalesce(updated_at, created_at) AS since, limit_nano, limit_reset, daily_limit_nano, monthly_limit_nano,
carbon_budget_g, carbon_budget_reset FROM api_key`,
    args: [],
  },
  { sql: "SELECT account_id, cost, requests FROM removed_usage", args: [] },
];

/** Adds up rows, and compares the sums of the database with what they come to. */
export interface TotalsCheck {
  add(record: string): void;
  /** Rows that were removed, by what is recorded of them. */
  addRemoved(sum: RemovedSum): void;
  /** Every sum that is another; the largest database has few, and a tampered one at least one. */
  mismatches(): Mismatch[];
}

/** Makes one of what `sumStatements` found at the moment of the last row. Memory grows with the totals, not with the rows. */
export function createTotalsCheck([
  rollups = [],
  allowances = [],
  entries = [],
  keys = [],
  carried = [],
]: readonly Row[][]): TotalsCheck {
  const totals = new Map<string, { place: string[]; sums: bigint[] }>();
  const costs = new Map<string, number>();
  const removed = new Map<string, { cost: number; requests: number }>();
  const windows = windowsOf(allowances, keys);

  function addSums(place: readonly string[], amounts: readonly bigint[]): void {
    const name = JSON.stringify(place);
    let total = totals.get(name);
    if (total === undefined)
      totals.set(name, (total = { place: [...place], sums: amounts.map(() => 0n) }));
    for (const [at, amount] of amounts.entries()) total.sums[at] = (total.sums[at] ?? 0n) + amount;
  }

  function addRow(row: Generation): void {
    const { place, amounts } = rollupOf(row);
    addSums(place, amounts.map(wholeOf));
    const { accountId, keyId, cost = 0, createdAt, carbonG = 0 } = row;
    costs.set(accountId, (costs.get(accountId) ?? 0) + cost);
    const micrograms = Math.round(carbonG * 1e6);
    const isUntold = row.carbonG === undefined && row.settlement === "estimated";
    for (const limit of windows.get(keyId) ?? [])
      addSpent(limit, { createdAt, cost, micrograms, rows: 1, isUntold });
  }

  function addRemoved(sum: RemovedSum): void {
    addSums(sum.place, sum.sums);
    const { account = "", key = "" } = placeOf(sum.place);
    const [cost, rows] = [Number(sumIn(sum, "cost")), Number(sumIn(sum, "requests"))];
    costs.set(account, (costs.get(account) ?? 0) + cost);
    const before = removed.get(account) ?? { cost: 0, requests: 0 };
    removed.set(account, { cost: before.cost + cost, requests: before.requests + rows });
    const micrograms = Math.round(Number(sumIn(sum, "carbon_pg")) / 1e6);
    const isUntold = sumIn(sum, "without_eco") > 0n;
    for (const limit of windows.get(key) ?? [])
      addSpent(limit, { createdAt: timeOf(sum), cost, micrograms, rows, isUntold });
  }

  return {
    add(record) {
      let row: Generation;
      try {
        row = generationOf(record);
      } catch {
        // The chain names a row that is none any more; the sums will miss it.
        return;
      }
      addRow(row);
    },
    addRemoved,
    mismatches: () => [
      ...compareTotals(rollups, totals),
      ...compareCarried(carried, removed),
      ...compareCredit(allowances, entries, costs),
      ...[...windows.values()].flat().flatMap(compareWindows),
    ],
  };
}

function compareTotals(
  rollups: readonly Row[],
  totals: ReadonlyMap<string, { place: string[]; sums: bigint[] }>,
): Mismatch[] {
  const missing = new Map(totals);
  const found = rollups.flatMap((row) => {
    const place = rollupPlace.map((name) => textOf(row, name) ?? "");
    const name = JSON.stringify(place);
    const counted = totals.get(name)?.sums ?? rollupSums.map(() => 0n);
    missing.delete(name);
    return rollupSums.flatMap((sum, at) => {
      const told = whole(textOf(row, sum));
      return mismatchOf(place, sum, told, counted[at] ?? 0n, counted[0] ?? 0n);
    });
  });
  const absent = [...missing.values()].map(({ place, sums }) =>
    named("total", placeOf(place), "nothing", `${sums[0] ?? 0n} requests`),
  );
  return [...found, ...absent];
}

function mismatchOf(
  place: readonly string[],
  sum: (typeof rollupSums)[number],
  told: bigint | undefined,
  counted: bigint,
  requests: bigint,
): Mismatch[] {
  // The database reads decimal text to the last bit but one, so a row that it rounded itself in an upgrade may have come
  // to the integer beside.
  const slack = picoSums.includes(sum) ? requests : 0n;
  const apart = told === undefined ? undefined : told > counted ? told - counted : counted - told;
  if (apart !== undefined && apart <= slack) return [];
  return [named("total", { ...placeOf(place), sum }, String(told ?? "no number"), String(counted))];
}

function compareCredit(
  allowances: readonly Row[],
  entries: readonly Row[],
  costs: ReadonlyMap<string, number>,
): Mismatch[] {
  const credits = new Map(
    allowances.flatMap((row) =>
      textOf(row, "kind") === "credit" ? [[textOf(row, "owner") ?? "", row] as const] : [],
    ),
  );
  const granted = new Map(
    entries.map((row) => [textOf(row, "account_id") ?? "", numberIn(row, "amount") ?? 0]),
  );
  const accounts = new Set([...credits.keys(), ...granted.keys(), ...costs.keys()]);
  return [...accounts].flatMap((account) => {
    const row = credits.get(account);
    const pairs = [
      ["used", numberIn(row, "used") ?? 0, costs.get(account) ?? 0],
      ["granted", numberIn(row, "granted") ?? 0, granted.get(account) ?? 0],
    ] as const;
    return pairs.flatMap(([sum, told, counted]) =>
      told === counted ? [] : [named("credit", { account, sum }, String(told), String(counted))],
    );
  });
}

/** What is brought forward as one transaction has to be what the removed rows came to. */
function compareCarried(
  rows: readonly Row[],
  removed: ReadonlyMap<string, { cost: number; requests: number }>,
): Mismatch[] {
  const carried = new Map(rows.map((row) => [textOf(row, "account_id") ?? "", row]));
  const accounts = new Set([...carried.keys(), ...removed.keys()]);
  return [...accounts].flatMap((account) => {
    const counted = removed.get(account) ?? { cost: 0, requests: 0 };
    return (["cost", "requests"] as const).flatMap((sum) => {
      const told = numberIn(carried.get(account), sum) ?? 0;
      if (told === counted[sum]) return [];
      return [named("removed usage", { account, sum }, String(told), String(counted[sum]))];
    });
  });
}

function placeOf(place: readonly string[]): Record<string, string> {
  return Object.fromEntries(rollupPlace.map((name, at) => [name, place[at] ?? ""]));
}

function whole(text: string | undefined): bigint | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}
