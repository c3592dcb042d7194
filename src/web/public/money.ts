import { signOf } from "#src/catalog/shown-price.ts";
import type { Config } from "#src/config/load.ts";
import { figure } from "#src/web/format.ts";

/** What prices for a million tokens are told in. */
export interface Money {
  /** For headings: "$" or the name of the currency. */
  sign: string;
  /** For a sentence: what the prices are, and what of them is this gateway's. */
  words: string;
}

/** The configured currency, and the platform fee where there is one. */
export function moneyOf({ currency, platformFeePer1k }: Config["billing"]): Money {
  const name = currency === "USD" ? "US dollars" : currency;
  const fee =
    platformFeePer1k === 0
      ? ""
      : `, ${figure(platformFeePer1k * 1000)} of them the fee of this gateway`;
  return { sign: signOf(currency), words: `${name} for a million tokens${fee}` };
}
