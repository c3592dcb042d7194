import type { Choice } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import { Course } from "#src/gateway/trying/course.ts";
import { hedged } from "#src/gateway/trying/hedge.ts";
import { pauseBefore } from "#src/gateway/trying/retry.ts";
import type { Job } from "#src/gateway/settle.ts";
import type { Tried, TriedStream } from "#src/gateway/trying/try-route.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import type { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** An upstream that answered: the route it took and what there is to read. */
export type Answer = Tried & { trace: TraceEntry[] };

/** The same, of a stream. */
export type StreamAnswer = TriedStream & { trace: TraceEntry[] };

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

/**
 * Tries the routes in order until one answers, at most as often as `routing.max_attempts` says, hedges included. Nothing
 * was sent to the client yet, so failing over is safe. Routes that were shut in the meantime are passed over; those that
 * have no place free come last, and are then waited for.
 */
export async function attempt(job: Job, choice: Choice, app: App): Promise<Answer> {
  const course = new Course(job, choice, app);
  try {
    for (;;) {
      const stop = await course.next();
      if (stop === undefined) break;
      const run = course.start(stop);
      try {
        const won = await (job.caller.key.hedge ? hedged(run, job, course, app) : run.answer);
        return { ...won, trace: course.won(won.route) };
      } catch {
        const fault = course.lastFault;
        if (course.clientLeft || fault === undefined || !fault.moveOn) break;
        if (fault.isForeignProof === true && course.forgoProof(stop.route)) continue;
        const pause = pauseBefore(fault, course, app.random);
        if (pause === undefined) continue;
        course.again(stop.route);
        await Bun.sleep(pause);
      }
    }
  } finally {
    course.end();
  }
  throw new AttemptFailed(course.error(), course.trace, course.lastRoute, course.clientLeft);
}
