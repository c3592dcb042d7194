import type { Ask } from "#src/dialect/dialect.ts";
import type { Caller } from "#src/account/account.ts";
import type { App } from "#src/gateway/context.ts";
import type { Judge } from "#src/gateway/routing/eligible.ts";
import { pinOf } from "#src/gateway/routing/pins.ts";
import type { Policy } from "#src/gateway/routing/policy.ts";
import { scoreByOrder } from "#src/gateway/routing/rank-order.ts";
import { demote, scoreByPolicy } from "#src/gateway/routing/rank-policy.ts";
import { demoteMissing, scoreBySort } from "#src/gateway/routing/rank-sort.ts";
import { drawByPrice, settleTies, stick } from "#src/gateway/routing/rank-ties.ts";
import {
  behind,
  inOrder,
  type Ranked,
  type Ranking,
  type SortBy,
} from "#src/gateway/routing/ranked.ts";
import { slugsOf } from "#src/gateway/routing/slug.ts";
import { conversationOf } from "#src/gateway/routing/sticky.ts";
import type { Route } from "#src/provider/deployment.ts";

/** How the candidates of a request are put in order; `isAutomatic` where we choose the model, `isCheap` by its price. */
export function rankingOf(
  ask: Ask,
  caller: Caller,
  { judge, isAutomatic, isCheap }: { judge: Judge; isAutomatic: boolean; isCheap: boolean },
  app: App,
): Ranking {
  const { order, sort, only } = ask.provider;
  const { policy, pins } = judge;
  const pinned = ask.route.provider ?? policy.provider?.provider;
  const saysWhere = pins.held.length > 0 || pinned !== undefined || only !== undefined;
  const follows = ask.kind === "chat" && order === undefined && sort === undefined;
  const within = `${pins.where}\n${pinned ?? ""}\n${only?.join() ?? ""}`;
  let conversation: string | undefined;
  return {
    ask,
    app,
    policy: isAutomatic ? ofAutomatic(policy, isCheap) : policy,
    order: order && slugsOf(order),
    preferred: policy.region === undefined ? undefined : pinOf(policy.region),
    isAutomatic,
    avoidsDirty: !saysWhere && order === undefined && sort === undefined,
    conversation: () =>
      follows ? (conversation ??= conversationOf(ask, caller, within)) : undefined,
  };
}

/** Candidates, best first, each with the reason for its place. `sort`: the caller's, or that of a name's suffix. */
export function rank(
  routes: readonly Route[],
  sort: SortBy | undefined,
  ranking: Ranking,
): Ranked[] {
  const ranked = routes.map(toRanked);
  const { order, policy, isAutomatic } = ranking;
  if (order !== undefined) scoreByOrder(ranked, order, ranking);
  else if (sort !== undefined) scoreBySort(ranked, sort, ranking);
  else scoreByPolicy(ranked, ranking);
  if (ranked.length <= 1) return ranked.map((one) => ({ ...one, why: "only_route" }));
  demoteMissing(ranked, ranking);
  if (ranking.avoidsDirty && sort === undefined) demoteDirty(ranked, ranking);
  ranked.sort(inOrder);
  if (order !== undefined || sort !== undefined) return ranked;
  if (policy.by === "lottery") drawByPrice(ranked, ranking);
  else settleTies(ranked, ranking);
  const isLoose = policy.by === "lottery" || (policy.by === "balance" && !isAutomatic);
  stick(ranked, isLoose ? "sound" : "tied", ranking);
  return ranked;
}

/** Where we choose the model, nothing is left to chance, and a cheap model is taken where it is cheapest. */
function ofAutomatic(policy: Policy, isCheap: boolean): Policy {
  if (policy.by !== "balance" && policy.by !== "lottery") return policy;
  return { ...policy, by: isCheap ? "price" : "balance" };
}

function toRanked(route: Route, at: number): Ranked {
  return { route, why: "only_route", tier: 0, score: 0, at };
}

function demoteDirty(ranked: Ranked[], { app }: Ranking): void {
  const { highCarbonGPerKwh } = app.config.routing;
  for (const one of ranked) {
    const { gridGPerKwh } = one.route;
    if (gridGPerKwh !== undefined && gridGPerKwh > highCarbonGPerKwh)
      demote(one, behind.dirty, "high_carbon");
  }
}
