import type { Answer, StreamAnswer } from "#src/gateway/trying/attempt.ts";
import type { App } from "#src/gateway/context.ts";
import { forgetQuestion } from "#src/gateway/forget.ts";
import { answerHeaders, overheadHeader } from "#src/gateway/headers.ts";
import { type Account, accountFor, type Job, type Outcome, settle } from "#src/gateway/settle.ts";
import { streamOf } from "#src/gateway/stream.ts";
import type { Payload } from "#src/lib/bytes.ts";
import type { Route } from "#src/provider/deployment.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";

/** Hands the answer to the client: a whole one after its row is committed, a stream while it is metered. */
export function relay(job: Job, answer: Answer, app: App): Response | Promise<Response> {
  if (answer.whole === undefined) {
    try {
      return streamed(job, answer, app);
    } catch (thrown) {
      // Nobody reads it any more: its connection would stay open for good.
      answer.exchange.abort(new Error("The answer could not be passed on"));
      throw thrown;
    }
  }
  const { whole, route, dropped } = answer;
  const usage = whole.usage ?? estimateUsage(job.ask, answer.bytes);
  const account = accountFor(job, route, usage, app);
  const outcome = {
    status: "ok" as const,
    route,
    usage,
    upstreamId: whole.id,
    firstByteAt: answer.firstByteAt,
    sentAt: answer.sentAt,
    trace: answer.trace,
  };
  return committed(job, { outcome, account, dropped, body: whole.attach(account.summary) }, app);
}

/** An answer as it goes out. */
interface Ready {
  outcome: Outcome & { route: Route };
  account: Account;
  dropped: string[];
  body: Payload;
}

/** The answer after its row is committed. What it was made from is not held while that takes its time. */
async function committed(job: Job, ready: Ready, app: App): Promise<Response> {
  const { outcome, account, dropped, body } = ready;
  await settle(job, outcome, account, app);
  const headers = answerHeaders(job, outcome.route, dropped, app);
  headers["content-type"] = "application/json";
  if (app.config.metrics.overheadHeader && outcome.firstByteAt !== undefined)
    Object.assign(
      headers,
      overheadHeader(job, outcome, app.clock.monotonic() - outcome.firstByteAt),
    );
  return new Response(body, { headers });
}

function streamed(job: Job, answer: StreamAnswer, app: App): Response {
  forgetQuestion(job.call, job.ask);
  const headers = answerHeaders(job, answer.route, answer.dropped, app);
  headers["content-type"] = "text/event-stream; charset=utf-8";
  headers["cache-control"] = "no-cache";
  headers["x-accel-buffering"] = "no";
  // What comes after is not known when the headers leave.
  if (app.config.metrics.overheadHeader) Object.assign(headers, overheadHeader(job, answer, 0));
  return new Response(streamOf(job, answer, app), { headers });
}
