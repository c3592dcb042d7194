/** Decimal places that an exact amount holds. */
const places = 12;

/** 10 to the places of an exact amount. */
export const one = 10n ** BigInt(places);

/**
 * A decimal, as a multiple of 10^-12, so that prices add up without binary fractions. Reads "0.15", "15" and "1.5e-7";
 * digits beyond the twelfth are dropped. Throws for what is no non-negative decimal.
 */
export function decimal(text: string): bigint {
  const found = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (found === null) throw new RangeError(`Cannot read "${text}" as a decimal: write "0.15"`);
  const [, whole = "", fraction = "", exponent = "0"] = found;
  const shift = places - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction);
  return shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
}

/** The quotient of two non-negative integers to the nearest, half up. */
export function divideHalfUp(dividend: bigint, divisor: bigint): number {
  return Number((2n * dividend + divisor) / (2n * divisor));
}

/** The quotient of two non-negative integers, rounded up. */
export function divideUp(dividend: bigint, divisor: bigint): number {
  return Number((dividend + divisor - 1n) / divisor);
}
