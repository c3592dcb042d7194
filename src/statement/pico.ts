/** Digits after the point of a figure in pico-units. */
const decimals = 12;
const one = 10n ** BigInt(decimals);

/** Pico-units in the unit of which they are the pico, every digit: `0.094283200000`. */
export function decimalOf(pico: bigint): string {
  return `${pico / one}.${String(pico % one).padStart(decimals, "0")}`;
}
