import type { Demand, Hold } from "#src/allowance/allowance.ts";
import type { App } from "#src/gateway/context.ts";
import { outputAtMost } from "#src/gateway/reserve.ts";
import type { Job } from "#src/gateway/settle.ts";
import { AppError } from "#src/lib/error.ts";
import type { DeploymentKey, Route } from "#src/provider/deployment.ts";

/** What a request took of a credential's own limits, until it ends. */
export interface KeyHold {
  route: Route;
  hold: Hold;
}

/** Who takes: a job, or what becomes one. */
export type Taker = Pick<Job, "ask" | "keyHolds">;

/** Why a credential has no room: its rate, or its budget. Undefined where it has. */
export interface NoRoom {
  reason: "key_rate_limit" | "key_budget" | "key_budget_unpriced";
  /** Unix milliseconds; absent where waiting does not help. */
  until: number | undefined;
}

/** Whether a limit of a credential seems used up, from memory: the last word has takeOfKey(). */
export function seemsFull({ deployment: { key } }: Route, app: App): boolean {
  if (key === undefined) return false;
  return limitsOf(key, 0, app).some((demand) => {
    const standing = app.allowances.standing(demand);
    return standing?.remaining !== undefined && standing.remaining < Math.max(1, demand.amount);
  });
}

/** Takes a request's part of a route's credential. It ends with the job, whatever comes of it. */
export function takeOfKey(
  job: Taker,
  route: Route,
  app: App,
): NoRoom | undefined | Promise<NoRoom | undefined> {
  const { key } = route.deployment;
  if (key === undefined) return undefined;
  const demands = demandsOn(key, job, route, app);
  if (demands === undefined) return { reason: "key_budget_unpriced", until: undefined };
  const feeless = feelessDemand(key, app);
  if (demands.length === 0) return take(feeless, job, route, app);
  const taken = app.allowances.reserve(demands);
  const judge = (result: Awaited<typeof taken>) => {
    if ("refused" in result) return noRoom(result.refused);
    job.keyHolds.push({ route, hold: result });
    return take(feeless, job, route, app);
  };
  return taken instanceof Promise ? taken.then(judge) : judge(taken);
}

/** A request without a fee, while the account has some left in the month; without any, it goes on with the fee. */
function take(
  feeless: Demand | undefined,
  job: Taker,
  route: Route,
  app: App,
): undefined | Promise<undefined> {
  if (feeless === undefined || hasFeeless(job, route)) return undefined;
  const taken = app.allowances.reserve([feeless]);
  const note = (result: Awaited<typeof taken>) => {
    if (!("refused" in result)) job.keyHolds.push({ route, hold: result });
    return undefined;
  };
  return taken instanceof Promise ? taken.then(note) : note(taken);
}

/** Whether a request on a route is one of those that are free of the fee. */
export function hasFeeless(job: Pick<Taker, "keyHolds">, route: Route): boolean {
  return job.keyHolds.some(
    (one) =>
      one.route.deployment.key?.accountId === route.deployment.key?.accountId &&
      one.hold.demands.some(({ kind }) => kind === "byok_free"),
  );
}

function feelessDemand({ accountId }: DeploymentKey, app: App): Demand | undefined {
  const { byokFeePct, byokFreeMonthly } = app.config.billing;
  if (accountId === undefined || byokFeePct === 0 || byokFreeMonthly === 0) return undefined;
  return {
    kind: "byok_free",
    owner: accountId,
    windowStart: app.windowStart("monthly"),
    windowEnd: app.windowEnd("monthly"),
    limit: byokFreeMonthly,
    amount: 1,
  };
}

/** Undefined where a budget is to be kept and no price is known. */
function demandsOn(key: DeploymentKey, job: Taker, route: Route, app: App): Demand[] | undefined {
  if (key.dailyBudget === undefined && key.monthlyBudget === undefined)
    return limitsOf(key, 0, app);
  const { ask } = job;
  const output = outputAtMost(ask, route, app);
  const most = app.upstreamAtMost(route, ask.inputTokensAtMost, output, app.clock.now());
  return most === undefined ? undefined : limitsOf(key, most, app);
}

function limitsOf(
  { id, rpm, dailyBudget, monthlyBudget }: DeploymentKey,
  cost: number,
  app: App,
): Demand[] {
  const demands: Demand[] = [];
  const add = (
    kind: Demand["kind"],
    reset: "minute" | "daily" | "monthly",
    limit: number | undefined,
    amount: number,
  ) => {
    if (limit === undefined) return;
    const [windowStart, windowEnd] = [app.windowStart(reset), app.windowEnd(reset)];
    demands.push({ kind, owner: id, windowStart, windowEnd, limit, amount });
  };
  add("provider_minute", "minute", rpm, 1);
  add("provider_daily", "daily", dailyBudget, cost);
  add("provider_monthly", "monthly", monthlyBudget, cost);
  return demands;
}

function noRoom({ kind, windowEnd }: Demand): NoRoom {
  return {
    reason: kind === "provider_minute" ? "key_rate_limit" : "key_budget",
    until: windowEnd,
  };
}

/** The refusal where no credential had room: told when the first has again. */
export function allSpent(spent: readonly NoRoom[], app: App): AppError {
  const untils = spent.flatMap(({ until }) => until ?? []);
  const wait = Math.max(1, Math.ceil((Math.min(...untils) - app.clock.now()) / 1000));
  const isRate = spent.some(({ reason }) => reason === "key_rate_limit");
  const reasons = [...new Set(spent.map(({ reason }) => reason))];
  const detail = {
    metadata: { reasons },
    ...(untils.length === 0 ? {} : { retryAfterSeconds: wait }),
  };
  if (isRate)
    return new AppError(
      "rate_limit_exceeded",
      "Cannot send more on the provider keys of this request now: their requests per minute are used up",
      detail,
    );
  return new AppError(
    "key_limit_exceeded",
    "Cannot cover this request within the budget of its provider key: raise the budget, or allow other keys",
    detail,
  );
}
