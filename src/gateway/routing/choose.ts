import type { Caller } from "#src/account/account.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { cheapest } from "#src/gateway/routing/automatic.ts";
import { type Candidate, candidatesOf } from "#src/gateway/routing/candidates.ts";
import type { App } from "#src/gateway/context.ts";
import { eligible, type Judge } from "#src/gateway/routing/eligible.ts";
import { rank, rankingOf } from "#src/gateway/routing/rank.ts";
import { behind, type Ranked, type Ranking } from "#src/gateway/routing/ranked.ts";
import { namedAtMost, tellMore, traced } from "#src/gateway/routing/traced.ts";
import { sortOf } from "#src/gateway/routing/variant.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import type { Route } from "#src/provider/deployment.ts";

/** What was decided for a request: where to try, in order, and why. */
export interface Choice {
  /** At least one, at most as many as there may be attempts. */
  routes: Route[];
  /** Why each route has its place. */
  reasons: ReadonlyMap<Route, string>;
  /** Routes that may not serve or were not needed, with the reason. */
  trace: TraceEntry[];
  /** Names the conversation, for `app.sticky`; undefined where the caller says where it goes. */
  conversation: string | undefined;
}

/**
 * Where a request can be served, best first. Pure over what the process knows; no I/O.
 * Throws 404 for an unknown model, 403 for what the key may not, 400 for what no endpoint can, 503 when none is left.
 */
export function choose(ask: Ask, caller: Caller, app: App): Choice {
  const judge = eligible(ask, caller, app);
  const trace: TraceEntry[] = [];
  const candidates = candidatesOf(ask, judge, app, trace);
  const fit = candidates.map((candidate) => fitting(candidate, judge, trace));
  const open = openOf(candidates, judge, trace, app);
  // Where nothing else is left, what we chose ourselves is open.
  const groups =
    open.length === 0
      ? fit
      : fit.map((routes, at) => routes.filter((route) => !open[at]?.includes(route)));
  dropUnpriced([groups, open], caller, app, trace);
  const only = open.length > 0 ? undefined : onlyOne(candidates, groups);
  // Most requests name a model that one place serves: there is nothing to weigh.
  if (only !== undefined) return { ...only, trace, conversation: undefined };
  const isAutomatic = candidates.some(({ reason }) => reason !== undefined);
  const isCheap = candidates[0]?.reason === cheapest;
  const ranking = rankingOf(ask, caller, { judge, isAutomatic, isCheap }, app);
  const ranked = inLine(candidates, groups, ranking);
  const resorts = open.length > 0 ? inLine(candidates, open, ranking) : [];
  const isKept = ask.route.fallback === false ? isWithin(ranked[0] ?? resorts[0]) : undefined;
  const isSorted = candidates.some(({ variant }) => sortOf(variant) !== undefined);
  const near = staysNear(ranking) && !isSorted ? regionFirst(ranked) : ranked;
  const kept = isKept === undefined ? near : near.filter(isKept);
  const limit =
    ask.provider.allowFallbacks === false && !ask.provider.order
      ? 1
      : app.config.routing.maxAttempts;
  const chosen = atMost(kept, limit, isAutomatic || isMixed(ask) ? 1 : candidates.length);
  for (const one of resorts) {
    if (chosen.length === limit) break;
    if (isKept !== undefined && !isKept(one)) continue;
    one.why = "last_resort";
    chosen.push(one);
    untell(one.route, trace);
  }
  if (chosen.length === 0)
    throw judge.explain([...new Set(candidates.map(({ model }) => model))], trace);
  const reasons = new Map<Route, string>();
  for (const { route, why } of chosen) reasons.set(route, why);
  tellNext(ranked, reasons, trace);
  const conversation = ranked.length > 1 ? ranking.conversation() : undefined;
  return { routes: chosen.map(({ route }) => route), reasons, trace, conversation };
}

/** Whether the next candidate is one of the same region: where neither the caller nor the policy orders by something else. */
function staysNear({ ask, policy, order, isAutomatic }: Ranking): boolean {
  if (isAutomatic || order !== undefined || ask.provider.sort !== undefined) return false;
  return policy.by === "balance";
}

/** Each model's candidates with those of its best one's region first, so that a failure moves a request no further than it must. */
function regionFirst(ranked: readonly Ranked[]): Ranked[] {
  const line: Ranked[] = [];
  for (let from = 0; from < ranked.length;) {
    const first = ranked[from]?.route;
    let end = from;
    while (end < ranked.length && ranked[end]?.route.model === first?.model) end++;
    const group = ranked.slice(from, end);
    const isNear = ({ route, tier }: Ranked) =>
      route.deployment.region === first?.deployment.region && tier === group[0]?.tier;
    line.push(...group.filter(isNear), ...group.filter((one) => !isNear(one)));
    from = end;
  }
  return line;
}

const reasonsOfOne = new WeakMap<Route, ReadonlyMap<Route, string>>();

/** The route where there is no other, of a model that the caller named. */
function onlyOne(
  candidates: readonly Candidate[],
  groups: readonly Route[][],
): Pick<Choice, "routes" | "reasons"> | undefined {
  const [routes] = groups;
  const [route] = routes ?? [];
  if (route === undefined || routes?.length !== 1 || groups.length !== 1) return undefined;
  if (candidates[0]?.reason !== undefined) return undefined;
  const known = reasonsOfOne.get(route);
  if (known !== undefined) return { routes, reasons: known };
  const reasons = new Map([[route, "only_route"]]);
  reasonsOfOne.set(route, reasons);
  return { routes, reasons };
}

