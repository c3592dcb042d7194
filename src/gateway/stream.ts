import { BrokenAnswerError, type StreamRelay } from "#src/dialect/dialect.ts";
import type { StreamAnswer } from "#src/gateway/trying/attempt.ts";
import type { App } from "#src/gateway/context.ts";
import { ClientLeft } from "#src/gateway/trying/run.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";
import { learnSpeed } from "#src/gateway/trying/learn.ts";
import { closedEarly } from "#src/gateway/trying/opening.ts";
import { accountFor, type Job, settle } from "#src/gateway/settle.ts";
import { isTotal, timeout, type Timer, totalLeft } from "#src/gateway/trying/timers.ts";
import { AppError, toAppError } from "#src/lib/error.ts";
import type { Payload } from "#src/lib/bytes.ts";
import type { Deadline } from "#src/lib/deadline.ts";
import type { Exchange } from "#src/provider/exchange.ts";

/** Silence after which a comment keeps intermediaries from closing the connection. */
const heartbeatMs = 15_000;
const heartbeat = new TextEncoder().encode(": LOWROUTER PROCESSING\n\n");

/**
 * The meter: passes on what a stream began with and the events after it, and settles exactly once whether the stream ends,
 * breaks, or the client leaves. The terminal event leaves after the row is committed.
 */
export async function* streamOf(
  job: Job,
  answer: StreamAnswer,
  app: App,
): AsyncGenerator<Payload, void, void> {
  const { route, exchange, opening } = answer;
  const { flow } = opening;
  const { timeouts } = app.config;
  /** Whether the client is waited for: what is late then is not the upstream. */
  let isClientsTurn = false;
  const late = (timer: Timer, milliseconds: number) => () =>
    exchange.abort(isClientsTurn ? new ClientLeft() : timeout(timer, milliseconds, route));
  const idle = app.deadlines.after(timeouts.idleMs, late("idle", timeouts.idleMs));
  const total = app.deadlines.after(totalLeft(job.call, app), late("total", timeouts.totalMs));
  const pieces = new Pieces(exchange, opening.reading, app);
  let finished = false;
  try {
    let failure: AppError | undefined;
    try {
      let out = opening.take();
      for (;;) {
        if (flow.over || flow.isCut) {
          if (flow.isCut) exchange.abort(new Error("The answer was cut at a stop sequence"));
          else void letGo(exchange);
          if (out.length > 0) yield out;
          break;
        }
        if (out.length > 0) {
          isClientsTurn = true;
          yield out;
          isClientsTurn = false;
          idle.extend();
        }
        if (opening.isAtEnd) break;
        let next = pieces.here() ?? (await pieces.next());
        while (next === silence) {
          yield heartbeat;
          next = await pieces.next();
        }
        if (next === undefined) break;
        idle.extend();
        out = flow.push(next);
      }
      const last = opening.isAtEnd ? "" : flow.finish();
      if (last.length > 0) yield last;
      if (!flow.ended) throw closedEarly();
    } catch (thrown) {
      if (job.call.request.signal.aborted || thrown instanceof ClientLeft) return;
      failure = broken(thrown, answer, app, job);
    }
    if (failure !== undefined) {
      // A long answer is no illness, nor is one that the model breaks.
      const isWell = isTotal(failure) || failure.cause instanceof BrokenAnswerError;
      if (!isWell) app.health.failed(route);
      const account = accountFor(job, route, undefined, app);
      // Whether or not its row can be kept, that it broke off is what the client has to be told.
      await kept(
        job,
        {
          status: "upstream_error",
          error: failure,
          route,
          usage: flow.usage,
          upstreamId: flow.id,
          firstByteAt: answer.firstByteAt,
          sentAt: answer.sentAt,
          trace: answer.trace,
        },
        account,
        app,
      );
      finished = true;
      yield flow.fail(failure, account.summary);
      return;
    }
    const { usage: told } = flow;
    // What the upstream counted before a cut is not its last word.
    const isPartial = told === undefined || told.outputUntold || flow.isCut;
    const usage = isPartial ? partial(job, flow) : told;
    learnSpeed(route, usage, answer.firstByteAt, app);
    const account = accountFor(job, route, usage, app);
    const unkept = await kept(
      job,
      {
        status: "ok",
        route,
        usage,
        upstreamId: flow.id,
        firstByteAt: answer.firstByteAt,
        sentAt: answer.sentAt,
        trace: answer.trace,
      },
      account,
      app,
    );
    finished = true;
    yield unkept === undefined
      ? flow.end(account.summary)
      : flow.fail(unkept, accountFor(job, route, undefined, app).summary);
  } finally {
    pieces.end();
    idle.cancel();
    total.cancel();
    if (!finished) await leave(job, answer, flow, app);
  }
}

