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

/** Classes of a price row, parsed: USD per million tokens as numbers. */
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
  const input = Number(row.input);
  const output = Number(row.output);
  const cacheWrite5m = Number(row.cacheWrite ?? row.input);
  const rates: Rates = {
    fresh: input,
    cacheRead: Number(row.cacheRead ?? row.input),
    cacheWrite5m,
    cacheWrite1h: row.cacheWrite1h === undefined ? cacheWrite5m : Number(row.cacheWrite1h),
    visible: output,
    reasoning: row.reasoning === undefined ? output : Number(row.reasoning),
    tiers: (row.tiers ?? [])
      .map((tier) => ({ above: tier.aboveInputTokens, rates: ratesOf(tier) }))
      .toSorted((a, b) => b.above - a.above),
  };
  parsed.set(row, rates);
  return rates;
}

/** USD per million tokens times tokens is micro-USD, of which each is 1,000 nano-USD. */
const nanoPerMicro = 1000;
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
  const scale = nanoPerMicro * billing.usdRate;
  const prompt =
    (input.fresh * rates.fresh +
      input.cacheRead * rates.cacheRead +
      input.cacheWrite5m * rates.cacheWrite5m +
      input.cacheWrite1h * rates.cacheWrite1h) *
    scale;
  const completion = (output.visible * rates.visible + output.reasoning * rates.reasoning) * scale;
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
  const scale = nanoPerMicro * billing.usdRate;
  const fee = billing.platformFeePer1k * nanoPerFee * (inputs + outputs);
  // One nano-unit more per part: each is rounded on its own when it is charged.
  return Math.ceil((inputs * input + outputs * output) * scale + fee) + 2;
}

function tierFor(rates: Rates, inputs: number): Rates {
  return rates.tiers.find((tier) => inputs > tier.above)?.rates ?? rates;
}

/** Half up; a relative hair absorbs what binary fractions lose, so that 0.5 given in decimals rounds up. */
function round(nanoUnits: number): number {
  return Math.floor(nanoUnits * (1 + 1e-12) + 0.5);
}
