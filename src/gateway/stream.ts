import { UpstreamStreamError, type StreamHead, type StreamRelay } from "#src/dialect/dialect.ts";
import { type Answer, timeout } from "#src/gateway/attempt.ts";
import type { App } from "#src/gateway/context.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";
import { accountFor, type Job, settle } from "#src/gateway/settle.ts";
import { translating } from "#src/gateway/translate.ts";
import { AppError } from "#src/lib/error.ts";

/** Silence after which a comment keeps intermediaries from closing the connection. */
const heartbeatMs = 15_000;
const heartbeat = new TextEncoder().encode(": LOWROUTER PROCESSING\n\n");

type Chunk = Uint8Array | string;

/**
 * The meter: passes events on, and settles exactly once whether the stream ends, breaks, or the client leaves.
 * The terminal event leaves after the row is committed.
 */
export async function* streamOf(
  job: Job,
  answer: Answer,
  app: App,
): AsyncGenerator<Chunk, void, void> {
  const { route, controller, stream } = answer;
  if (stream === undefined) return;
  const head: StreamHead = {
    completionId: job.completionId,
    created: Math.floor(job.call.receivedAt / 1000),
    model: route.model.id,
    provider: route.deployment.provider.id,
    includeUsage: job.ask.includeUsage,
  };
  const flow = answer.spliced
    ? job.call.front.splice.relayStream(head)
    : translating(job.call.front.client.writeStream(head), route);
  const { timeouts } = app.config;
  const idle = app.deadlines.after(timeouts.idleMs, () =>
    controller.abort(timeout("further byte", timeouts.idleMs, route)),
  );
  const total = app.deadlines.after(timeouts.totalMs, () =>
    controller.abort(timeout("complete answer", timeouts.totalMs, route)),
  );
  const reader = stream.getReader();
  let finished = false;
  try {
    let failure: AppError | undefined;
    let reading = reader.read();
    try {
      for (;;) {
        const next = await orSilence(reading, app);
        if (next === undefined) {
          yield heartbeat;
          continue;
        }
        if (next.done) break;
        idle.extend();
        const out = flow.push(next.value);
        reading = reader.read();
        if (out.length > 0) yield out;
      }
      const last = flow.finish();
      if (last.length > 0) yield last;
      if (!flow.ended)
        throw new UpstreamStreamError("The upstream closed before the terminal event");
    } catch (thrown) {
      if (job.call.request.signal.aborted) return;
      failure = broken(thrown, controller, route.deployment.provider.id, app, job);
    }
    if (failure !== undefined) {
      app.health.failed(route);
      const account = accountFor(job, route, undefined, app);
      await settle(
        job,
        {
          status: "upstream_error",
          error: failure,
          route,
          usage: flow.usage,
          upstreamId: flow.id,
          firstByteAt: answer.firstByteAt,
          trace: answer.trace,
        },
        account,
        app,
      );
      finished = true;
      yield flow.fail(failure, account.summary);
      return;
    }
    const usage = flow.usage ?? estimateUsage(job.ask, flow.outputBytes);
    const account = accountFor(job, route, usage, app);
    await settle(
      job,
      {
        status: "ok",
        route,
        usage,
        upstreamId: flow.id,
        firstByteAt: answer.firstByteAt,
        trace: answer.trace,
      },
      account,
      app,
    );
    finished = true;
    yield flow.end(account.summary);
  } finally {
    idle.cancel();
    total.cancel();
    if (!finished) await leave(job, answer, flow, app);
  }
}

/** The client left: the upstream stops at once, and what was produced so far is recorded. */
async function leave(job: Job, answer: Answer, flow: StreamRelay, app: App): Promise<void> {
  answer.controller.abort();
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
      trace: [...answer.trace],
    },
    account,
    app,
  );
}

/** Usage of a stream that was left: the upstream's own input count where it told one, our count of the output. */
function partial(job: Job, flow: StreamRelay) {
  const counted = estimateUsage(job.ask, flow.outputBytes);
  const told = flow.usage;
  if (told === undefined) return counted;
  const visible = Math.max(told.output.visible, counted.output.visible - told.output.reasoning);
  return { ...told, output: { ...told.output, visible }, estimated: true as const };
}

/** The next chunk, or undefined when nothing came for a while. */
function orSilence<T>(reading: Promise<T>, app: App): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const silence = app.deadlines.after(heartbeatMs, () => resolve(undefined));
    reading.then(
      (value) => {
        silence.cancel();
        resolve(value);
      },
      (cause) => {
        silence.cancel();
        reject(cause);
      },
    );
  });
}

/** A broken stream as the error that the client is told. */
function broken(
  thrown: unknown,
  controller: AbortController,
  provider: string,
  app: App,
  job: Job,
): AppError {
  const { reason } = controller.signal;
  if (reason instanceof AppError) return reason;
  app.log.write("warn", "stream_broken", { generation: job.generationId, provider }, thrown);
  controller.abort();
  return new AppError("upstream_error", "upstream request failed", {
    cause: thrown,
    metadata: { provider },
  });
}
