import type { Answer } from "#src/gateway/attempt.ts";
import type { App } from "#src/gateway/context.ts";
import { answerHeaders } from "#src/gateway/headers.ts";
import { accountFor, type Job, settle } from "#src/gateway/settle.ts";
import { streamOf } from "#src/gateway/stream.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";

/** Hands the answer to the client: a whole one after its row is committed, a stream while it is metered. */
export async function relay(job: Job, answer: Answer, app: App): Promise<Response> {
  const { whole, route } = answer;
  if (whole === undefined) {
    const headers = answerHeaders(job, route, answer.dropped, app);
    headers["content-type"] = "text/event-stream; charset=utf-8";
    headers["cache-control"] = "no-cache";
    headers["x-accel-buffering"] = "no";
    return new Response(streamOf(job, answer, app), { headers });
  }
  const usage = whole.usage ?? estimateUsage(job.ask, answer.bytes);
  const account = accountFor(job, route, usage, app);
  const body = whole.attach(account.summary);
  await settle(
    job,
    {
      status: "ok",
      route,
      usage,
      upstreamId: whole.id,
      firstByteAt: answer.firstByteAt,
      trace: answer.trace,
    },
    account,
    app,
  );
  const headers = answerHeaders(job, route, answer.dropped, app);
  headers["content-type"] = "application/json";
  return new Response(body, { headers });
}
