import { AttemptFailed } from "#src/gateway/trying/attempt.ts";
import type { App } from "#src/gateway/context.ts";
import { type Job, type Outcome, settle } from "#src/gateway/settle.ts";
import { AppError, toAppError } from "#src/lib/error.ts";

/** Settles a request that failed before its first byte, and returns what to tell the client. */
export async function fail(job: Job, thrown: unknown, app: App): Promise<AppError> {
  if (!(thrown instanceof AttemptFailed)) {
    const error = toAppError(thrown);
    app.log.write(
      "error",
      "request_failed",
      { generation: job.generationId },
      error.cause ?? error,
    );
    await settle(
      job,
      { status: error.status < 500 ? "client_error" : "upstream_error", error, trace: [] },
      undefined,
      app,
    );
    return error;
  }
  const { error, trace, route, clientLeft } = thrown;
  const status: Outcome["status"] = clientLeft
    ? "client_cancelled"
    : error.status < 500 && error.status !== 429
      ? "client_error"
      : "upstream_error";
  await settle(
    job,
    { status, error: clientLeft ? undefined : error, route, trace },
    undefined,
    app,
  );
  if (!clientLeft && error.status >= 500) {
    app.log.write(
      "warn",
      "upstream_failed",
      { generation: job.generationId, code: error.code, provider: route?.deployment.provider.id },
      error.cause,
    );
  }
  return withGeneration(error, job);
}

function withGeneration(error: AppError, job: Job): AppError {
  return new AppError(error.code, error.message, {
    ...error.detail,
    headers: { ...error.detail.headers, "X-LowRouter-Generation-ID": job.generationId },
  });
}
