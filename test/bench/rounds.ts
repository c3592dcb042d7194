import { measure, type Load, type Measured } from "#test/bench/measure.ts";
import { median } from "#test/bench/samples.ts";
import type { Target, TargetName } from "#test/bench/target.ts";

/** How often and how long each target is measured. */
export interface Rounds {
  count: number;
  seconds: number;
  /** Load before the first round, for compilers and pools. */
  warmSeconds: number;
}

/** Results by target, one per round, in the order of the rounds. */
export type Results = ReadonlyMap<TargetName, readonly Measured[]>;

/**
 * Measures the targets in turn, round after round: what else the machine does falls on all alike.
 * Each round starts with another target.
 */
export async function inRounds(
  targets: ReadonlyMap<TargetName, Target>,
  load: Omit<Load, "until">,
  { count, seconds, warmSeconds }: Rounds,
): Promise<Results> {
  const { rate: _, ...fullSpeed } = load;
  for (const target of targets.values()) {
    await measure(target, { ...fullSpeed, until: { seconds: warmSeconds } });
  }
  const results = new Map<TargetName, Measured[]>();
  const order = [...targets];
  for (let round = 0; round < count; round++) {
    for (const [name, target] of order) {
      const measured = await measure(target, { ...load, until: { seconds } });
      results.set(name, [...(results.get(name) ?? []), measured]);
    }
    order.push(...order.splice(0, 1));
  }
  return results;
}

/** Middle of one figure over the rounds that have it. */
export function middle(
  measured: readonly Measured[],
  read: (one: Measured) => number | undefined,
): number | undefined {
  return median(measured.map(read).filter((value) => value !== undefined));
}

/** Middle of a figure compared, round by round, with the same round of another target. */
export function compare(
  measured: readonly Measured[],
  base: readonly Measured[] | undefined,
  combine: (one: Measured, other: Measured) => number | undefined,
): number | undefined {
  const pairs = measured.map((one, round) => {
    const other = base?.[round];
    return other === undefined ? undefined : combine(one, other);
  });
  return median(pairs.filter((value) => value !== undefined));
}
