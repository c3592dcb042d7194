/**
 * Whole billionths of a thousandth: picowatt-hours of Wh, picograms of g. Each request is rounded to them once, and as
 * integers they add up to the same in any order.
 */
export type Pico = number;

/** Pico-units of one unit. */
export const picoPerUnit = 1e12;

/** An amount in pico-units, rounded to the nearest. Exact beyond 9,007 units too: a double has no fraction there. */
export function toPico(amount: number): Pico {
  return Math.round(amount * picoPerUnit);
}

/** Units of a sum that was split into whole units and the pico-units left over: the nearest double. */
export function fromPico(whole: number, rest: Pico): number {
  const sum = whole * picoPerUnit + rest;
  // One division rounds once; of a larger sum only its decimal text says all of it.
  return Number.isSafeInteger(sum)
    ? sum / picoPerUnit
    : Number(`${whole}.${String(rest).padStart(12, "0")}`);
}
