import type { App } from "#src/gateway/context.ts";
import {
  behind,
  carbonOf,
  priceOf,
  type Ranked,
  type Ranking,
} from "#src/gateway/routing/ranked.ts";
import { missed } from "#src/gateway/routing/pins.ts";

/** Weights of the balanced policy: carbon first, then price, then latency. */
const weights = { carbon: 0.5, price: 0.3, latency: 0.2 } as const;
/** What an unknown counts, as a share of the largest: nobody gains by telling nothing, and a new one gets its chance. */
const unknown = { carbon: 1, price: 1, latency: 0.5 } as const;

/** Scores by the policy that holds. Best is least. */
export function scoreByPolicy(ranked: Ranked[], ranking: Ranking): void {
  const { policy, isAutomatic, preferred, app } = ranking;
  const by = isAutomatic && policy.by === "balance" ? "grid" : policy.by;
  if (by === "balance") balance(ranked, ranking);
  for (const one of ranked) {
    if (by === "price" || by === "lottery") set(one, priceOf(one.route), "lowest_price");
    if (by === "grid") set(one, carbonOf(one.route), "lowest_carbon");
    if (by === "carbon") byCarbon(one, app);
    if (preferred === undefined) continue;
    if (missed(preferred, one.route, app.routes) === undefined) one.why = "preferred_region";
    else demote(one, behind.elsewhere, "outside_preferred_region");
  }
  for (const one of ranked) {
    const isOut = app.health.outage(one.route);
    if (by === "lottery" && isOut) demote(one, behind.failing, "outage");
    if (by !== "balance" && by !== "grid") continue;
    if (isOut) demote(one, behind.failing, "outage");
    else if (app.health.state(one.route) === "degraded") demote(one, behind.failing, "degraded");
  }
}

/** By the grid as it is now where that is known, else by its annual average. */
function byCarbon(one: Ranked, { liveGrid }: App): void {
  const annual = carbonOf(one.route);
  const { gridGPerKwh, zone } = one.route;
  const now = liveGrid?.gramsAt(zone);
  if (now === undefined || gridGPerKwh === undefined || gridGPerKwh === 0)
    return set(one, annual, "lowest_carbon");
  set(one, (annual * now) / gridGPerKwh, "lowest_carbon_now");
}

/** The combined score: carbon, price and median latency, each as a share of the largest among the candidates. */
export function balance(ranked: Ranked[], { app }: Ranking): void {
  const count = ranked.length;
  const latencies = new Float64Array(count);
  let [carbon, price, latency] = [0, 0, 0];
  for (let index = 0; index < count; index++) {
    const one = ranked[index];
    if (one === undefined) break;
    const ms = app.health.percentile(one.route, "latency", 50) ?? Number.NaN;
    latencies[index] = ms;
    if (ms > latency) latency = ms;
    carbon = largerKnown(carbon, carbonOf(one.route));
    price = largerKnown(price, priceOf(one.route));
  }
  for (let index = 0; index < count; index++) {
    const one = ranked[index];
    if (one === undefined) break;
    const score =
      weights.carbon * share(carbonOf(one.route), carbon, unknown.carbon) +
      weights.price * share(priceOf(one.route), price, unknown.price) +
      weights.latency * share(latencies[index] ?? Number.NaN, latency, unknown.latency);
    set(one, score, "best_balance");
  }
}

function set(one: Ranked, score: number, why: string): void {
  one.score = score;
  one.why = why;
}

/** Puts a candidate behind those without this flaw, and says so. */
export function demote(one: Ranked, tier: number, why: string): void {
  one.tier += tier;
  one.why = why;
}

function largerKnown(largest: number, value: number): number {
  return value > largest && value !== Number.POSITIVE_INFINITY ? value : largest;
}

/** A value as a share of the largest; what stands for the unknown where it is not known. */
function share(value: number, largest: number, unknownShare: number): number {
  if (!(value < Number.POSITIVE_INFINITY)) return unknownShare;
  return largest === 0 ? 0 : value / largest;
}
