import type { Caller } from "#src/account/account.ts";
import type { Demand } from "#src/allowance/allowance.ts";
import { basisOf } from "#src/gateway/routing/pins.ts";
import { type App, balanceOf } from "#src/gateway/context.ts";
import { rateHeaders, standingDemands } from "#src/gateway/reserve.ts";
import type { Job, Outcome } from "#src/gateway/settle.ts";
import { toCredits } from "#src/ledger/money.ts";
import { isTried } from "#src/observe/meter.ts";
import type { Route } from "#src/provider/deployment.ts";

/** Names that a browser may read. */
export const exposedHeaders = [
  "X-LowRouter-Generation-ID",
  "X-LowRouter-Provider",
  "X-LowRouter-Region",
  "X-LowRouter-Region-Basis",
  "X-LowRouter-Dropped",
  "X-LowRouter-Demo",
  "X-LowRouter-Overhead-Ms",
  "X-LowRouter-Uncounted-Requests",
  "X-Credit-Balance",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
  "Retry-After",
  "X-Should-Retry",
].join(", ");

/** Route, balance and limits of an answered request. */
export function answerHeaders(
  job: Job,
  route: Route,
  dropped: string[],
  app: App,
): Record<string, string> {
  const { provider, region } = route.deployment;
  const headers: Record<string, string> = {
    "X-LowRouter-Generation-ID": job.generationId,
    "X-LowRouter-Provider": provider.id,
    "X-LowRouter-Region": region,
    "X-LowRouter-Region-Basis": basisOf(route),
    // What a model says may look like a page: no browser shall take it for one.
    "x-content-type-options": "nosniff",
    ...balanceHeader(job.caller, app),
    ...tightest(job.hold.demands, app),
  };
  const { unusedPlugins } = job.ask;
  const unsaid = unusedPlugins === undefined ? dropped : [...dropped, ...unusedPlugins];
  if (unsaid.length > 0) headers["X-LowRouter-Dropped"] = unsaid.map(headerSafe).join(", ");
  return headers;
}

/** Decimals of a millisecond: a microsecond. */
const overheadDecimals = 3;

/**
 * What the gateway itself took, ms: until the upstream was asked, and `afterMs` since it began to answer. Nothing where another
 * route was tried before: that time is an upstream's.
 */
export function overheadHeader(
  { call }: Job,
  { sentAt, trace }: Pick<Outcome, "sentAt" | "trace">,
  afterMs: number,
): Record<string, string> {
  if (sentAt === undefined || trace.some(isTried)) return {};
  const own = sentAt - call.startedAt + afterMs;
  return { "X-LowRouter-Overhead-Ms": own.toFixed(overheadDecimals) };
}

/** Balance and limits of a caller, for an answer that took nothing from them. */
export async function standingHeaders(caller: Caller, app: App): Promise<Record<string, string>> {
  const demands = standingDemands(caller, app);
  // Takes nothing, and reads what this process has not seen yet.
  const taken = await app.allowances.reserve(demands);
  if ("settle" in taken) taken.settle([]);
  return { ...balanceHeader(caller, app), ...tightest(demands, app) };
}

/** The account's balance in credits, when this process knows it. */
function balanceHeader(caller: Caller, app: App): Record<string, string> {
  const balance = balanceOf(app, caller.account);
  return balance === undefined ? {} : { "X-Credit-Balance": String(toCredits(balance)) };
}

const rateKinds: ReadonlySet<Demand["kind"]> = new Set([
  "requests_minute",
  "requests_day",
  "tokens_minute",
  "in_flight",
  "free_minute",
  "free_day",
]);

/** The rate limit closest to exhaustion. */
function tightest(demands: readonly Demand[], app: App): Record<string, string> {
  let tight: { demand: Demand; remaining: number; share: number } | undefined;
  for (const demand of demands) {
    if (!rateKinds.has(demand.kind) || demand.limit === undefined) continue;
    const remaining = app.allowances.standing(demand)?.remaining ?? demand.limit;
    const share = demand.limit === 0 ? 0 : remaining / demand.limit;
    if (tight === undefined || share < tight.share) tight = { demand, remaining, share };
  }
  return tight === undefined ? {} : rateHeaders(tight.demand, tight.remaining);
}

/** A member's name as a header value: one that looks like a name, for anything else may be a text. */
function headerSafe(name: string): string {
  return /^[a-zA-Z_][\w.[\]]{0,63}$/.test(name) ? name : "?";
}