/** Settles. Returns what to tell the client where the row could not be kept: nobody is shown the end of such an answer. */
async function kept(...settling: Parameters<typeof settle>): Promise<AppError | undefined> {
  try {
    await settle(...settling);
    return undefined;
  } catch (thrown) {
    return toAppError(thrown);
  }
}

/** The client left: the upstream stops at once, and what was produced so far is recorded. */
async function leave(job: Job, answer: StreamAnswer, flow: StreamRelay, app: App): Promise<void> {
  answer.exchange.abort(new ClientLeft());
  const produced = flow.outputBytes > 0 || flow.usage !== undefined;
  const usage = produced ? partial(job, flow) : undefined;
  const account = usage && accountFor(job, answer.route, usage, app);
  await settle(
    job,
    {
      status: "client_cancelled",
      route: answer.route,
      usage,
      upstreamId: flow.id,
      firstByteAt: answer.firstByteAt,
      sentAt: answer.sentAt,
      trace: [...answer.trace],
    },
    account,
    app,
  );
}

/** Usage of a stream whose output was not counted: the upstream's own input count where it told one, our count of the output. */
function partial(job: Job, flow: StreamRelay) {
  const counted = estimateUsage(job.ask, flow.outputBytes);
  const told = flow.usage;
  if (told === undefined) return counted;
  const visible = Math.max(told.output.visible, counted.output.visible - told.output.reasoning);
  return { ...told, output: { ...told.output, visible }, estimated: true as const };
}

/** How long a connection may take to say that a complete answer is its last. */
const lastByteMs = 1000;

/** Reads what is left after a complete answer, which is nothing but its end, so that the connection serves again. */
async function letGo(exchange: Exchange): Promise<void> {
  const late = setTimeout(() => exchange.abort(new Error("The answer was complete")), lastByteMs);
  try {
    while ((await exchange.read()) !== undefined);
  } catch {
    // The answer is whole whatever becomes of its connection.
  } finally {
    clearTimeout(late);
  }
}

const silence = Symbol("nothing came for a while");

/** The pieces of an answer that are waited for, and the beat while none comes. */
class Pieces {
  readonly #exchange: Exchange;
  readonly #app: App;
  /** The read that no piece has answered yet. */
  #reading: Promise<Uint8Array | undefined> | undefined;
  #beat: Deadline;
  /** Ends the waiting without a piece. */
  #wake: ((nothing: typeof silence) => void) | undefined;

  /** `reading` is a read that was begun before. */
  constructor(exchange: Exchange, reading: Promise<Uint8Array | undefined> | undefined, app: App) {
    this.#exchange = exchange;
    this.#reading = reading;
    this.#app = app;
    this.#beat = this.#nextBeat();
  }

  /** What is here at once. */
  here(): Uint8Array | undefined {
    return this.#reading === undefined ? this.#exchange.here?.() : undefined;
  }

  /** The next piece, `silence` where none came for a while, or undefined at the end. Rejects with what broke. */
  next(): Promise<Uint8Array | typeof silence | undefined> {
    this.#beat.extend();
    const reading = (this.#reading ??= this.#exchange.read());
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      reading.then((piece) => {
        this.#reading = undefined;
        resolve(piece);
      }, reject);
    });
  }

  end(): void {
    this.#beat.cancel();
  }

  #nextBeat(): Deadline {
    return this.#app.deadlines.after(heartbeatMs, () => {
      this.#beat = this.#nextBeat();
      this.#wake?.(silence);
    });
  }
}

/** A broken stream as the error that the client is told. */
function broken(thrown: unknown, { exchange, route }: StreamAnswer, app: App, job: Job): AppError {
  exchange.abort(new Error("The stream was broken"));
  if (thrown instanceof AppError) return thrown;
  const provider = route.deployment.provider.id;
  app.log.write("warn", "stream_broken", { generation: job.generationId, provider }, thrown);
  return new AppError("upstream_error", "upstream request failed", {
    cause: thrown,
    metadata: { provider },
  });
}
