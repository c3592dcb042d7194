import { windowOf } from "#src/allowance/window.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { dayOf } from "#src/lib/clock.ts";
import { numberIn, type Row, type Store, textOf } from "#src/store/store.ts";

/** What a key spent: in all, and since the start of the UTC day, week and month. */
export interface KeyUsage {
  total: NanoUnits;
  daily: NanoUnits;
  weekly: NanoUnits;
  monthly: NanoUnits;
}

/** What keys spent with us and, on own provider keys, elsewhere. */
export interface KeyUsages {
  own: KeyUsage;
  byok: KeyUsage;
}

/** Usage of a key by its hash, from the daily totals. */
export async function usageOf(store: Store, hash: string, now: number): Promise<KeyUsages> {
  const [row] = await store.read(
    `SELECT ${sumsOf("cost")}, ${sumsOf("byok_cost")} FROM rollup WHERE "key" = ?1`,
    [hash, dayOf(now), ...starts(now)],
  );
  return usagesIn(row);
}

/** Of a key that was never used. */
export const noUsage: KeyUsages = usagesIn(undefined);

function usagesIn(row: Row | undefined): KeyUsages {
  const read = (name: string): NanoUnits => nano(numberIn(row, name) ?? 0);
  const usage = (column: string): KeyUsage => ({
    total: read(`${column}_total`),
    daily: read(`${column}_daily`),
    weekly: read(`${column}_weekly`),
    monthly: read(`${column}_monthly`),
  });
  return { own: usage("cost"), byok: usage("byok_cost") };
}

/** Usage of several keys, by their hashes; none for a key that was never used. */
export async function usagesOf(
  store: Store,
  hashes: readonly string[],
  now: number,
): Promise<Map<string, KeyUsages>> {
  const rows = await store.read(
    `SELECT "key", ${sumsOf("cost")}, ${sumsOf("byok_cost")} FROM rollup
      WHERE "key" IN (SELECT value FROM json_each(?1)) GROUP BY "key"`,
    [JSON.stringify(hashes), dayOf(now), ...starts(now)],
  );
  return new Map(rows.map((row) => [textOf(row, "key") ?? "", usagesIn(row)]));
}

function starts(now: number): string[] {
  return [dayOf(windowOf("weekly", now).windowStart), dayOf(windowOf("monthly", now).windowStart)];
}

function sumsOf(column: string): string {
  return `sum(${column}) AS ${column}_total,
    sum(CASE WHEN "day" >= ?2 THEN ${column} END) AS ${column}_daily,
    sum(CASE WHEN "day" >= ?3 THEN ${column} END) AS ${column}_weekly,
    sum(CASE WHEN "day" >= ?4 THEN ${column} END) AS ${column}_monthly`;
}
