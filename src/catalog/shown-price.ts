import { decimal, one } from "#src/catalog/decimal.ts";
import type { PriceRow, TokenPrices } from "#src/catalog/model.ts";
import type { Billing } from "#src/catalog/price.ts";

/** Decimal places: those of a price and those of a rate. */
const placesPerMillion = 12 + 12;

/** What one token is charged, in the currency, for USD per million of the catalogue: exact, as a decimal string. */
export function shownPerToken(price: string, billing: Billing): string {
  return text(charged(price, billing), placesPerMillion + 6);
}

/** Prices of the catalogue as they are charged: for a million tokens, in the currency, with the platform fee. */
export function shownPrices(rows: readonly PriceRow[], billing: Billing): PriceRow[] {
  if (billing.usdRate === 1 && billing.platformFeePer1k === 0) return [...rows];
  const shown = <T extends TokenPrices>(prices: T): T => {
    const all = { ...prices };
    for (const kind of kinds) {
      const price = prices[kind];
      if (price !== undefined) all[kind] = text(charged(price, billing), placesPerMillion);
    }
    return all;
  };
  return rows.map((row) => ({
    ...shown(row),
    ...(row.tiers === undefined ? {} : { tiers: row.tiers.map(shown) }),
  }));
}

/** A currency in the heading of a column. */
export function signOf(currency: string): string {
  return currency === "USD" ? "$" : currency;
}

const kinds = [
  "input",
  "output",
  "cacheRead",
  "cacheWrite",
  "cacheWrite1h",
  "reasoning",
] as const satisfies (keyof TokenPrices)[];

function charged(price: string, { usdRate, platformFeePer1k }: Billing): bigint {
  const fee = 1000n * decimal(String(platformFeePer1k));
  return decimal(price) * decimal(String(usdRate)) + fee * one;
}

function text(amount: bigint, places: number): string {
  const digits = String(amount).padStart(places + 1, "0");
  const at = digits.length - places;
  return `${digits.slice(0, at)}.${digits.slice(at)}`.replace(/\.?0+$/, "");
}
