import type { Endpoint, PriceRow, TokenPrices } from "#src/catalog/model.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { inputTokens } from "#src/dialect/usage.ts";

/** How catalogue prices become charges. */
export interface Billing {
  /** Currency units per USD. */
  usdRate: number;
  /** Currency units per 1,000 tokens, on top. */
  platformFeePer1k: number;
}

/** A priced usage, in nano-units of the currency. */
export interface Priced {
  total: number;
  prompt: number;
  completion: number;
  /** At the provider, before the platform fee. */
  upstream: number;
}

/** The prices that hold on a day (YYYY-MM-DD), or undefined where the catalogue has none. */
export function pricesOn(endpoint: Endpoint, day: string): PriceRow | undefined {
  return endpoint.prices.findLast((row) => row.from === undefined || row.from <= day);
}

/** Classes of a price row, parsed: pico-USD per token, which are integers for prices of up to six decimals. */
interface Rates {
  fresh: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  visible: number;
  reasoning: number;
  tiers: { above: number; rates: Rates }[];
}

const parsed = new WeakMap<TokenPrices, Rates>();

function ratesOf(row: TokenPrices & { tiers?: PriceRow["tiers"] }): Rates {
  const known = parsed.get(row);
  if (known) return known;
  const input = picoUsd(row.input);
  const output = picoUsd(row.output);
  const cacheWrite5m = picoUsd(row.cacheWrite ?? row.input);
  const rates: Rates = {
    fresh: input,
    cacheRead: picoUsd(row.cacheRead ?? row.input),
    cacheWrite5m,
    cacheWrite1h: row.cacheWrite1h === undefined ? cacheWrite5m : picoUsd(row.cacheWrite1h),
    visible: output,
    reasoning: row.reasoning === undefined ? output : picoUsd(row.reasoning),
    tiers: (row.tiers ?? [])
      .map((tier) => ({ above: tier.aboveInputTokens, rates: ratesOf(tier) }))
      .toSorted((a, b) => b.above - a.above),
  };
  parsed.set(row, rates);
  return rates;
}

/** USD per million tokens, a decimal string, as pico-USD per token. The point is moved in the text: 0.075 * 1e6 would be inexact. */
function picoUsd(price: string): number {
  return Number(`${price}e6`);
}

const picoPerNano = 1000;
/** 1 currency unit per 1,000 tokens is a million nano-units per token. */
const nanoPerFee = 1_000_000;

/** What a usage costs at an endpoint on a day; undefined where the price is unknown. Rounded half up, once per part. */
export function priceUsage(
  endpoint: Endpoint,
  usage: Usage,
  day: string,
  billing: Billing,
): Priced | undefined {
  const row = pricesOn(endpoint, day);
  if (row === undefined) return undefined;
  const rates = tierFor(ratesOf(row), inputTokens(usage));
  const { input, output } = usage;
  // Sums are exact below 9,000 USD; the rate and the division come last, so that halves stay halves.
  const nanoUnits = (pico: number): number => (pico * billing.usdRate) / picoPerNano;
  const prompt = nanoUnits(
    input.fresh * rates.fresh +
      input.cacheRead * rates.cacheRead +
      input.cacheWrite5m * rates.cacheWrite5m +
      input.cacheWrite1h * rates.cacheWrite1h,
  );
  const completion = nanoUnits(output.visible * rates.visible + output.reasoning * rates.reasoning);
  const fee = billing.platformFeePer1k * nanoPerFee;
  const charged = {
    prompt: round(prompt + fee * inputTokens(usage)),
    completion: round(completion + fee * (output.visible + output.reasoning)),
  };
  return {
    ...charged,
    total: charged.prompt + charged.completion,
    upstream: round(prompt) + round(completion),
  };
}

/** The most that a request can cost: every token at the dearest class and tier. Undefined where the price is unknown. */
export function priceAtMost(
  endpoint: Endpoint,
  inputs: number,
  outputs: number,
  day: string,
  billing: Billing,
): number | undefined {
  const row = pricesOn(endpoint, day);
  if (row === undefined) return undefined;
  const rates = ratesOf(row);
  const reachable = [
    rates,
    ...rates.tiers.filter((tier) => inputs > tier.above).map((tier) => tier.rates),
  ];
  const input = Math.max(
    ...reachable.flatMap((tier) => [
      tier.fresh,
      tier.cacheRead,
      tier.cacheWrite5m,
      tier.cacheWrite1h,
    ]),
  );
  const output = Math.max(...reachable.flatMap((tier) => [tier.visible, tier.reasoning]));
  const fee = billing.platformFeePer1k * nanoPerFee * (inputs + outputs);
  const cost = ((inputs * input + outputs * output) * billing.usdRate) / picoPerNano;
  // One nano-unit more per part: each is rounded on its own when it is charged.
  return Math.ceil(cost + fee) + 2;
}

function tierFor(rates: Rates, inputs: number): Rates {
  return rates.tiers.find((tier) => inputs > tier.above)?.rates ?? rates;
}

/** Half up; a hair of two units in the last place absorbs what a currency rate loses, so that 0.5 given in decimals rounds up. */
function round(nanoUnits: number): number {
  return Math.floor(nanoUnits * (1 + 2 ** -51) + 0.5);
}
