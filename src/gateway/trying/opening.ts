import { UpstreamStreamError, type StreamRelay } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import { timeout } from "#src/gateway/trying/timers.ts";
import type { Payload } from "#src/lib/bytes.ts";
import type { Exchange } from "#src/provider/exchange.ts";
import type { Route } from "#src/provider/deployment.ts";

/**
 * How long the head of a stream is held back that has no word of an answer yet, milliseconds. An upstream that is too busy
 * says so with its first events, a moment after its head. A model that thinks may be silent for minutes: nobody shall wait
 * for the head as long, for clients give up on one sooner than on a stream that has begun.
 */
const holdMs = 1000;
/** More than this is passed on: an announcement may repeat the request, and nobody shall fill memory with them. */
const mostHeldBytes = 1_048_576;

const nothing = new Uint8Array();

/** The beginning of a stream: what its relay has for the client by then. */
export class Opening {
  readonly flow: StreamRelay;
  /** The read that no piece has answered yet. */
  reading: Promise<Uint8Array | undefined> | undefined;
  /** The bytes are over. */
  isAtEnd = false;
  #held: Payload = "";

  constructor(flow: StreamRelay) {
    this.flow = flow;
  }

  /** What is to be sent on first. Once. */
  take(): Payload {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /**
   * Takes a piece in. Returns whether the answer has begun: with its first word, or with its end. The events that announce
   * one are no answer, for errors come after them too: `message_start`, `response.created`, a chunk with the role alone.
   */
  push(piece: Uint8Array): boolean {
    this.#hold(this.flow.push(piece));
    if (this.#hasBegun()) return true;
    if (this.flow.over === true) throw closedEarly();
    // A relay throws an error that came together with what is held when it is called next.
    if (this.#held.length > 0) this.#hold(this.flow.push(nothing));
    return false;
  }

  /** No more comes. */
  end(): void {
    this.#hold(this.flow.finish());
    if (!this.#hasBegun()) throw closedEarly();
    this.isAtEnd = true;
  }

  #hasBegun(): boolean {
    const { outputBytes, ended } = this.flow;
    return outputBytes > 0 || ended || this.#held.length > mostHeldBytes;
  }

  #hold(more: Payload): void {
    if (more.length === 0) return;
    this.#held = this.#held.length === 0 ? more : joined(this.#held, more);
  }
}

/**
 * Waits until a stream has begun, or has been held back long enough. Rejects with what broke it before: then nothing was
 * passed on, and another route may do better. Needs no waiting where the first word came together with the head.
 */
export function opened(
  flow: StreamRelay,
  exchange: Exchange,
  route: Route,
  app: App,
): Opening | Promise<Opening> {
  const opening = new Opening(flow);
  const piece = exchange.here?.();
  if (piece !== undefined && opening.push(piece)) return opening;
  return awaited(opening, exchange, route, app);
}

const isLate = Symbol("it was held back long enough");

async function awaited(
  opening: Opening,
  exchange: Exchange,
  route: Route,
  app: App,
): Promise<Opening> {
  const { idleMs } = app.config.timeouts;
  const { promise: late, resolve } = Promise.withResolvers<typeof isLate>();
  const hold = app.deadlines.after(holdMs, () => resolve(isLate));
  const idle = app.deadlines.after(idleMs, () => exchange.abort(timeout("idle", idleMs, route)));
  try {
    for (;;) {
      const reading = exchange.read();
      const piece = await Promise.race([reading, late]);
      if (piece === isLate) {
        opening.reading = reading;
        return opening;
      }
      if (piece === undefined) {
        opening.end();
        return opening;
      }
      if (opening.push(piece)) return opening;
      idle.extend();
    }
  } finally {
    hold.cancel();
    idle.cancel();
  }
}

/** What broke a stream that only stopped. */
export function closedEarly(): UpstreamStreamError {
  return new UpstreamStreamError("The upstream closed before the terminal event");
}

function joined(first: Payload, second: Payload): Payload {
  if (typeof first === "string" && typeof second === "string") return first + second;
  return Buffer.concat([bytesOf(first), bytesOf(second)]);
}

function bytesOf(payload: Payload): Uint8Array {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}
