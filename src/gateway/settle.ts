import type { Caller } from "#src/account/account.ts";
import type { Hold } from "#src/allowance/allowance.ts";
import { partsAtProvider } from "#src/catalog/price.ts";
import type { Ask, LowrouterBlock, Summary } from "#src/dialect/dialect.ts";
import { inputTokens, outputTokens, totalTokens, type Usage } from "#src/dialect/usage.ts";
import type { App, Call, Cost } from "#src/gateway/context.ts";
import { isOwn } from "#src/gateway/keys/credentials.ts";
import { withLive } from "#src/gateway/live-trace.ts";
import { hasFeeless, type KeyHold } from "#src/gateway/keys/key-hold.ts";
import { type Spent, spend } from "#src/gateway/reserve.ts";
import type { Generation, GenerationStatus, TraceEntry } from "#src/ledger/generation.ts";
import { nano, toUnits } from "#src/ledger/money.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import type { Placed } from "#src/lib/bag.ts";
import type { AppError } from "#src/lib/error.ts";
import type { Telemetry } from "#src/observe/telemetry.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";

/** A request that was admitted: its ids and its hold. Ended exactly once, by settle(). */
export interface Job extends Placed {
  call: Call;
  ask: Ask;
  caller: Caller;
  hold: Hold;
  generationId: string;
  /** Id of the completion as the client sees it. */
  completionId: string;
  trace: TraceEntry[];
  /** What was taken of the limits of provider credentials. */
  keyHolds: KeyHold[];
  settled: boolean;
}

/** How a request ended. */
export interface Outcome {
  status: GenerationStatus;
  error?: AppError;
  route?: Route;
  /** Where it ran, when no model was named. */
  place?: Deployment;
  usage?: Usage;
  /** The provider's id of the answer. */
  upstreamId?: string;
  /** Monotonic milliseconds when the answer began. */
  firstByteAt?: number;
  /** Monotonic milliseconds when the upstream that answered was asked. */
  sentAt?: number;
  trace: TraceEntry[];
}

/** What is said about an answer, in the client's words; made before the commit so that both agree. */
export interface Account {
  summary: Summary;
  cost: Cost | undefined;
  estimate: ReturnType<App["estimate"]>;
}

const waivedCost: Cost = {
  total: nano(0),
  prompt: nano(0),
  completion: nano(0),
  upstream: nano(0),
};

/** Cost and footprint of a usage at a route. No eco where usage is unknown or only our own count. */
export function accountFor(job: Job, route: Route, usage: Usage | undefined, app: App): Account {
  const cost = usage === undefined ? undefined : chargeOf(job, route, usage, app);
  const counted = usage !== undefined && usage.estimated !== true && totalTokens(usage) > 0;
  // The method models the making of text: vectors have no figures.
  const estimate = counted && job.ask.kind === "chat" ? app.estimate(route, usage) : undefined;
  const { provider, region } = route.deployment;
  const block: LowrouterBlock = { generation_id: job.generationId, provider: provider.id, region };
  if (estimate) block.eco = estimate.block;
  return {
    cost,
    estimate,
    summary: {
      completionId: job.completionId,
      created: Math.floor(job.call.receivedAt / 1000),
      model: route.model.id,
      provider: provider.id,
      usage,
      cost: cost && usage && shownCost(cost, usage),
      isByok: isOwn(route),
      asked: job.ask.parsed,
      block,
    },
  };
}

/** What an answer says of its cost; the parts are the provider's, as in the record of the request. */
function shownCost(cost: Cost, usage: Usage): Summary["cost"] {
  const parts = partsAtProvider(cost, inputTokens(usage), outputTokens(usage));
  return {
    total: toUnits(cost.total),
    prompt: toUnits(parts.prompt),
    completion: toUnits(parts.completion),
    upstream: toUnits(cost.upstream),
  };
}

/** What a usage is charged: on an own credential the fee, unless the month has free requests left. */
function chargeOf(job: Job, route: Route, usage: Usage, app: App): Cost | undefined {
  const cost = app.price(route, usage, job.call.receivedAt);
  if (cost === undefined || !isOwn(route) || !hasFeeless(job, route)) return cost;
  return { ...cost, total: nano(0) };
}

/**
 * Writes the generation, moves the allowances, and returns when both are committed. Idempotent: the first call counts.
 * The last byte of an answer may leave only after this.
 */
export async function settle(
  job: Job,
  outcome: Outcome,
  account: Account | undefined,
  app: App,
): Promise<void> {
  if (job.settled) return;
  job.settled = true;
  const { usage } = outcome;
  // What an upstream failed to deliver is not charged; what a client received before it left is.
  const charged = outcome.status === "ok" || outcome.status === "client_cancelled";
  const cost =
    charged && usage !== undefined
      ? account?.cost
      : charged && outcome.status === "ok"
        ? undefined
        : waivedCost;
  const estimate = charged ? account?.estimate : undefined;
  const generation = generationOf(job, outcome, cost, estimate, app);
  const spent = {
    cost: cost?.total ?? 0,
    tokens: usage === undefined ? 0 : totalTokens(usage),
    carbon: Math.round((estimate?.block.carbon_g ?? uncertain(job, outcome, charged, app)) * 1e6),
  };
  const movements = spend(job.hold, spent);
  if (job.keyHolds.length > 0) movements.push(...spendKeys(job, outcome, cost, spent));
  try {
    await app.ledger.record({ generation, movements });
    if (app.telemetry !== undefined) observed(app.telemetry, generation, job, outcome, app);
  } catch (cause) {
    app.log.write("error", "settle_failed", { generation: job.generationId }, cause);
    app.allowances.lost();
    throw cause;
  } finally {
    app.open.delete(job);
  }
}

