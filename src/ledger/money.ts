/** Integer nano-units of the configured currency: 1 unit = 1,000,000,000 nano-units. Safe to 9 million units. */
export type NanoUnits = number & { readonly __unit: "nano" };

const perUnit = 1_000_000_000;

/** What an account may hold and a limit be, in units: below what nano-units hold exactly. */
export const mostUnits = 9_000_000;

/** An amount as nano-units. Throws RangeError beyond what an integer holds exactly. */
export function nano(amount: number): NanoUnits {
  if (!Number.isSafeInteger(amount)) {
    throw new RangeError(`Cannot hold ${amount} nano-units exactly`);
  }
  return amount as NanoUnits;
}

/** Whole currency units to nano-units, rounded to the nearest. */
export function fromUnits(units: number): NanoUnits {
  return nano(Math.round(units * perUnit));
}

/** Nano-units to currency units, for people and JSON. */
export function toUnits(amount: number): number {
  return amount / perUnit;
}

/** Nano-units to credits; a credit is one hundredth of a unit. */
export function toCredits(amount: number): number {
  return amount / (perUnit / 100);
}
