import { nano, type NanoUnits } from "#src/ledger/money.ts";

/**
 * Currencies whose smallest unit is not a hundredth, as Stripe counts: those that are here with 2 besides are counted in
 * hundredths all the same. Source: Stripe's documentation, "Supported currencies", zero-decimal and three-decimal currencies.
 */
const withoutDecimals = new Set(
  "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "),
);
const withThree = new Set("BHD JOD KWD OMR TND".split(" "));

const nanoDigits = 9;

/** Digits of a currency behind the point. */
export function digitsOf(currency: string): 0 | 2 | 3 {
  if (withoutDecimals.has(currency)) return 0;
  return withThree.has(currency) ? 3 : 2;
}

/** An amount in the currency's smallest unit; undefined where it is no whole number of what can be paid. */
export function minorOf(amount: NanoUnits, currency: string): number | undefined {
  const digits = digitsOf(currency);
  const minor = amount / 10 ** (nanoDigits - digits);
  // Cards pay hundredths there too.
  const step = digits === 3 ? 10 : 1;
  return Number.isInteger(minor / step) ? minor : undefined;
}

/** An amount of the currency's smallest unit. */
export function nanoOf(minor: number, currency: string): NanoUnits {
  return nano(minor * 10 ** (nanoDigits - digitsOf(currency)));
}

/** What of a payment becomes credit: all but the percent that is kept, rounded down to a nano-unit. */
export function creditOf(price: NanoUnits, feePct: number): NanoUnits {
  return nano(price - Math.ceil((price * feePct) / 100));
}