/**
 * What a carbon budget is charged for an answer of which nobody told the tokens: by our own count, in grams. It is no figure
 * to be shown, but who hangs up before the end would else emit for nothing.
 */
function uncertain(job: Job, { route, usage }: Outcome, charged: boolean, app: App): number {
  if (!charged || route === undefined || usage?.estimated !== true) return 0;
  if (job.ask.kind !== "chat" || job.hold.demands.every(({ kind }) => kind !== "carbon")) return 0;
  return app.estimate(route, usage)?.block.carbon_g ?? 0;
}

/** Shows a request that is kept to whoever counts; what goes wrong there is not the request's. */
function observed(
  telemetry: Telemetry,
  generation: Generation,
  { call }: Job,
  { sentAt, firstByteAt }: Outcome,
  { clock, log }: App,
): void {
  try {
    const moments = { startedAt: call.startedAt, sentAt, firstByteAt, endedAt: clock.monotonic() };
    telemetry.ended(generation, moments, call.request.headers);
  } catch (cause) {
    log.write("warn", "telemetry_failed", {}, cause);
  }
}

/** Ends what was taken of credentials: a try counts, and what it cost counts where it served. */
function spendKeys(job: Job, { route, usage }: Outcome, cost: Cost | undefined, spent: Spent) {
  // What a provider bills for an answer that broke off is not ours to know, and no part of what we charge.
  const served = cost === waivedCost || usage === undefined ? undefined : route;
  return job.keyHolds.flatMap(({ route: tried, hold }) => {
    const { key } = tried.deployment;
    const isServed = key !== undefined && served?.deployment.key?.id === key.id;
    const upstream = isServed ? (cost?.upstream ?? 0) : 0;
    return spend(hold, { ...spent, upstream, feeless: isServed ? 1 : 0 });
  });
}

function generationOf(
  job: Job,
  outcome: Outcome,
  cost: Cost | undefined,
  estimate: ReturnType<App["estimate"]>,
  app: App,
): Generation {
  const { call, caller, ask } = job;
  const { route, usage } = outcome;
  const place = route?.deployment ?? outcome.place;
  const now = app.clock.monotonic();
  const answeredAt = ask.stream ? (outcome.firstByteAt ?? now) : now;
  return {
    id: job.generationId,
    completionId: job.completionId,
    upstreamId: outcome.upstreamId,
    accountId: caller.account.id,
    keyId: caller.key.hash,
    keyName: caller.key.name,
    user: ask.user,
    app: appOf(call.request.headers),
    dialect: ask.dialect,
    requestedModel: ask.model ?? ask.models[0],
    model: route?.model.id,
    provider: place?.provider.id,
    region: place?.region,
    streamed: ask.stream,
    status: outcome.status,
    errorCode: outcome.error?.code,
    settlement: settlementOf(outcome, cost),
    createdAt: call.receivedAt,
    completedAt: app.clock.now(),
    latencyMs: Math.max(0, Math.round(answeredAt - call.startedAt)),
    tokens: usage && {
      inputFresh: usage.input.fresh,
      cacheRead: usage.input.cacheRead,
      cacheWrite5m: usage.input.cacheWrite5m,
      cacheWrite1h: usage.input.cacheWrite1h,
      outputVisible: usage.output.visible,
      reasoning: usage.output.reasoning,
    },
    rawUsage: usage && usage.raw !== null ? JSON.stringify(withoutText(usage.raw)) : undefined,
    cost: cost?.total,
    costPrompt: cost?.prompt,
    costCompletion: cost?.completion,
    upstreamCost: cost?.upstream,
    usdRate: app.config.billing.usdRate,
    isByok: route !== undefined && isOwn(route),
    energyWh: estimate?.block.energy_wh,
    carbonG: estimate?.block.carbon_g,
    carbonPer1kG: estimate?.block.carbon_per_1k_tokens_g,
    energyBounds: estimate?.energyWh,
    accuracy: estimate?.block.accuracy,
    methodology: estimate?.block.methodology_version,
    gridGPerKwh: estimate?.gridGPerKwh,
    gridZone: estimate?.gridZone,
    measured: estimate?.measured,
    trace: withLive([...job.trace, ...outcome.trace], route, app.liveGrid),
  };
}

/** The app that a request is attributed to: its title, else where it is at home; no more of the address, which may say more. */
function appOf(headers: Headers): string | undefined {
  const title = headers.get("x-title") ?? headers.get("x-openrouter-title");
  if (title !== null) return title;
  const home = headers.get("http-referer");
  return home !== null && URL.canParse(home) ? new URL(home).host || undefined : undefined;
}

/** Text that an upstream puts beside its counts may quote the prompt, so it is not stored. */
function withoutText(value: Json): Json {
  if (typeof value === "string") return null;
  if (Array.isArray(value)) return value.map(withoutText);
  if (!isObject(value)) return value;
  const kept: JsonObject = {};
  for (const name in value) {
    const member = value[name];
    if (member !== undefined && typeof member !== "string") kept[name] = withoutText(member);
  }
  return kept;
}

function settlementOf(outcome: Outcome, cost: Cost | undefined): Generation["settlement"] {
  if (cost === waivedCost) return "waived";
  if (outcome.usage === undefined) return "unknown";
  return outcome.usage.estimated ? "estimated" : "final";
}
