import * as v from "valibot";
import type { Generation } from "#src/ledger/generation.ts";
import type { HeadSigner } from "#src/ledger/heads.ts";
import { rollupOf, rollupPlace, rollupSums } from "#src/ledger/rollup.ts";
import { rfc3339 } from "#src/lib/clock.ts";

/** What removed rows came to at one place of the daily totals. */
export interface RemovedSum {
  /** In the order of `rollupPlace`. */
  place: readonly string[];
  /** Whether they came in so late on their day that they may count in the window after it. */
  isLate: boolean;
  /** In the order of `rollupSums`. */
  sums: readonly bigint[];
}

/** Rows that were removed from the beginning of what was left of a chain, as it is recorded. */
export interface Removal {
  chain: string;
  /** Places of the first and the last of them, both removed. */
  first: number;
  last: number;
  /** Hash that the first one followed, and that of the last. */
  previous: string;
  hash: string;
  /** When the newest of them came in, Unix milliseconds. */
  until: number;
  sums: readonly RemovedSum[];
}

/** A request has its id once it is admitted, and may then count in the window after the one that it came in in. */
export const admissionMs = 600_000;
const dayMs = 86_400_000;

/** Whole numbers, as text: a sum may be more than a double holds. */
const sumsText = v.pipe(v.string(), v.regex(/^-?\d+( -?\d+)*$/));
const recordSchema = v.strictObject({
  removal: v.literal(1),
  time: v.string(),
  chain: v.string(),
  first: v.number(),
  last: v.number(),
  previous: v.string(),
  hash: v.string(),
  until: v.number(),
  sums: v.array(
    v.strictTuple([v.array(v.string()), v.union([v.literal(0), v.literal(1)]), sumsText]),
  ),
  key: v.string(),
});

/** The record of a removal, and the signature over it. */
export interface SignedRemoval {
  record: string;
  signature: string;
}

/** Writes one down. */
export function signRemoval(removal: Removal, now: number, signer: HeadSigner): SignedRemoval {
  const { chain, first, last, previous, hash, until, sums } = removal;
  const record = JSON.stringify({
    removal: 1,
    time: rfc3339(now),
    ...{ chain, first, last, previous, hash, until },
    sums: sums.map(({ place, isLate, sums: all }) => [place, isLate ? 1 : 0, all.join(" ")]),
    key: signer.id,
  });
  return { record, signature: signer.sign(record) };
}

/** What a record says, and the id of the key that signed it; undefined for what is none. Whether it is true, the signature tells. */
export function readRemoval(record: string): (Removal & { key: string }) | undefined {
  try {
    const value: unknown = JSON.parse(record);
    const parsed = v.safeParse(recordSchema, value);
    // Other texts of the same value were not written by us.
    if (!parsed.success || JSON.stringify(parsed.output) !== record) return undefined;
    const { sums, ...rest } = parsed.output;
    const read = sums.map(([place, late, text]) => ({
      place,
      isLate: late === 1,
      sums: text.split(" ").map(BigInt),
    }));
    const isWhole = read.every(
      (one) => one.place.length === rollupPlace.length && one.sums.length === rollupSums.length,
    );
    return isWhole ? { ...rest, sums: read } : undefined;
  } catch {
    // No JSON is no record.
    return undefined;
  }
}

/** What rows come to, by their places. */
export function removedSums(rows: readonly Generation[]): RemovedSum[] {
  const found = new Map<string, { place: string[]; isLate: boolean; sums: bigint[] }>();
  for (const row of rows) {
    const { place, amounts } = rollupOf(row);
    const isLate = row.createdAt % dayMs >= dayMs - admissionMs;
    const name = JSON.stringify([place, isLate]);
    let sum = found.get(name);
    if (sum === undefined) found.set(name, (sum = { place, isLate, sums: amounts.map(() => 0n) }));
    for (const [at, amount] of amounts.entries())
      sum.sums[at] = (sum.sums[at] ?? 0n) + wholeOf(amount);
  }
  return [...found.values()];
}

/** An amount as an integer; what was changed by hand need be none. */
export function wholeOf(amount: number): bigint {
  return Number.isFinite(amount) ? BigInt(Math.round(amount)) : 0n;
}

/** One of the sums by its name. */
export function sumIn({ sums }: RemovedSum, name: (typeof rollupSums)[number]): bigint {
  return sums[rollupSums.indexOf(name)] ?? 0n;
}

/** A time at which all rows of a sum may be said to have come in: they count in the same windows. */
export function timeOf({ place, isLate }: RemovedSum): number {
  const day = Date.parse(place[rollupPlace.indexOf("day")] ?? "");
  return isLate ? day + dayMs - 1 : day;
}
