import { decimal, one } from "#src/catalog/decimal.ts";
import type { Billing } from "#src/catalog/price.ts";

/** Decimal places: those of a price, those of a rate, and those of the million tokens that a price is for. */
const places = 12 + 12 + 6;

/** What one token is charged, in the currency, for USD per million of the catalogue: exact, as a decimal string. */
export function shownPerToken(price: string, billing: Billing): string {
  const fee = 1000n * decimal(String(billing.platformFeePer1k));
  return text(decimal(price) * decimal(String(billing.usdRate)) + fee * one);
}

function text(amount: bigint): string {
  const digits = String(amount).padStart(places + 1, "0");
  const at = digits.length - places;
  return `${digits.slice(0, at)}.${digits.slice(at)}`.replace(/\.?0+$/, "");
}
