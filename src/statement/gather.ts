import { gramsOf } from "#src/eco/grams.ts";
import { baseVersion } from "#src/eco/measured.ts";
import { toPico } from "#src/eco/pico.ts";
import type { EcoTables } from "#src/eco/load.ts";
import { createBreath } from "#src/lib/breath.ts";
import { isObject } from "#src/lib/json.ts";
import { addTo, type Amount, type Bounded, noAmount } from "#src/statement/amount.ts";
import { type Bounds, createBounds } from "#src/statement/bounds.ts";
import type { LedgerRow } from "#src/statement/read.ts";
import { type HasGrid, reasonOf } from "#src/statement/reason.ts";
import type { Reason } from "#src/statement/statement.ts";

/** What requests have in common that a statement tells apart. */
export interface Place {
  /** Undefined: the statement is of one account. */
  account: string | undefined;
  methodology: string | undefined;
  model: string | undefined;
  provider: string | undefined;
  region: string | undefined;
  accuracy: string | undefined;
  location: string | undefined;
  gridZone: string | undefined;
  gridGPerKwh: number | undefined;
  /** The operator's measurement, where one was taken: Wh for 1,000 tokens, and the overhead that goes with it. */
  measuredWhPer1k: number | undefined;
  measuredPue: number | undefined;
  reason: Reason | undefined;
}

/** Requests of one place. */
export interface Tally {
  place: Place;
  amount: Amount;
  /** Unix milliseconds of the first and the last request. */
  first: number;
  last: number;
}

/** The part of a chain that the rows of a statement are in. */
export interface Head {
  chain: string;
  rows: number;
  firstSequence: number;
  sequence: number;
  hash: string;
}

/** Everything that was found in the rows. */
export interface Gathered {
  rows: number;
  tallies: Tally[];
  heads: Head[];
}

/** How rows are told apart. */
export interface GatherBy {
  tables: EcoTables;
  hasGrid: HasGrid;
  /** Whether accounts are told apart. */
  byAccount: boolean;
}

/** Adds rows up. Each is rounded once, then only whole numbers are added. */
export async function gather(
  rows: AsyncIterable<readonly LedgerRow[]>,
  by: GatherBy,
): Promise<Gathered> {
  const bounds = createBounds(by.tables);
  const tallies = new Map<string, Tally>();
  const heads = new Map<string, Head>();
  let count = 0;
  const breathe = createBreath();
  for await (const some of rows) {
    for (const row of some) {
      const pause = breathe();
      if (pause !== undefined) await pause;
      count++;
      follow(heads, row);
      const place = placeOf(row, by);
      const name = JSON.stringify(Object.values(place));
      const time = row.number("created_at") ?? 0;
      const tally = tallies.get(name) ?? { place, amount: noAmount(), first: time, last: time };
      tallies.set(name, tally);
      tally.first = Math.min(tally.first, time);
      tally.last = Math.max(tally.last, time);
      addTo(tally.amount, amountIn(row, place, bounds));
    }
  }
  return {
    rows: count,
    tallies: [...tallies.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, tally]) => tally),
    heads: [...heads.values()].toSorted((a, b) => (a.chain < b.chain ? -1 : 1)),
  };
}

function follow(heads: Map<string, Head>, { chain, sequence, hash }: LedgerRow): void {
  const head = heads.get(chain);
  if (head === undefined) {
    heads.set(chain, { chain, rows: 1, firstSequence: sequence, sequence, hash });
    return;
  }
  head.rows++;
  head.firstSequence = Math.min(head.firstSequence, sequence);
  if (sequence < head.sequence) return;
  head.sequence = sequence;
  head.hash = hash;
}

