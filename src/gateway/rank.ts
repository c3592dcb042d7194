import type { Caller } from "#src/account/account.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import { matches } from "#src/gateway/eligible.ts";
import type { Route } from "#src/provider/deployment.ts";

interface Ranked {
  route: Route;
  why: string;
}

/** Weights of the balanced policy: carbon first, then price, then latency. */
const weights = { carbon: 0.5, price: 0.3, latency: 0.2 } as const;
/** Added for a slot that has been failing: behind every healthy one, before the dirtiest. */
const degradedPenalty = 2;
const dirtyPenalty = 4;

/** Routes of one model, best first, each with the reason for its place. */
export function rank(routes: Route[], ask: Ask, caller: Caller, app: App): Ranked[] {
  if (routes.length <= 1) return routes.map((route) => ({ route, why: "only_route" }));
  const { order, sort } = ask.provider;
  const policy = ask.route.policy ?? caller.key.policy ?? app.config.routing.policy;
  const lowCarbon = ask.route.preferLowCarbon ?? caller.key.preferLowCarbon;
  if (order) return byOrder(routes, order, app);
  if (sort?.by === "price") return by(routes, "lowest_price", (route) => priceOf(route));
  if (sort?.by === "latency" || sort?.by === "throughput")
    return by(routes, `best_${sort.by}`, (route) => app.health.latency(route));
  const dirty = (route: Route): number =>
    route.gridGPerKwh !== undefined && route.gridGPerKwh > app.config.routing.highCarbonGPerKwh
      ? dirtyPenalty
      : 0;
  const failing = (route: Route): number =>
    app.health.state(route) === "degraded" ? degradedPenalty : 0;
  if (lowCarbon || policy === "prefer-low-carbon") {
    return by(routes, "lowest_carbon", (route) => carbonOf(route));
  }
  if (policy === "prefer-cheapest") {
    return by(routes, "lowest_price", (route) => add(priceOf(route), dirty(route) * 1e6));
  }
  const scale = {
    carbon: largest(routes, carbonOf),
    price: largest(routes, priceOf),
    latency: largest(routes, (route) => app.health.latency(route)),
  };
  return by(routes, "best_balance", (route) => {
    const carbon = share(carbonOf(route), scale.carbon, 1);
    const price = share(priceOf(route), scale.price, 1);
    const latency = share(app.health.latency(route), scale.latency, 0.5);
    return (
      weights.carbon * carbon +
      weights.price * price +
      weights.latency * latency +
      dirty(route) +
      failing(route)
    );
  });
}

function byOrder(routes: Route[], order: string[], app: App): Ranked[] {
  const place = (route: Route): number => {
    const index = order.findIndex((slug) => matches(slug, route));
    return index < 0 ? order.length : index;
  };
  return routes
    .toSorted(
      (a, b) => place(a) - place(b) || compare(app.health.latency(a), app.health.latency(b)),
    )
    .map((route) => ({
      route,
      why: place(route) < order.length ? "provider_order" : "after_provider_order",
    }));
}

/** Ascending; what is unknown comes last. Equal scores keep the catalogue's order. */
function by(routes: Route[], why: string, score: (route: Route) => number | undefined): Ranked[] {
  return routes
    .map((route) => ({ route, why, score: score(route) }))
    .toSorted((a, b) => compare(a.score, b.score))
    .map(({ route }) => ({ route, why }));
}

function compare(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a - b;
}

function carbonOf(route: Route): number | undefined {
  return route.carbonPer1k ?? route.gridGPerKwh;
}

function priceOf({ price }: Route): number | undefined {
  return price === undefined ? undefined : price.input + price.output;
}

function largest(routes: Route[], value: (route: Route) => number | undefined): number {
  return Math.max(0, ...routes.map((route) => value(route) ?? 0));
}

/** A value as a share of the largest; `unknown` where it is not known. */
function share(value: number | undefined, scale: number, unknown: number): number {
  if (value === undefined) return unknown;
  return scale === 0 ? 0 : value / scale;
}

function add(a: number | undefined, b: number): number | undefined {
  return a === undefined ? undefined : a + b;
}
