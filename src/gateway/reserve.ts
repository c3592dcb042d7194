import type { ApiKey, Caller, ResetInterval } from "#src/account/account.ts";
import type { Demand, Hold, Refusal } from "#src/allowance/allowance.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { thinkingTokens } from "#src/dialect/effort.ts";
import { reasoningOf } from "#src/dialect/openai/openai-reasoning.ts";
import { demandCarbon, isBudgeted } from "#src/gateway/carbon.ts";
import type { App } from "#src/gateway/context.ts";
import { isOwn } from "#src/gateway/keys/credentials.ts";
import { notAgain } from "#src/gateway/routing/explain-none.ts";
import { freeDemands } from "#src/gateway/routing/free-limits.ts";
import { toUnits } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";
import { type Soon, then } from "#src/lib/soon.ts";
import type { Route } from "#src/provider/deployment.ts";

/** What a request really used, in the units of its demands. */
export interface Spent {
  /** Nano-units of the currency. */
  cost: number;
  tokens: number;
  /** Micrograms of CO2e. */
  carbon: number;
  /** Nano-units at the provider of the credential that served; absent for all others. */
  upstream?: number;
  /** 1 where the request was free of the fee on own credentials. */
  feeless?: number;
}

/** Takes what the request may use at most from every allowance, or nothing. Throws 402 and 429. */
export function reserve(caller: Caller, ask: Ask, routes: Route[], app: App): Soon<Hold> {
  const demands = demandsOf(caller, ask, routes, app);
  const take = () =>
    then(app.allowances.reserve(demands), (result) => {
      if ("refused" in result) {
        app.refused(caller, result);
        throw refusal(result, app);
      }
      return result;
    });
  return then(take(), (hold) => {
    if (!isOwing(demands, routes, app)) return hold;
    giveUp(hold);
    // What was bought since is not known here.
    app.allowances.refresh(caller.account.id);
    return then(take(), (again) => {
      if (!isOwing(demands, routes, app)) return again;
      giveUp(again);
      throw new AppError(
        "insufficient_credits",
        "Cannot serve this request while the balance is below zero, though it is free: add credit",
      );
    });
  });
}

/** Whether nothing is asked of a credit that is below zero. What others bill to the caller takes nothing of it. */
function isOwing(demands: readonly Demand[], routes: readonly Route[], app: App): boolean {
  const [credit] = demands;
  if (credit?.kind !== "credit" || credit.unlimited === true || credit.amount > 0) return false;
  if (routes.every(isOwn)) return false;
  const { limit = 0, used = 0 } = app.allowances.standing(credit) ?? {};
  return used > limit;
}

function giveUp(hold: Hold): void {
  hold.settle(hold.demands.map(() => 0));
}

/** Ends a hold with what was used; the movements belong into the generation's commit. */
export function spend(hold: Hold, spent: Spent) {
  const used: number[] = [];
  for (const demand of hold.demands) used.push(usedOf(demand, spent));
  return hold.settle(used);
}

function usedOf(demand: Demand, spent: Spent): number {
  switch (demand.kind) {
    case "credit":
    case "key_limit":
    case "key_daily":
    case "key_monthly":
      return spent.cost;
    case "tokens_minute":
      return spent.tokens;
    case "carbon":
      return spent.carbon;
    case "in_flight":
      return 0;
    case "requests_minute":
    case "requests_day":
    case "free_minute":
    case "free_day":
    case "provider_minute":
      return 1;
    case "provider_daily":
    case "provider_monthly":
      return spent.upstream ?? 0;
    case "byok_free":
      return spent.feeless ?? 0;
  }
}

function demandsOf({ key, account }: Caller, ask: Ask, routes: Route[], app: App): Demand[] {
  const now = app.clock.now();
  let cost = 0;
  let output = 0;
  for (const route of routes) {
    const most = outputAtMost(ask, route, app);
    output = Math.max(output, most);
    const price = app.priceAtMost(route, ask.inputTokensAtMost, most, now);
    if (price === undefined) requirePrice(account.plan, route, app);
    cost = Math.max(cost, price ?? 0);
  }
  const demands: Demand[] = [
    {
      kind: "credit",
      owner: account.id,
      windowStart: 0,
      amount: cost,
      unlimited: account.plan === "metered",
    },
  ];
  demandOfKey(demands, "key_limit", key.limit, key.limitReset, cost, key, app);
  demandOfKey(demands, "key_daily", key.dailyLimit, "daily", cost, key, app);
  demandOfKey(demands, "key_monthly", key.monthlyLimit, "monthly", cost, key, app);
  // A token is about four bytes of text; the bound used for money would refuse far too early here.
  demandRates(demands, 1, Math.ceil(ask.inputTokensAtMost / 4) + output, key, app);
  demands.push(...freeDemands(routes, { key, account }, app));
  if (isBudgeted(key, account)) {
    const tokens = ask.inputTokensAtMost + output;
    demandCarbon(demands, { key, account }, { routes, tokens }, { ask, app });
  }
  return demands;
}

/** Nothing of the credit and of each rate limit: what has to be known to say how they stand. */
export function standingDemands({ key, account }: Caller, app: App): Demand[] {
  const unlimited = account.plan === "metered";
  const demands: Demand[] = [
    { kind: "credit", owner: account.id, windowStart: 0, amount: 0, unlimited },
  ];
  demandRates(demands, 0, 0, key, app);
  return demands;
}

function demandRates(
  demands: Demand[],
  requests: number,
  tokens: number,
  key: ApiKey,
  app: App,
): void {
  const { requestsPerMinute, requestsPerDay, tokensPerMinute, maxInFlight } = key.rateLimit;
  const perMinute = requestsPerMinute ?? (app.config.limits.requestsPerMinute || undefined);
  demandOfKey(demands, "requests_minute", perMinute, "minute", requests, key, app);
  demandOfKey(demands, "requests_day", requestsPerDay, "daily", requests, key, app);
  demandOfKey(demands, "tokens_minute", tokensPerMinute, "minute", tokens, key, app);
  demandOfKey(demands, "in_flight", maxInFlight, undefined, requests, key, app);
}

