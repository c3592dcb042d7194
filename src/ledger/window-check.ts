import { windowOf } from "#src/allowance/window.ts";
import { type Mismatch, named } from "#src/ledger/mismatch.ts";
import { admissionMs } from "#src/ledger/removal.ts";
import { numberIn, type Row, textOf } from "#src/store/store.ts";

/** A limit of a key, and its windows by their start; `isWhole` where the key had it through all of it. */
export interface Limit {
  kind: string;
  key: string;
  reset: "daily" | "weekly" | "monthly";
  windows: Map<
    number,
    { told: number; isWhole: boolean; least: number; most: number; rows: number }
  >;
}

/** The limits of each key with the windows that the database has of them. */
export function windowsOf(
  allowances: readonly Row[],
  keys: readonly Row[],
): ReadonlyMap<string, readonly Limit[]> {
  const limits = new Map<string, Limit[]>();
  const since = new Map<string, number>();
  for (const row of keys) {
    const key = textOf(row, "hash") ?? "";
    since.set(key, numberIn(row, "since") ?? 0);
    limits.set(key, limitsOf(key, row));
  }
  for (const row of allowances) {
    const owner = textOf(row, "owner") ?? "";
    const limit = limits.get(owner)?.find(({ kind }) => kind === textOf(row, "kind"));
    const start = numberIn(row, "window_start") ?? 0;
    if (limit === undefined || windowOf(limit.reset, start).windowStart !== start) continue;
    // Of a limit that came or was changed within a window, it is not known what counted: no more than all.
    const isWhole = (since.get(owner) ?? 0) < start;
    const told = numberIn(row, "used") ?? 0;
    limit.windows.set(start, { told, isWhole, least: 0, most: 0, rows: 0 });
  }
  return limits;
}

function limitsOf(key: string, row: Row): Limit[] {
  const kinds = [
    ["key_limit", "limit_nano", textOf(row, "limit_reset")],
    ["key_daily", "daily_limit_nano", "daily"],
    ["key_monthly", "monthly_limit_nano", "monthly"],
    ["carbon", "carbon_budget_g", textOf(row, "carbon_budget_reset") ?? "monthly"],
  ] as const;
  return kinds.flatMap(([kind, column, reset]) =>
    row[column] !== null && (reset === "daily" || reset === "weekly" || reset === "monthly")
      ? [{ kind, key, reset, windows: new Map() }]
      : [],
  );
}

/**
 * What rows that came in at one time spent. `isUntold`: nobody told the tokens of some, so that a carbon budget was charged by our
 * own count, which is no figure of the row.
 */
export type Spent = Record<"createdAt" | "cost" | "micrograms" | "rows", number> & {
  isUntold: boolean;
};

/** Counts it in the window of its time. */
export function addSpent({ kind, reset, windows }: Limit, spent: Spent): void {
  const { createdAt, rows } = spent;
  const amount = kind === "carbon" ? spent.micrograms : spent.cost;
  const [first, last] = [createdAt, createdAt + admissionMs].map((at) =>
    windows.get(windowOf(reset, at).windowStart),
  );
  for (const window of new Set([first, last])) {
    if (window === undefined) continue;
    window.most += kind === "carbon" && spent.isUntold ? Infinity : amount;
    if (first === last && window.isWhole) window.least += amount;
    window.rows += rows;
  }
}

/** Each window that says another sum than its rows. */
export function compareWindows({ kind, key, windows }: Limit): Mismatch[] {
  return [...windows].flatMap(([start, { told, least, most, rows }]) => {
    // Micrograms are rounded, by row or for all of them.
    const slack = kind === "carbon" ? rows : 0;
    if (told >= least - slack && told <= most + slack) return [];
    const range = most === Infinity ? `${least} or more` : `${least} to ${most}`;
    const counted = least === most ? String(most) : range;
    return [named(kind, { key, window: new Date(start).toISOString() }, String(told), counted)];
  });
}
