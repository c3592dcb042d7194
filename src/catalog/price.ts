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
export function pricesOn(endpoint: Pick<Endpoint, "prices">, day: string): PriceRow | undefined {
  return endpoint.prices.findLast((row) => row.from === undefined || row.from <= day);
}

/**
 * The dearest prices that a request may meet, USD per million tokens: those of the longest prompt that it may be, where
 * a provider charges more for long ones. Undefined where there is no price.
 */
export function dearestPrice(
  endpoint: Endpoint,
  inputs: number,
  day: string,
): { input: number; output: number } | undefined {
  const row = pricesOn(endpoint, day);
  if (row === undefined) return undefined;
  let [input, output] = [Number(row.input), Number(row.output)];
  for (const tier of row.tiers ?? []) {
    if (inputs <= tier.aboveInputTokens) continue;
    input = Math.max(input, Number(tier.input));
    output = Math.max(output, Number(tier.output));
  }
  return { input, output };
}

/** Classes of a price row, parsed: USD per million tokens, exact; see decimal(). */
interface Rates {
  fresh: bigint;
  cacheRead: bigint;
  cacheWrite5m: bigint;
  cacheWrite1h: bigint;
  visible: bigint;
  reasoning: bigint;
  dearestInput: bigint;
  dearestOutput: bigint;
  tiers: { above: number; rates: Rates }[];
}

const parsed = new WeakMap<TokenPrices, Rates>();

function ratesOf(row: TokenPrices & { tiers?: PriceRow["tiers"] }): Rates {
  const known = parsed.get(row);
  if (known) return known;
  const input = decimal(row.input);
  const output = decimal(row.output);
  const cacheWrite5m = row.cacheWrite === undefined ? input : decimal(row.cacheWrite);
  const cacheRead = row.cacheRead === undefined ? input : decimal(row.cacheRead);
  const cacheWrite1h = row.cacheWrite1h === undefined ? cacheWrite5m : decimal(row.cacheWrite1h);
  const reasoning = row.reasoning === undefined ? output : decimal(row.reasoning);
  const rates: Rates = {
    fresh: input,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h,
    visible: output,
    reasoning,
    dearestInput: dearest(input, cacheRead, cacheWrite5m, cacheWrite1h),
    dearestOutput: dearest(output, reasoning),
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
  /** What a sum of rates times tokens is divided by for nano-units, where that is a whole number and there is no fee. */
  divisor: number | undefined;
}

const factors = new WeakMap<Billing, Factors>();
const nanoUnit = one * one;

function factorsOf(billing: Billing): Factors {
  const known = factors.get(billing);
  if (known) return known;
  const perRate = 1000n * decimal(String(billing.usdRate));
  const perToken = 1_000_000n * decimal(String(billing.platformFeePer1k)) * one;
  const isWhole = perToken === 0n && perRate > 0n && nanoUnit % perRate === 0n;
  const divisor = isWhole ? Number(nanoUnit / perRate) : Number.NaN;
  const made = {
    perRate,
    perToken,
    divisor: Number.isSafeInteger(divisor) ? divisor : undefined,
  };
  factors.set(billing, made);
  return made;
}

/** Tokens of one part of an answer with their rates, summed: exact as a number while it is small enough to be. */
function sumOf(tokens: readonly number[], rates: readonly bigint[]): number | bigint {
  let sum = 0;
  for (let at = 0; at < tokens.length; at++) sum += (tokens[at] ?? 0) * Number(rates[at]);
  if (Number.isSafeInteger(2 * sum)) return sum;
  return tokens.reduce((all, count, at) => all + BigInt(count) * (rates[at] ?? 0n), 0n);
}

/** Nano-units of a sum, half up, with and without the fee. */
function charge(
  sum: number | bigint,
  tokens: number,
  { perRate, perToken, divisor }: Factors,
): { charged: number; upstream: number } {
  if (typeof sum === "number" && divisor !== undefined) {
    const rest = sum % divisor;
    const nanos = (sum - rest) / divisor + (2 * rest >= divisor ? 1 : 0);
    return { charged: nanos, upstream: nanos };
  }
  const upstream = BigInt(sum) * perRate;
  return {
    charged: divideHalfUp(upstream + perToken * BigInt(tokens), nanoUnit),
    upstream: divideHalfUp(upstream, nanoUnit),
  };
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
  const { input, output } = usage;
  const inputs = inputTokens(usage);
  const rates = tierFor(ratesOf(row), inputs);
  const known = factorsOf(billing);
  const prompt = charge(
    sumOf(
      [input.fresh, input.cacheRead, input.cacheWrite5m, input.cacheWrite1h],
      [rates.fresh, rates.cacheRead, rates.cacheWrite5m, rates.cacheWrite1h],
    ),
    inputs,
    known,
  );
  const completion = charge(
    sumOf([output.visible, output.reasoning], [rates.visible, rates.reasoning]),
    outputTokens(usage),
    known,
  );
  return {
    prompt: prompt.charged,
    completion: completion.charged,
    total: prompt.charged + completion.charged,
    upstream: prompt.upstream + completion.upstream,
  };
}

/** What of a priced usage is the provider's: the parts without the platform fee, which is alike for every token. */
export function partsAtProvider(
  { prompt, completion, upstream }: Omit<Priced, "total">,
  inputs: number,
  outputs: number,
): { prompt: number; completion: number } {
  const fee = prompt + completion - upstream;
  if (fee === 0) return { prompt, completion };
  const rest = prompt - Math.round((fee * inputs) / (inputs + outputs));
  const bare = Math.min(Math.max(rest, 0), upstream);
  return { prompt: bare, completion: upstream - bare };
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
  let [input, output] = [rates.dearestInput, rates.dearestOutput];
  for (const { above, rates: tier } of rates.tiers) {
    if (inputs <= above) continue;
    if (tier.dearestInput > input) input = tier.dearestInput;
    if (tier.dearestOutput > output) output = tier.dearestOutput;
  }
  const known = factorsOf(billing);
  const counts = [Math.ceil(inputs), Math.ceil(outputs)];
  const sum = sumOf(counts, [input, output]);
  // One nano-unit more: both parts are rounded on their own when they are charged, by half a unit at most. What is free
  // is free.
  if (typeof sum === "number" && known.divisor !== undefined) {
    if (sum === 0) return 0;
    const rest = sum % known.divisor;
    return (sum - rest) / known.divisor + (rest > 0 ? 2 : 1);
  }
  const most = BigInt(sum) * known.perRate + known.perToken * BigInt(Math.ceil(inputs + outputs));
  return most === 0n ? 0 : divideUp(most, nanoUnit) + 1;
}

function tierFor(rates: Rates, inputs: number): Rates {
  return rates.tiers.find((tier) => inputs > tier.above)?.rates ?? rates;
}

function dearest(...rates: bigint[]): bigint {
  return rates.reduce((most, rate) => (rate > most ? rate : most), 0n);
}