/** Writes down who would have been next. */
function tellNext(ranked: Ranked[], chosen: ReadonlyMap<Route, string>, trace: TraceEntry[]): void {
  let told = 0;
  for (const { route, why } of ranked) {
    if (chosen.has(route)) continue;
    if (++told <= namedAtMost) trace.push(traced(route, "considered", why));
  }
  tellMore(trace, told - namedAtMost);
}

/** The routes of a candidate that may serve; the others are told with the reason. */
function fitting({ routes, reason }: Candidate, judge: Judge, trace: TraceEntry[]): Route[] {
  // What we chose ourselves was judged already.
  if (reason !== undefined) return [...routes];
  const fit: Route[] = [];
  for (const route of routes) {
    const refusal = judge.refuse(route);
    if (refusal === undefined) fit.push(route);
    else trace.push(traced(route, "filtered", refusal));
  }
  return fit;
}

/**
 * Routes that may serve but for their open circuits, by candidate: they come behind all others, for the time when nobody
 * else is left. Empty where there are none.
 */
function openOf(
  candidates: readonly Candidate[],
  judge: Judge,
  trace: TraceEntry[],
  { health }: App,
): Route[][] {
  if (trace.every(({ reason }) => reason !== "unavailable")) return [];
  const isOpen = (route: Route) =>
    judge.refuse(route) === "unavailable" && health.isLastResort(route);
  const open = candidates.map(({ routes }) => routes.filter(isOpen));
  return open.some((routes) => routes.length > 0) ? open : [];
}

/** Takes back that a route is out. */
function untell({ deployment: { provider, region }, model }: Route, trace: TraceEntry[]): void {
  const at = trace.findIndex(
    (one) =>
      one.reason === "unavailable" &&
      one.provider === provider.id &&
      one.region === region &&
      one.model === model.id,
  );
  if (at < 0) return;
  const [taken] = trace.splice(at, 1);
  // What it says of those after it is as true after the one before it.
  tellMore(trace.slice(0, at), taken?.and_more ?? 0);
}

/** A prepaid account cannot pay where there is no price: such routes go, unless no other is left. */
function dropUnpriced(
  lines: readonly Route[][][],
  { account }: Caller,
  { config }: App,
  trace: TraceEntry[],
): void {
  if (account.plan !== "prepaid" || config.billing.unknownPrice === "allow") return;
  const isPriced = ({ price }: Route) => price !== undefined;
  if (!lines.some((groups) => groups.some((group) => group.some(isPriced)))) return;
  for (const groups of lines) {
    for (const [index, group] of groups.entries()) {
      if (group.every(isPriced)) continue;
      for (const route of group)
        if (route.price === undefined) trace.push(traced(route, "filtered", "unpriced"));
      groups[index] = group.filter(isPriced);
    }
  }
}

/** Whether the caller sorts the routes of all its models together. */
function isMixed({ provider: { sort, order } }: Ask): boolean {
  return sort?.partition === "none" && order === undefined;
}

/** All routes in one line: model after model, unless the order is to go across them. */
function inLine(candidates: Candidate[], groups: Route[][], ranking: Ranking): Ranked[] {
  const { ask, policy, isAutomatic } = ranking;
  const sort = ask.provider.sort?.by;
  if (isMixed(ask) || (isAutomatic && policy.by === "carbon" && sort === undefined)) {
    const ranked = rank(groups.flat(), sort, ranking);
    if (isAutomatic) for (const one of ranked) one.why = `${candidates[0]?.reason}, ${one.why}`;
    return ranked;
  }
  const line: Ranked[] = [];
  for (const [index, { variant, reason }] of candidates.entries()) {
    for (const one of rank(groups[index] ?? [], sort ?? sortOf(variant), ranking)) {
      if (reason !== undefined) one.why = `${reason}, ${one.why}`;
      line.push(one);
    }
  }
  if (!isAutomatic) return line;
  // Of models that we choose, a very dirty grid is worse than a larger one.
  const isDirty = ({ tier }: Ranked) => tier >= behind.dirty;
  return line.some(isDirty)
    ? [...line.filter((one) => !isDirty(one)), ...line.filter(isDirty)]
    : line;
}

/** With `fallback: false` the request may fail over inside the first choice's region only. */
function isWithin(first: Ranked | undefined): (one: Ranked) => boolean {
  const region = first?.route.deployment.region;
  return ({ route }) => route.deployment.region === region;
}

/** As many as may be tried. Of several models that the caller names, each gets its turn as long as there is room. */
function atMost(ranked: Ranked[], limit: number, models: number): Ranked[] {
  if (ranked.length <= limit || models <= 1) return ranked.slice(0, limit);
  const firsts = new Set<Ranked>();
  let model: unknown;
  for (const one of ranked) {
    if (one.route.model === model) continue;
    model = one.route.model;
    if (firsts.size < limit) firsts.add(one);
  }
  let room = limit - firsts.size;
  return ranked.filter((one) => firsts.has(one) || (room > 0 && room-- > 0));
}
