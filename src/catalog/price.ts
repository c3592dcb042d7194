import { decimal, divideHalfUp, divideUp, one } from "#src/catalog/decimal.ts";
import type { Endpoint, PriceRow, TokenPrices } from "#src/catalog/model.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { inputTokens, outputTokens } from "#src/dialect/usage.ts";

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

/** Classes of a price row, parsed: USD per million tokens, exact; see decimal(). */
interface Rates {
  fresh: bigint;
  cacheRead: bigint;
  cacheWrite5m: bigint;
  cacheWrite1h: bigint;
  visible: bigint;
  reasoning: bigint;
  tiers: { above: number; rates: Rates }[];
}

const parsed = new WeakMap<TokenPrices, Rates>();

function ratesOf(row: TokenPrices & { tiers?: PriceRow["tiers"] }): Rates {
  const known = parsed.get(row);
  if (known) return known;
  const input = decimal(row.input);
  const output = decimal(row.output);
  const cacheWrite5m = row.cacheWrite === undefined ? input : decimal(row.cacheWrite);
  const rates: Rates = {
    fresh: input,
    cacheRead: row.cacheRead === undefined ? input : decimal(row.cacheRead),
    cacheWrite5m,
    cacheWrite1h: row.cacheWrite1h === undefined ? cacheWrite5m : decimal(row.cacheWrite1h),
    visible: output,
    reasoning: row.reasoning === undefined ? output : decimal(row.reasoning),
    tiers: (row.tiers ?? [])
      .map((tier) => ({ above: tier.aboveInputTokens, rates: ratesOf(tier) }))
      .toSorted((a, b) => b.above - a.above),
  };
  parsed.set(row, rates);
  return rates;
}

/** A billing's factors, exact: nano-units that one unit of a sum stands for, over `one` squared. */
interface Factors {
  /** USD per million tokens times tokens is micro-USD, of which each is 1,000 nano-USD. */
  perRate: bigint;
  /** 1 currency unit per 1,000 tokens is a million nano-units per token. */
  perToken: bigint;
}

const factors = new WeakMap<Billing, Factors>();
const nanoUnit = one * one;

function factorsOf(billing: Billing): Factors {
  const known = factors.get(billing);
  if (known) return known;
  const made = {
    perRate: 1000n * decimal(String(billing.usdRate)),
    perToken: 1_000_000n * decimal(String(billing.platformFeePer1k)) * one,
  };
  factors.set(billing, made);
  return made;
}

/** What a usage costs at an endpoint on a day; undefined where the price is unknown. Exact, then rounded half up, once per part. */
export function priceUsage(
  endpoint: Endpoint,
  usage: Usage,
  day: string,
  billing: Billing,
): Priced | undefined {
  const row = pricesOn(endpoint, day);
  if (row === undefined) return undefined;
  const rates = tierFor(ratesOf(row), inputTokens(usage));
  const { perRate, perToken } = factorsOf(billing);
  const { input, output } = usage;
  const prompt =
    (BigInt(input.fresh) * rates.fresh +
      BigInt(input.cacheRead) * rates.cacheRead +
      BigInt(input.cacheWrite5m) * rates.cacheWrite5m +
      BigInt(input.cacheWrite1h) * rates.cacheWrite1h) *
    perRate;
  const completion =
    (BigInt(output.visible) * rates.visible + BigInt(output.reasoning) * rates.reasoning) * perRate;
  const charged = {
    prompt: divideHalfUp(prompt + perToken * BigInt(inputTokens(usage)), nanoUnit),
    completion: divideHalfUp(completion + perToken * BigInt(outputTokens(usage)), nanoUnit),
  };
  return {
    ...charged,
    total: charged.prompt + charged.completion,
    upstream: divideHalfUp(prompt, nanoUnit) + divideHalfUp(completion, nanoUnit),
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
  const { perRate, perToken } = factorsOf(billing);
  const reachable = [
    rates,
    ...rates.tiers.filter((tier) => inputs > tier.above).map((tier) => tier.rates),
  ];
  const input = dearest(
    reachable.flatMap((tier) => [tier.fresh, tier.cacheRead, tier.cacheWrite5m, tier.cacheWrite1h]),
  );
  const output = dearest(reachable.flatMap((tier) => [tier.visible, tier.reasoning]));
  const most =
    (BigInt(Math.ceil(inputs)) * input + BigInt(Math.ceil(outputs)) * output) * perRate +
    perToken * BigInt(Math.ceil(inputs + outputs));
  // One nano-unit more: both parts are rounded on their own when they are charged, by half a unit at most.
  return divideUp(most, nanoUnit) + 1;
}

function tierFor(rates: Rates, inputs: number): Rates {
  return rates.tiers.find((tier) => inputs > tier.above)?.rates ?? rates;
}

function dearest(rates: readonly bigint[]): bigint {
  return rates.reduce((most, rate) => (rate > most ? rate : most), 0n);
}
