import type { Percentiles } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import { demote } from "#src/gateway/routing/rank-policy.ts";
import {
  behind,
  priceOf,
  type Ranked,
  type Ranking,
  type SortBy,
} from "#src/gateway/routing/ranked.ts";
import type { Route } from "#src/provider/deployment.ts";

const reasons = {
  price: "lowest_price",
  latency: "lowest_latency",
  throughput: "highest_throughput",
} as const;

/** Scores by what the caller sorts by: medians of the last five minutes, unknown ones last. */
export function scoreBySort(ranked: Ranked[], by: SortBy, { app }: Ranking): void {
  for (const one of ranked) {
    one.score = by === "price" ? priceOf(one.route) : median(one.route, by, app);
    one.why = reasons[by];
  }
}

function median(route: Route, by: "throughput" | "latency", { health }: App): number {
  const value = health.percentile(route, by, 50);
  if (value === undefined) return Number.POSITIVE_INFINITY;
  return by === "throughput" ? -value : value;
}

/** Puts those behind that miss what the request prefers. Where nothing was measured, nothing is missed. */
export function demoteMissing(ranked: Ranked[], { ask, app }: Ranking): void {
  const { preferredMinThroughput: least, preferredMaxLatency: most } = ask.provider;
  if (least === undefined && most === undefined) return;
  for (const one of ranked) {
    if (most !== undefined && misses(one.route, "latency", most, app))
      demote(one, behind.missing, "misses_latency");
    else if (least !== undefined && misses(one.route, "throughput", least, app))
      demote(one, behind.missing, "misses_throughput");
  }
}

const percentiles = [
  ["p50", 50],
  ["p75", 75],
  ["p90", 90],
  ["p99", 99],
] as const;

function misses(
  route: Route,
  kind: "latency" | "throughput",
  bounds: Percentiles,
  { health }: App,
): boolean {
  return percentiles.some(([name, p]) => {
    const bound = bounds[name];
    const seen = bound === undefined ? undefined : health.percentile(route, kind, p);
    if (bound === undefined || seen === undefined) return false;
    // Bounds are in seconds and tokens per second, what was seen in milliseconds and tokens per second.
    return kind === "latency" ? seen > bound * 1000 : seen < bound;
  });
}
