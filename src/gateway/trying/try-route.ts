import { abilitiesAt } from "#src/catalog/abilities.ts";
import type {
  Ask,
  DialectId,
  MeteredReply,
  StreamHead,
  Target,
  UpstreamRequest,
} from "#src/dialect/dialect.ts";
import { askToThink } from "#src/dialect/think.ts";
import type { StopShare } from "#src/dialect/stop-share.ts";
import { classify, classifyTold, classifyUntrue } from "#src/gateway/fault.ts";
import type { App, Call } from "#src/gateway/context.ts";
import { heldOutputTokens } from "#src/gateway/reserve.ts";
import { requireWritten } from "#src/gateway/routing/parameters.ts";
import { opened, type Opening } from "#src/gateway/trying/opening.ts";
import { timeout } from "#src/gateway/trying/timers.ts";
import { wireOf } from "#src/gateway/wire.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";
import {
  BrokenAnswer,
  ConnectTimeout,
  type Exchange,
  type Head,
  maxWholeBytes,
} from "#src/provider/exchange.ts";
import { type Seat, SeatedExchange } from "#src/provider/in-flight.ts";
import type { RequestDocuments } from "#src/provider/remote-document.ts";
import { send, type SendOptions } from "#src/provider/send.ts";

/** What a route answered: a whole reply, or a stream that has begun. */
export type Tried = TriedWhole | TriedStream;

interface TriedWhole extends Answered {
  whole: MeteredReply;
}

export interface TriedStream extends Answered {
  whole: undefined;
  opening: Opening;
}

interface Answered {
  route: Route;
  /** The dialect that the upstream speaks. */
  wire: DialectId;
  dropped: string[];
  /** Length of the whole answer as it came. */
  bytes: number;
  exchange: Exchange;
  /** Monotonic milliseconds; what was fetched before is not the upstream's time. */
  sentAt: number;
  /** Monotonic milliseconds when the answer began. */
  firstByteAt: number;
}

/** Holds a try by its exchange, so that it can be called off from outside at any moment. */
export class Leash {
  #exchange: Exchange | undefined;
  #reason: Error | undefined;
  /** It ended by itself: there is nothing to call off. */
  isOver = false;

