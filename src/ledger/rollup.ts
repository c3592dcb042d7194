import { gramsOf } from "#src/eco/grams.ts";
import { toPico } from "#src/eco/pico.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { dayOf } from "#src/lib/clock.ts";
import type { Statement } from "#src/store/store.ts";

/** Columns that name a total. */
export const rollupPlace = [
  "day",
  "account",
  "key",
  "user",
  "model",
  "provider",
  "region",
  "methodology",
] as const;
/** Columns that add up, integers all. */
export const rollupSums = [
  "requests",
  "input_fresh",
  "cache_read",
  "cache_write_5m",
  "cache_write_1h",
  "output_visible",
  "reasoning",
  "cost",
  "upstream_cost",
  "byok_cost",
  "without_eco",
  "errors",
  "energy_pwh",
  "carbon_pg",
  "energy_low_pwh",
  "energy_high_pwh",
  "carbon_low_pg",
  "carbon_high_pg",
  "without_bounds",
] as const;

const sums = rollupSums;
const addSums = `INSERT INTO rollup (${rollupPlace.join(", ")}, ${sums.join(", ")})
VALUES (${Array.from({ length: rollupPlace.length + sums.length }, () => "?").join(", ")})
ON CONFLICT DO UPDATE SET ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;

interface Total {
  of: Generation;
  day: string;
  sum: number[];
}

/** Statements that add generations to the daily totals, one for each combination of dimensions, or a few where sums are large. */
export function writeRollups(generations: readonly Generation[]): Statement[] {
  const statements: Statement[] = [];
  const totals = new Map<string, Total>();
  let last: Total | undefined;
  for (const generation of generations) {
    const day = dayOf(generation.createdAt);
    // Those that end together are often alike: no name has to be made for them.
    if (last === undefined || last.day !== day || !isAlike(last.of, generation)) {
      const name = placeOf(generation, day).join("\n");
      last = totals.get(name);
      if (last === undefined)
        totals.set(name, (last = { of: generation, day, sum: sums.map(() => 0) }));
    }
    const amounts = amountsOf(generation);
    // Beyond it a sum would round, and depend on what was added first: the database adds these.
    if (isBeyond(last.sum, amounts)) {
      statements.push({ sql: addSums, args: [...placeOf(last.of, day), ...last.sum] });
      last.sum.fill(0);
    }
    for (let at = 0; at < sums.length; at++)
      last.sum[at] = (last.sum[at] ?? 0) + (amounts[at] ?? 0);
  }
  for (const { of, day, sum } of totals.values())
    statements.push({ sql: addSums, args: [...placeOf(of, day), ...sum] });
  return statements;
}

/** Whether a sum would be more than an integer of a double is. */
function isBeyond(sum: readonly number[], amounts: readonly number[]): boolean {
  for (let at = 0; at < sum.length; at++)
    if ((sum[at] ?? 0) + (amounts[at] ?? 0) > Number.MAX_SAFE_INTEGER) return true;
  return false;
}

/** The total that a generation belongs to, and what it adds there: in the order of `rollupPlace` and `rollupSums`. */
export function rollupOf(generation: Generation): { place: string[]; amounts: number[] } {
  const place = placeOf(generation, dayOf(generation.createdAt));
  return { place, amounts: amountsOf(generation) };
}

function isAlike(one: Generation, other: Generation): boolean {
  return (
    one.keyId === other.keyId &&
    one.model === other.model &&
    one.provider === other.provider &&
    one.region === other.region &&
    one.user === other.user &&
    one.methodology === other.methodology &&
    one.accountId === other.accountId
  );
}

function placeOf(row: Generation, day: string): string[] {
  return [
    day,
    row.accountId,
    row.keyId,
    row.user?.toWellFormed().replaceAll("\0", "\ufffd") ?? "",
    row.model ?? "",
    row.provider ?? "",
    row.region ?? "",
    row.methodology ?? "",
  ];
}

/** In the order of `sums`. The cost of a request on the caller's own key is kept apart: it was not paid to us. */
function amountsOf(row: Generation): number[] {
  const { tokens, upstreamCost = 0, energyBounds: energy, gridGPerKwh } = row;
  const hasBounds = energy !== undefined && gridGPerKwh !== undefined;
  return [
    1,
    tokens?.inputFresh ?? 0,
    tokens?.cacheRead ?? 0,
    tokens?.cacheWrite5m ?? 0,
    tokens?.cacheWrite1h ?? 0,
    tokens?.outputVisible ?? 0,
    tokens?.reasoning ?? 0,
    row.cost ?? 0,
    upstreamCost,
    row.isByok ? upstreamCost : 0,
    row.carbonG === undefined ? 1 : 0,
    row.status === "ok" ? 0 : 1,
    toPico(row.energyWh ?? 0),
    toPico(row.carbonG ?? 0),
    hasBounds ? toPico(energy.low) : 0,
    hasBounds ? toPico(energy.high) : 0,
    hasBounds ? toPico(gramsOf(energy.low, gridGPerKwh)) : 0,
    hasBounds ? toPico(gramsOf(energy.high, gridGPerKwh)) : 0,
    row.carbonG === undefined || hasBounds ? 0 : 1,
  ];
}
