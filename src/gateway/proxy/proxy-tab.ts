import type { Caller } from "#src/account/account.ts";
import type { Hold } from "#src/allowance/allowance.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { Meter } from "#src/dialect/meter/meter.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { AttemptFailed } from "#src/gateway/trying/attempt.ts";
import type { App, Call } from "#src/gateway/context.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";
import { fail } from "#src/gateway/fail.ts";
import type { KeyHold } from "#src/gateway/keys/key-hold.ts";
import { isOwn } from "#src/gateway/keys/credentials.ts";
import { learn, learnSpeed } from "#src/gateway/trying/learn.ts";
import type { Fault } from "#src/gateway/fault.ts";
import { answerHeaders } from "#src/gateway/headers.ts";
import { open } from "#src/gateway/open.ts";
import { spend } from "#src/gateway/reserve.ts";
import type { Way } from "#src/gateway/proxy/proxy-route.ts";
import { accountFor, type Outcome, settle } from "#src/gateway/settle.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { type AppError, toAppError } from "#src/lib/error.ts";

/** What a proxied call is charged to. The first of its ends counts. */
export interface Tab {
  /** The provider began to answer. */
  began(): void;
  /** What the gateway adds to the answer's headers. */
  headers(): Record<string, string>;
  /** The provider answered, and all of it passed by. */
  complete(meter: Meter): Promise<void>;
  /** The provider refused, failed or broke off. */
  failed(fault: Omit<Fault, "moveOn">, meter: Meter): Promise<void>;
  /** The client left. */
  left(meter: Meter): Promise<void>;
  /** Nothing was sent to the client yet: what to tell it. */
  refused(thrown: unknown): Promise<AppError>;
}

/** A call with its part of the allowances. */
interface Admitted {
  call: Call;
  ask: Ask;
  caller: Caller;
  hold: Hold;
  way: Way;
  /** What was taken of the credential's own limits. */
  keyHolds: KeyHold[];
}

/** For what costs nothing: limits are asked, nothing is used up, and no row is written. */
export function freeTab({ hold, way }: Admitted): Tab {
  const { provider, region } = way.route.deployment;
  const release = (): Promise<void> => {
    spend(hold, { cost: 0, tokens: 0, carbon: 0 });
    return Promise.resolve();
  };
  return {
    began() {},
    headers: () => ({
      "X-LowRouter-Provider": provider.id,
      "X-LowRouter-Region": region,
    }),
    complete: release,
    failed: release,
    left: release,
    async refused(thrown) {
      await release();
      return toAppError(thrown instanceof AttemptFailed ? thrown.error : thrown);
    },
  };
}

/** For what is written down, and charged where it has a price. */
export function chargedTab({ call, ask, caller, hold, way, keyHolds }: Admitted, app: App): Tab {
  const { route, isListed } = way;
  const { provider, region } = route.deployment;
  // Without a model there is none that a row could name; where it ran, the trace tells.
  const named = ask.model === undefined ? undefined : route;
  const job = open(call, ask, caller, hold, way.trace, app);
  job.keyHolds.push(...keyHolds);
  const traced = (decision: TraceEntry["decision"], reason: string): TraceEntry => {
    return { provider: provider.id, region, model: route.model.id, decision, reason };
  };
  let firstByteAt: number | undefined;

  function end(
    outcome: Pick<Outcome, "status" | "error" | "usage">,
    entry: TraceEntry,
    meter: Meter,
  ): Promise<void> {
    const { usage } = outcome;
    if (meter.id !== undefined) job.completionId = meter.id;
    return settle(
      job,
      {
        ...outcome,
        route: named,
        place: route.deployment,
        upstreamId: meter.id,
        firstByteAt,
        trace: [entry],
      },
      named && accountFor(job, named, usage, app),
      app,
    );
  }
  return {
    began() {
      firstByteAt = app.clock.monotonic();
    },
    headers: () => answerHeaders(job, route, [], app),
    complete(meter) {
      const { usage: told } = meter;
      const usage = told?.outputUntold
        ? withWords(told, ask, meter)
        : (told ?? (isListed ? estimated(ask, meter) : undefined));
      if (isListed && meter.isStream && firstByteAt !== undefined)
        learnSpeed(route, usage, firstByteAt, app);
      return end({ status: "ok", usage }, traced("selected", "proxied"), meter);
    },
    failed(fault, meter) {
      const { error, reason, status } = fault;
      // A client must not talk a provider ill: a path that does not exist is no failure. Its own key is its own affair.
      const isOwnRefused = status === 401 && isOwn(route);
      const isTelling = status === undefined || status >= 500 || isOwnRefused;
      const upstreamFailed = fault.upstreamFailed && isTelling;
      if (isListed) learn(route, { ...fault, upstreamFailed }, app);
      const isClients = error.status < 500 && error.status !== 429;
      const entry = { ...traced("failed", reason), ...(status === undefined ? {} : { status }) };
      const { usage } = meter;
      return end(
        { status: isClients ? "client_error" : "upstream_error", error, usage },
        entry,
        meter,
      );
    },
    left(meter) {
      const usage = isListed ? partial(ask, meter) : meter.usage;
      return end({ status: "client_cancelled", usage }, traced("failed", "client_left"), meter);
    },
    refused: (thrown) => fail(job, thrown, app),
  };
}

/** A stand-in where the provider told no usage. */
function estimated(ask: Ask, meter: Meter): Usage {
  return estimateUsage(ask, ask.kind === "embedding" ? 0 : meter.outputBytes);
}

/** Usage of an answer that was left: what was told, with our count of a stream's words where that is more. */
function partial(ask: Ask, meter: Meter): Usage | undefined {
  const { usage: told, outputBytes } = meter;
  const isWhole = meter.ended || (!meter.isStream && told !== undefined);
  if (isWhole && !told?.outputUntold) return told;
  if (told === undefined && outputBytes === 0) return undefined;
  return told === undefined ? estimated(ask, meter) : withWords(told, ask, meter);
}

/** What was told, with our count of the words where that is more. */
function withWords(told: Usage, ask: Ask, meter: Meter): Usage {
  const counted = estimated(ask, meter);
  const visible = Math.max(told.output.visible, counted.output.visible - told.output.reasoning);
  return { ...told, output: { ...told.output, visible }, estimated: true };
}
