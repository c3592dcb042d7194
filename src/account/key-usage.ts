import { windowOf } from "#src/allowance/window.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { openDay } from "#src/ledger/rollups.ts";
import { type Clock, dayOf } from "#src/lib/clock.ts";
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

/** Of a key that was never used. */
export const noUsage: KeyUsages = usagesOf(undefined);

function usagesOf(row: Row | undefined): KeyUsages {
  const read = (name: string): NanoUnits => nano(numberIn(row, name) ?? 0);
  const usage = (column: string): KeyUsage => ({
    total: read(`${column}_total`),
    daily: read(`${column}_daily`),
    weekly: read(`${column}_weekly`),
    monthly: read(`${column}_monthly`),
  });
  return { own: usage("cost"), byok: usage("byok_cost") };
}

/** What keys spent, for whoever asks often. */
export interface KeySpend {
  /** By their hashes, in that order. */
  of(hashes: readonly string[]): Promise<KeyUsages[]>;
  /** The key is deleted: nobody asks for it again. */
  forget(hash: string): void;
}

/** How long sums over days that are over are kept, milliseconds. */
const keptMs = 600_000;
/** Keys whose sums are kept. */
const keptKeys = 10_000;

/**
 * Makes one. A key of a year has a hundred thousand daily totals: those of days that are over are added up on a thread of their own
 * and kept for ten minutes; only what may still change is read each time.
 */
export function createKeySpend({
  store,
  clock,
}: {
  store: Pick<Store, "read" | "snapshot">;
  clock: Clock;
}): KeySpend {
  let kept = new Map<string, { at: number; usages: KeyUsages }>();
  let days = "";

  return {
    async of(hashes) {
      const now = clock.now();
      const openFrom = openDay(now);
      // Week and month begin with the day of the reader's clock, which turns before the last day is over for good.
      const today = `${dayOf(now)} ${openFrom}`;
      if (today !== days || kept.size > keptKeys) {
        kept = new Map();
        days = today;
      }
      const known = kept;
      // The oldest come first.
      for (const [hash, { at }] of known) {
        if (now - at < keptMs) break;
        known.delete(hash);
      }
      // Taken before anything is waited for: meanwhile they may grow old, or be forgotten.
      const past = new Map<string, KeyUsages>();
      for (const hash of hashes) {
        const one = known.get(hash);
        if (one !== undefined && now - one.at < keptMs) past.set(hash, one.usages);
      }
      const unknown = hashes.filter((hash) => !past.has(hash));
      if (unknown.length > 0) {
        // In an order of its own: the thread would else add up the first key alone, and this one the others as it reads them.
        const sql = `${sumsWhere('"day" < ?5')} ORDER BY 2`;
        const asked = { sql, args: argsOf(unknown, now, openFrom) };
        const [rows = []] = await store.snapshot([asked]);
        const found = usagesIn(rows);
        for (const hash of unknown) {
          const usages = found.get(hash) ?? noUsage;
          past.set(hash, usages);
          known.delete(hash);
          known.set(hash, { at: now, usages });
        }
      }
      const open = await store.read(sumsWhere('"day" >= ?5'), argsOf(hashes, now, openFrom));
      const since = usagesIn(open);
      return hashes.map((hash) => sumOf(past.get(hash) ?? noUsage, since.get(hash) ?? noUsage));
    },
    forget: (hash) => void kept.delete(hash),
  };
}

/** Usage of one key, at once. */
export async function usageOf(store: Store, hash: string, now: number): Promise<KeyUsages> {
  const rows = await store.read(sumsWhere('"day" >= ?5'), argsOf([hash], now, ""));
  return usagesIn(rows).get(hash) ?? noUsage;
}

function sumsWhere(days: string): string {
  return `SELECT "key", ${sumsOf("cost")}, ${sumsOf("byok_cost")} FROM rollup
WHERE "key" IN (SELECT value FROM json_each(?1)) AND ${days} GROUP BY "key"`;
}

function argsOf(hashes: readonly string[], now: number, openFrom: string): string[] {
  const { weekly, monthly } = startsOf(now);
  return [JSON.stringify(hashes), dayOf(now), weekly, monthly, openFrom];
}

function startsOf(now: number) {
  const start = (reset: "weekly" | "monthly") => dayOf(windowOf(reset, now).windowStart);
  return { weekly: start("weekly"), monthly: start("monthly") };
}

function usagesIn(rows: readonly Row[]): Map<string, KeyUsages> {
  return new Map(rows.map((row) => [textOf(row, "key") ?? "", usagesOf(row)]));
}

function sumOf(one: KeyUsages, other: KeyUsages): KeyUsages {
  const sum = (a: KeyUsage, b: KeyUsage): KeyUsage => ({
    total: nano(a.total + b.total),
    daily: nano(a.daily + b.daily),
    weekly: nano(a.weekly + b.weekly),
    monthly: nano(a.monthly + b.monthly),
  });
  return { own: sum(one.own, other.own), byok: sum(one.byok, other.byok) };
}

function sumsOf(column: string): string {
  return `sum(${column}) AS ${column}_total,
    sum(CASE WHEN "day" >= ?2 THEN ${column} END) AS ${column}_daily,
    sum(CASE WHEN "day" >= ?3 THEN ${column} END) AS ${column}_weekly,
    sum(CASE WHEN "day" >= ?4 THEN ${column} END) AS ${column}_monthly`;
}