  /** Why it was called off; undefined while it was not. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  tie(exchange: Exchange): void {
    this.#exchange = exchange;
    if (this.#reason !== undefined) exchange.abort(this.#reason);
  }

  callOff(reason: Error): void {
    this.#reason ??= reason;
    this.#exchange?.abort(reason);
  }
}

/** What a try needs besides its route. */
export interface Trying {
  call: Call;
  ask: Ask;
  documents: RequestDocuments;
  /** Names the try, for a provider that should not run it twice. */
  id: string;
  /** Id of the completion as the client sees it. */
  completionId: string;
  /** Its place at the provider: given back when the exchange is over. */
  seat: Seat;
  leash: Leash;
}

/**
 * One exchange with one route, under the four timers: to a whole answer, or to the beginning of a stream. Whatever it throws,
 * its connection is free or closed and its place is given back.
 */
export async function tryRoute(route: Route, trying: Trying, app: App): Promise<Tried> {
  const { call, ask, seat, leash } = trying;
  const wire = wireOf(route, ask, call.front);
  let exchange: Exchange | undefined;
  let head: Head | undefined;
  try {
    const written = requestOf(route, wire, trying, app);
    const request = written instanceof Promise ? await written : written;
    if (leash.reason !== undefined) throw leash.reason;
    // What is sent is not held while it is waited for.
    const { dropped, stops } = request;
    requireWritten(dropped, ask, route);
    const sentAt = app.clock.monotonic();
    exchange = begin(route, request, {
      stream: ask.stream,
      connectMs: app.config.timeouts.connectMs,
      extra: extraHeaders(route, wire, trying),
    });
    leash.tie(exchange);
    const { firstByteMs } = app.config.timeouts;
    const begun = exchange;
    const late = app.deadlines.after(firstByteMs, () =>
      begun.abort(timeout("first_byte", firstByteMs, route)),
    );
    try {
      head = await exchange.head;
    } finally {
      late.cancel();
    }
    const firstByteAt = app.clock.monotonic();
    const ok = head.status >= 200 && head.status < 300;
    const answer = { route, wire, dropped, exchange, sentAt, firstByteAt };
    if (ask.stream && ok && !isNoStream(head)) {
      const seated = new SeatedExchange(exchange, seat);
      const flow = call.front.stream(wire, streamHead(route, trying, stops));
      const begins = opened(flow, seated, route, app);
      const stream = { ...answer, exchange: seated, whole: undefined, bytes: 0 };
      if (!(begins instanceof Promise)) return { ...stream, opening: begins };
      const opening = await begins;
      return { ...stream, opening, firstByteAt: app.clock.monotonic() };
    }
    // Most answers are here whole with their head: then there is nothing to wait for, or to time.
    const here = exchange.isHere === true ? exchange.bytes() : undefined;
    const body = here instanceof Uint8Array ? here : await bodyOf(exchange, route, app);
    if (!ok) throw classify(head, body, route, wire);
    if (ask.stream) throw classifyUntrue(head, body, route, wire);
    const whole = call.front.whole(wire, body, ask, route.deployment.provider.id, stops);
    seat.leave();
    return { ...answer, whole, bytes: body.length };
  } catch (thrown) {
    leash.isOver = true;
    exchange?.abort(new Error("The try failed"));
    seat.leave();
    if (leash.reason !== undefined) throw leash.reason;
    if (thrown instanceof ConnectTimeout)
      throw timeout("connect", app.config.timeouts.connectMs, route);
    throw head === undefined ? thrown : classifyTold(thrown, head, route, wire);
  }
}

/** What is known of a stream before its first event. */
function streamHead(
  route: Route,
  { call, ask, completionId }: Trying,
  stops: StopShare | undefined,
): StreamHead {
  return {
    completionId,
    created: Math.floor(call.receivedAt / 1000),
    model: route.model.id,
    provider: route.deployment.provider.id,
    includeUsage: ask.includeUsage,
    asked: ask.parsed,
    toolNames: ask.toolNames,
    stops,
    choices: ask.choices,
  };
}

/** The request in the words of the route. What breaks here is ours. */
function requestOf(
  route: Route,
  wire: DialectId,
  { call, ask, documents }: Trying,
  app: App,
): UpstreamRequest | Promise<UpstreamRequest> {
  try {
    const target = targetOf(route, ask, app);
    const asked = asksToThink(route)
      ? askToThink(call.body, ask, target.reasoning ?? {})
      : { body: call.body, ask };
    const written = call.front.request(wire, asked.body, asked.ask, target, documents);
    ask.toolNames = asked.ask.toolNames;
    if (!(written instanceof Promise)) return written;
    return written.catch((cause: unknown) => {
      throw ours(cause);
    });
  } catch (cause) {
    throw ours(cause);
  }
}

/** The suffix `:thinking` turns reasoning on. */
function asksToThink({ variant }: Route): boolean {
  return variant === "thinking";
}

/** All of a body, as long as it keeps coming. */
export async function bodyOf(exchange: Exchange, route: Route, app: App): Promise<Uint8Array> {
  const { idleMs } = app.config.timeouts;
  const idle = app.deadlines.after(idleMs, () => exchange.abort(timeout("idle", idleMs, route)));
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const piece = await exchange.read();
      if (piece === undefined) break;
      idle.extend();
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > maxWholeBytes)
        throw new BrokenAnswer(`The answer is longer than ${maxWholeBytes} bytes`);
    }
  } finally {
    idle.cancel();
  }
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, bytes);
}

/** The endpoint in the words a dialect understands. */
export function targetOf(route: Route, ask: Ask, app: App): Target {
  const { endpoint, model, deployment } = route;
  return {
    model: endpoint.upstreamModel,
    provider: deployment.provider.id,
    maxOutputTokens: endpoint.maxOutputTokens ?? model.maxOutputTokens,
    heldOutputTokens: heldOutputTokens(ask, route, app),
    samplingParams: model.capabilities.samplingParams,
    jsonSchema: abilitiesAt(model, endpoint).structuredOutputs,
    // The cloud hosts of these models do not take it.
    instructsAmid:
      model.capabilities.midConversationSystem === true && deployment.provider.id === model.author,
    reasoning: model.capabilities.reasoning ? (model.reasoning ?? {}) : undefined,
    overrides: endpoint.requestOverrides,
  };
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

/** The client's headers that may go on, and the name of the try where the provider takes one. */
function extraHeaders(route: Route, wire: DialectId, { call, id }: Trying) {
  const extra = wire === call.front.wire ? forwarded(call) : undefined;
  const header = route.deployment.provider.idempotencyHeader;
  return header === undefined ? extra : { ...extra, [header]: id };
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

/**
 * A stream was asked for and JSON came, which is an error under status 200 or an upstream that cannot stream; or a page
 * came, of something that stands before it. Nothing was passed on yet, so another route may still do better.
 */
function isNoStream(head: Head): boolean {
  const type = head.header("content-type") ?? "";
  return type.startsWith("application/json") || type.startsWith("text/html");
}
