import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import type { Pin } from "#src/gateway/routing/pins.ts";
import type { Policy } from "#src/gateway/routing/policy.ts";
import type { Slug } from "#src/gateway/routing/slug.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A candidate on its way to its place. */
export interface Ranked {
  readonly route: Route;
  /** Why it has its place. */
  why: string;
  /** What puts it behind others whatever its score: a sum of `behind`. */
  tier: number;
  /** Ascending; infinite where what is asked for is unknown. */
  score: number;
  /** Its place in the catalogue, which decides where nothing else does. */
  at: number;
}

/** What puts candidates behind others, the heaviest last. */
export const behind = {
  /** It has been failing. */
  failing: 1,
  /** Another region is preferred. */
  elsewhere: 2,
  /** It misses what the request prefers. */
  missing: 4,
  /** Its grid is very dirty. */
  dirty: 8,
} as const;

/** What a sort of the caller is by. */
export type SortBy = "price" | "throughput" | "latency";

/** How the candidates of one request are put in order. Made once for each. */
export interface Ranking {
  readonly ask: Ask;
  readonly app: App;
  readonly policy: Policy;
  /** The caller's own order, and its sort. */
  readonly order: readonly Slug[] | undefined;
  readonly preferred: Pin | undefined;
  /** We chose the models: cleanest grid first, and nothing is drawn. */
  readonly isAutomatic: boolean;
  /** The caller did not say where, or by what order: very dirty grids come last. */
  readonly avoidsDirty: boolean;
  /** Names the conversation when it is first asked for; undefined where none is followed. */
  readonly conversation: () => string | undefined;
}

/** Ascending by tier, then score, then the catalogue. */
export function inOrder(one: Ranked, other: Ranked): number {
  if (one.tier !== other.tier) return one.tier - other.tier;
  if (one.score !== other.score) return one.score < other.score ? -1 : 1;
  return one.at - other.at;
}

/** USD per million tokens, in and out together; infinite where it is unknown. */
export function priceOf({ price }: Route): number {
  return price === undefined ? Number.POSITIVE_INFINITY : price.input + price.output;
}

/** g CO2e per 1,000 tokens, or what is proportional to it among routes of one model; infinite where unknown. */
export function carbonOf({ carbonPer1k, gridGPerKwh }: Route): number {
  return carbonPer1k ?? gridGPerKwh ?? Number.POSITIVE_INFINITY;
}
