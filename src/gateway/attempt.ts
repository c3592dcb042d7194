import type {
  Ask,
  DialectId,
  MeteredReply,
  Target,
  UpstreamRequest,
} from "#src/dialect/dialect.ts";
import { classify, thrownFault, type Fault } from "#src/gateway/fault.ts";
import type { Choice } from "#src/gateway/choose.ts";
import type { App, Call } from "#src/gateway/context.ts";
import { wireOf } from "#src/gateway/wire.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { RequestDocuments } from "#src/provider/remote-document.ts";
import { ConnectTimeout, type Exchange, type Head } from "#src/provider/exchange.ts";
import { send, type SendOptions } from "#src/provider/send.ts";

/** An upstream that answered: the route it took and what there is to read. */
export interface Answer {
  route: Route;
  /** The dialect that the upstream speaks. */
  wire: DialectId;
  dropped: string[];
  /** A whole answer; absent for a stream whose head arrived. */
  whole: MeteredReply | undefined;
  /** Length of the whole answer as it came. */
  bytes: number;
  exchange: Exchange;
  trace: TraceEntry[];
  /** Monotonic milliseconds when the answer began. */
  firstByteAt: number;
}

/** Every attempt failed, or the client left. Carries the trace for the ledger. */
export class AttemptFailed extends Error {
  override readonly name = "AttemptFailed";
  constructor(
    readonly error: AppError,
    readonly trace: TraceEntry[],
    readonly route: Route | undefined,
    readonly clientLeft: boolean,
  ) {
    super(error.message, { cause: error });
  }
}

/** Tries the routes in order until one answers. Nothing was sent to the client yet, so failing over is safe. */
export async function attempt(
  call: Call,
  ask: Ask,
  { routes, reasons }: Choice,
  app: App,
): Promise<Answer> {
  const trace: TraceEntry[] = [];
  const documents = app.remote.during(call.request.signal);
  let last: { fault: Fault; route: Route } | undefined;
  for (const route of routes) {
    const started = app.clock.monotonic();
    try {
      const answer = await once(call, ask, route, documents, app);
      app.health.succeeded(route, answer.firstByteAt - answer.sentAt);
      trace.push(traced(route, "selected", reasons.get(route) ?? "only_route"));
      return { ...answer, trace };
    } catch (thrown) {
      const left = call.request.signal.aborted;
      const fault = thrownFault(thrown, route);
      if (left)
        throw new AttemptFailed(
          fault.error,
          [...trace, traced(route, "failed", "client_left")],
          route,
          true,
        );
      const ms = Math.round(app.clock.monotonic() - started);
      trace.push({
        ...traced(route, "failed", fault.reason),
        ms,
        ...(fault.status === undefined ? {} : { status: fault.status }),
      });
      if (fault.upstreamFailed) app.health.failed(route);
      last = { fault, route };
      if (!fault.moveOn) break;
    }
  }
  const error =
    last?.fault.error ?? new AppError("service_unavailable", "No route was left to try");
  throw new AttemptFailed(error, trace, last?.route, false);
}

function traced(route: Route, decision: TraceEntry["decision"], reason: string): TraceEntry {
  return {
    provider: route.deployment.provider.id,
    region: route.deployment.region,
    model: route.model.id,
    decision,
    reason,
  };
}

/** The endpoint in the words a dialect understands. */
export function targetOf({ endpoint, model, deployment }: Route): Target {
  return {
    model: endpoint.upstreamModel,
    provider: deployment.provider.id,
    maxOutputTokens: endpoint.maxOutputTokens ?? model.maxOutputTokens,
    samplingParams: model.capabilities.samplingParams,
    jsonSchema: model.capabilities.structuredOutputs,
    reasoning: model.capabilities.reasoning ? (model.reasoning ?? {}) : undefined,
    overrides: endpoint.requestOverrides,
  };
}

interface Once extends Omit<Answer, "trace"> {
  /** Monotonic milliseconds; what was fetched before is not the upstream's time. */
  sentAt: number;
}

async function once(
  call: Call,
  ask: Ask,
  route: Route,
  documents: RequestDocuments,
  app: App,
): Promise<Once> {
  const wire = wireOf(route, ask, call.front);
  let request: UpstreamRequest;
  try {
    const written = call.front.request(wire, call.body, ask, targetOf(route), documents);
    request = written instanceof Promise ? await written : written;
  } catch (cause) {
    throw ours(cause);
  }
  const { timeouts } = app.config;
  const { signal } = call.request;
  const sentAt = app.clock.monotonic();
  const exchange = begin(route, request, {
    stream: ask.stream,
    connectMs: timeouts.connectMs,
    extra: wire === call.front.wire ? forwarded(call) : undefined,
  });
  const leave = () => exchange.abort(new ClientLeft());
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  const deadline = app.deadlines.after(timeouts.firstByteMs, () =>
    exchange.abort(timeout("first byte", timeouts.firstByteMs, route)),
  );
  try {
    const head = await exchange.head;
    const firstByteAt = app.clock.monotonic();
    const ok = head.status >= 200 && head.status < 300;
    const answer = { route, wire, dropped: request.dropped, exchange, sentAt, firstByteAt };
    if (ask.stream && ok && !isJson(head)) return { ...answer, whole: undefined, bytes: 0 };
    const body = await exchange.bytes();
    if (!ok || ask.stream) throw classify(head, body, route, wire);
    return { ...answer, whole: call.front.whole(wire, body, ask), bytes: body.length };
  } catch (thrown) {
    if (thrown instanceof ConnectTimeout) throw timeout("connection", timeouts.connectMs, route);
    throw thrown;
  } finally {
    deadline.cancel();
  }
}

/** Sends a request; what breaks before anything is sent is ours. */
function begin(route: Route, { path, body }: UpstreamRequest, options: SendOptions): Exchange {
  try {
    return send(route.deployment, path, body, options);
  } catch (cause) {
    throw ours(cause);
  }
}

/** What breaks on our side says nothing of the upstream: it must not count against its health. */
function ours(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError("internal_error", "Something went wrong on our side", { cause });
}

/** What a header's value may not hold. */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/;

/** Headers that go on to an upstream of the client's own wire. */
export function forwarded({ front, request }: Call): Record<string, string> | undefined {
  if (front.forward.length === 0) return undefined;
  const headers: Record<string, string> = {};
  for (const name of front.forward) {
    const value = request.headers.get(name);
    if (value === null) continue;
    if (unsafe.test(value))
      throw new AppError(
        "invalid_value",
        `Cannot use the header "${name}": it holds a control character`,
        {
          param: name,
        },
      );
    headers[name] = value;
  }
  return headers;
}

/** The 504 of one timer, naming it. */
export function timeout(timer: string, milliseconds: number, route: Route): AppError {
  const { provider, region } = route.deployment;
  return new AppError(
    "upstream_timeout",
    `The upstream ${provider.id} in ${region} gave no ${timer} within ${milliseconds / 1000} s`,
    {
      metadata: { timer, provider: provider.id, region },
    },
  );
}

/** A stream was asked for and JSON came: an error under status 200, or an upstream that cannot stream. */
function isJson(head: Head): boolean {
  return head.header("content-type")?.startsWith("application/json") ?? false;
}

/** Why an exchange ended whose client is gone. */
export class ClientLeft extends Error {
  override readonly name = "ClientLeft";
}