/** Members in one order, always: their values are its name. */
function placeOf(row: LedgerRow, { tables, hasGrid, byAccount }: GatherBy): Place {
  const hasEstimate = row.number("energy_wh") !== undefined && row.number("carbon_g") !== undefined;
  const methodology = hasEstimate ? row.text("methodology") : undefined;
  const isEstimated = methodology !== undefined;
  return {
    account: byAccount ? row.text("account_id") : undefined,
    methodology,
    model: row.text("model"),
    provider: row.text("provider"),
    region: row.text("region"),
    accuracy: isEstimated ? accuracyOf(row, methodology) : undefined,
    location: locationOf(row),
    gridZone: isEstimated ? row.text("grid_zone") : undefined,
    gridGPerKwh: isEstimated ? row.number("grid_g_per_kwh") : undefined,
    measuredWhPer1k: isEstimated ? row.number("measured_wh_per_1k") : undefined,
    measuredPue: isEstimated ? row.number("measured_pue") : undefined,
    reason: isEstimated ? undefined : reasonOf(row, tables, hasGrid),
  };
}

/** A measurement is as accurate as can be, but for another reason than a published size. */
function accuracyOf(row: LedgerRow, methodology: string): string | undefined {
  return baseVersion(methodology).measured ? "measured" : row.text("accuracy");
}

/** How the trace says that the place of the chosen route is known. */
function locationOf(row: LedgerRow): string | undefined {
  const trace = row.text("trace") ?? "";
  // Most of a trace is about routes that were not taken, and some have none.
  if (!trace.includes('"basis"')) return undefined;
  const entries: unknown = JSON.parse(trace);
  if (!Array.isArray(entries)) return undefined;
  const taken: unknown = entries.findLast((one) => isObject(one) && one["decision"] === "selected");
  const basis = isObject(taken) ? taken["basis"] : undefined;
  return typeof basis === "string" ? basis : undefined;
}

function amountIn(row: LedgerRow, place: Place, bounds: Bounds): Amount {
  const tokens = {
    input_fresh: row.number("input_fresh") ?? 0,
    cache_read: row.number("cache_read") ?? 0,
    cache_write_5m: row.number("cache_write_5m") ?? 0,
    cache_write_1h: row.number("cache_write_1h") ?? 0,
    output_visible: row.number("output_visible") ?? 0,
    reasoning: row.number("reasoning") ?? 0,
  };
  const amount = noAmount();
  amount.requests = 1;
  amount.uncounted = row.number("input_fresh") === undefined ? 1 : 0;
  amount.tokens = tokens;
  const { methodology, model = "", provider = "", gridGPerKwh } = place;
  if (methodology === undefined) return amount;
  amount.estimated = 1;
  const energyWh = row.number("energy_wh") ?? 0;
  const carbonG = row.number("carbon_g") ?? 0;
  const low = row.number("energy_wh_low");
  const high = row.number("energy_wh_high");
  const isRecorded = low !== undefined && high !== undefined && low <= energyWh && energyWh <= high;
  const ends = isRecorded
    ? { low, high }
    : bounds.of({
        methodology,
        model,
        provider,
        energyWh,
        output: tokens.output_visible + tokens.reasoning,
        freshPrompt: tokens.input_fresh + tokens.cache_write_5m + tokens.cache_write_1h,
        cachedPrompt: tokens.cache_read,
      });
  const isBounded = ends !== undefined && gridGPerKwh !== undefined;
  amount.unbounded = isBounded ? 0 : 1;
  amount.energy = boundedOf(energyWh, isBounded ? ends : undefined);
  amount.carbon = boundedOf(
    carbonG,
    isBounded
      ? { low: gramsOf(ends.low, gridGPerKwh), high: gramsOf(ends.high, gridGPerKwh) }
      : undefined,
  );
  return amount;
}

/** A figure, and both of its ends where they are known: each rounded once. */
function boundedOf(value: number, ends: { low: number; high: number } | undefined): Bounded {
  const { low, high } = ends ?? { low: value, high: value };
  return { value: wholePico(value), low: wholePico(low), high: wholePico(high) };
}

function wholePico(value: number): bigint {
  return BigInt(toPico(value));
}