/** Adds the demand on one of the key's limits, where it has that limit. */
function demandOfKey(
  demands: Demand[],
  kind: Demand["kind"],
  limit: number | undefined,
  reset: ResetInterval | "minute" | undefined,
  amount: number,
  key: ApiKey,
  app: App,
): void {
  if (limit === undefined) return;
  const windowStart = reset === undefined ? 0 : app.windowStart(reset);
  const windowEnd = reset === undefined ? undefined : app.windowEnd(reset);
  demands.push({ kind, owner: key.hash, windowStart, windowEnd, limit, amount });
}

/** Completion tokens that all choices of an answer may have. */
export function outputAtMost(ask: Ask, route: Route, app: App): number {
  const cap = route.endpoint.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  return Math.min(ask.maxOutputTokens ?? heldOutputTokens(ask, route, app), cap) * ask.choices;
}

/** Tokens that are held for one choice where the caller sets no limit: the configured default, and room to reason. */
export function heldOutputTokens(
  { needs, parsed }: Ask,
  { model, variant }: Route,
  app: App,
): number {
  const isAsked = needs.reasoning || variant === "thinking";
  const reasons = model.reasoning !== undefined && (isAsked || model.reasoning.mandatory);
  const room = reasons === true ? thinkingTokens(reasoningOf(parsed) ?? {}) : 0;
  return app.config.billing.defaultMaxTokens + room;
}

function requirePrice(plan: string, { model, deployment }: Route, app: App): void {
  if (plan === "metered" || app.config.billing.unknownPrice === "allow") return;
  throw new AppError(
    "not_meterable",
    `Cannot charge "${model.id}" at ${deployment.provider.id}: its price is unknown; give it one in the configuration, or set billing.unknown_price = "allow"`,
    { metadata: { provider: deployment.provider.id } },
  );
}

function refusal({ refused, standing }: Refusal, app: App): AppError {
  const currency = app.config.billing.currency;
  const left = Math.max(0, standing.remaining ?? 0);
  // Exact: six decimals at least, and as many more as tell a small amount from none and from its like.
  const money = (amount: number) =>
    `${toUnits(amount)
      .toFixed(9)
      .replace(/0{1,3}$/, "")} ${currency}`;
  switch (refused.kind) {
    case "credit":
      return new AppError(
        "insufficient_credits",
        `Cannot cover this request: it may cost up to ${money(refused.amount)} and ${money(left)} is free; ask for less or add credit`,
        {
          metadata: { may_cost: toUnits(refused.amount), free: toUnits(left), currency },
        },
      );
    case "key_limit":
    case "key_daily":
    case "key_monthly":
      return new AppError(
        "key_limit_exceeded",
        `Cannot cover this request within the key's ${refused.kind === "key_limit" ? "spending" : refused.kind.slice(4)} limit: it may cost up to ${money(refused.amount)} and ${money(left)} is left; ask for less${orLater(refused)}`,
        {
          metadata: { may_cost: toUnits(refused.amount), left: toUnits(left), currency },
        },
      );
    case "carbon":
      return new AppError(
        "carbon_budget_reached",
        `Cannot stay within the ${isOfAccount(refused) ? "account" : "key"}'s carbon budget: this request may emit up to ${(refused.amount / 1e6).toPrecision(3)} g CO2e and ${(left / 1e6).toPrecision(3)} g are left`,
        {
          metadata: {
            budget_of: isOfAccount(refused) ? "account" : "key",
            may_emit_g: refused.amount / 1e6,
            left_g: left / 1e6,
          },
        },
      );
    case "in_flight":
      return new AppError("rate_limit_exceeded", "rate limit exceeded", {
        retryAfterSeconds: 1,
        metadata: { limit: "max_in_flight" },
        headers: rateHeaders(refused, left),
      });
    default: {
      const isTooLarge =
        refused.kind === "tokens_minute" && refused.amount > (refused.limit ?? refused.amount);
      return new AppError(
        "rate_limit_exceeded",
        isTooLarge
          ? `Cannot fit this request into a minute of the key: it may use up to ${refused.amount} tokens, and tokens_per_minute is ${refused.limit}; ask for less, or raise the limit`
          : "rate limit exceeded",
        {
          retryAfterSeconds: Math.max(
            1,
            Math.ceil(((refused.windowEnd ?? 0) - app.clock.now()) / 1000),
          ),
          metadata: { limit: refused.kind },
          headers: { ...rateHeaders(refused, left), ...(isTooLarge ? notAgain : {}) },
        },
      );
    }
  }
}

/** When a limit starts anew, where it does. */
function orLater({ windowEnd }: Demand): string {
  if (windowEnd === undefined) return ", or raise the limit";
  return `, raise the limit, or wait until ${new Date(windowEnd).toISOString()}`;
}

/** Whether an allowance that keys have too is the account's. */
function isOfAccount({ owner }: Demand): boolean {
  return owner.startsWith("acc_");
}

/** The rate-limit triple for one limit. Reset is Unix seconds. */
export function rateHeaders(demand: Demand, remaining: number): Record<string, string> {
  return {
    "X-RateLimit-Limit": String(demand.limit ?? 0),
    "X-RateLimit-Remaining": String(Math.max(0, Math.floor(remaining))),
    ...(demand.windowEnd === undefined
      ? {}
      : { "X-RateLimit-Reset": String(Math.ceil(demand.windowEnd / 1000)) }),
  };
}
