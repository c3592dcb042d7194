import { decimalOf } from "#src/statement/pico.ts";
import type { AmountRecord } from "#src/statement/statement.ts";

/** Token classes as the ledger keeps them. */
export const tokenClasses = [
  "input_fresh",
  "cache_read",
  "cache_write_5m",
  "cache_write_1h",
  "output_visible",
  "reasoning",
] as const;
export type TokenClass = (typeof tokenClasses)[number];

/** A figure with the bounds of its interval, in picowatt-hours or picograms. */
export interface Bounded {
  value: bigint;
  low: bigint;
  high: bigint;
}

/** What requests add up to. Whole numbers only: a sum is the same in whatever order it is made. */
export interface Amount {
  requests: number;
  /** Those of them that have an estimate. */
  estimated: number;
  /** Requests of which nobody told the tokens. */
  uncounted: number;
  tokens: Record<TokenClass, number>;
  energy: Bounded;
  carbon: Bounded;
  /** Requests whose figure stands for both of its bounds, because its interval is not known. */
  unbounded: number;
}

/** Nothing yet. */
export function noAmount(): Amount {
  return {
    requests: 0,
    estimated: 0,
    uncounted: 0,
    tokens: {
      input_fresh: 0,
      cache_read: 0,
      cache_write_5m: 0,
      cache_write_1h: 0,
      output_visible: 0,
      reasoning: 0,
    },
    energy: { value: 0n, low: 0n, high: 0n },
    carbon: { value: 0n, low: 0n, high: 0n },
    unbounded: 0,
  };
}

/** Adds one amount to another, in place. */
export function addTo(sum: Amount, part: Amount): void {
  sum.requests += part.requests;
  sum.estimated += part.estimated;
  sum.uncounted += part.uncounted;
  sum.unbounded += part.unbounded;
  for (const name of tokenClasses) sum.tokens[name] += part.tokens[name];
  for (const name of ["energy", "carbon"] as const) {
    sum[name].value += part[name].value;
    sum[name].low += part[name].low;
    sum[name].high += part[name].high;
  }
}

/** The sum of amounts. */
export function sumOf(parts: Iterable<Amount>): Amount {
  const sum = noAmount();
  for (const part of parts) addTo(sum, part);
  return sum;
}

/** Tokens of every class. */
export function allTokens({ tokens }: Pick<Amount, "tokens">): number {
  return tokenClasses.reduce((sum, name) => sum + tokens[name], 0);
}

/** An amount as a statement says it: where requests were made and none has an estimate, energy and carbon are not known. */
export function amountRecord(amount: Amount): AmountRecord {
  const { energy, carbon } = amount;
  const isKnown = amount.estimated > 0 || amount.requests === 0;
  return {
    requests: amount.requests,
    requests_with_estimate: amount.estimated,
    requests_without_token_counts: amount.uncounted,
    requests_without_interval: amount.unbounded,
    tokens: { ...amount.tokens, total: allTokens(amount) },
    energy: isKnown
      ? {
          pwh: String(energy.value),
          low_pwh: String(energy.low),
          high_pwh: String(energy.high),
          wh: decimalOf(energy.value),
          low_wh: decimalOf(energy.low),
          high_wh: decimalOf(energy.high),
        }
      : null,
    carbon: isKnown
      ? {
          pg: String(carbon.value),
          low_pg: String(carbon.low),
          high_pg: String(carbon.high),
          g: decimalOf(carbon.value),
          low_g: decimalOf(carbon.low),
          high_g: decimalOf(carbon.high),
        }
      : null,
  };
}

/** The amount that a statement says. */
export function amountOf(record: AmountRecord): Amount {
  const { energy, carbon, tokens } = record;
  return {
    requests: record.requests,
    estimated: record.requests_with_estimate,
    uncounted: record.requests_without_token_counts,
    unbounded: record.requests_without_interval,
    tokens: {
      input_fresh: tokens.input_fresh,
      cache_read: tokens.cache_read,
      cache_write_5m: tokens.cache_write_5m,
      cache_write_1h: tokens.cache_write_1h,
      output_visible: tokens.output_visible,
      reasoning: tokens.reasoning,
    },
    energy: bounded(energy?.pwh, energy?.low_pwh, energy?.high_pwh),
    carbon: bounded(carbon?.pg, carbon?.low_pg, carbon?.high_pg),
  };
}

function bounded(value = "0", low = "0", high = "0"): Bounded {
  return { value: BigInt(value), low: BigInt(low), high: BigInt(high) };
}
