/** Picowatt-hours in a watt-hour, picograms in a gram. */
const decimals = 12;
const one = 10n ** BigInt(decimals);

/**
 * A figure as a whole number of its billionth of a thousandth, rounded half up: watt-hours to picowatt-hours, grams to
 * picograms. Of the decimal digits that a record holds, so that the arithmetic of no machine comes in between.
 */
export function picoOf(value: number): bigint {
  const [, whole, fraction = "", exponent = "0"] =
    /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(value)) ?? [];
  if (whole === undefined) throw new RangeError(`Cannot round ${value}: it is no amount`);
  const digits = BigInt(whole + fraction);
  const shift = Number(exponent) - fraction.length + decimals;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  const rest = digits % divisor;
  return digits / divisor + (rest * 2n >= divisor ? 1n : 0n);
}

/** The same in the unit of which it is the pico, every digit: `0.094283200000`. */
export function decimalOf(pico: bigint): string {
  return `${pico / one}.${String(pico % one).padStart(decimals, "0")}`;
}

/** The same as a number, for showing it. */
export function unitsOf(pico: bigint): number {
  return Number(decimalOf(pico));
}
