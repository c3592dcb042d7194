import { type DialectId, type UpstreamFault, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { readErrorOf } from "#src/dialect/upstreams.ts";
import { AppError } from "#src/lib/error.ts";
import type { Head } from "#src/provider/exchange.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A failed attempt: what to tell the client if it was the last, and what it means for routing. */
export interface Fault {
  error: AppError;
  reason: string;
  /** Status that the upstream gave, if it gave one. */
  status: number | undefined;
  /** Another route may do better. */
  moveOn: boolean;
  /** Counts against the upstream's health. */
  upstreamFailed: boolean;
}

/** An upstream's answer that was no success. */
class UpstreamRefused extends Error {
  override readonly name = "UpstreamRefused";
  constructor(readonly fault: Fault) {
    super(fault.reason);
  }
}

/** Statuses that say the request itself is wrong: passed through, never retried. */
const clientFaults: ReadonlySet<number> = new Set([
  400, 405, 406, 411, 413, 414, 415, 422, 431, 451,
]);

/** An upstream's error answer as something to throw. */
export function classify(head: Head, body: Uint8Array, route: Route, wire: DialectId): Error {
  const { status } = head;
  const { provider, region } = route.deployment;
  const requestId = head.header("x-request-id") ?? head.header("x-amzn-requestid");
  const upstream = {
    provider: provider.id,
    region,
    ...(requestId ? { upstream_request_id: requestId } : {}),
  };
  const native = readErrorOf(wire)(status, body);
  const reason = `upstream_${status}`;
  if (isOurs(native, head)) {
    return new UpstreamRefused({
      error: new AppError("upstream_error", "upstream request failed", {
        metadata: { ...upstream, upstream_status: status },
      }),
      reason: `upstream_${status}_account`,
      status,
      moveOn: true,
      upstreamFailed: true,
    });
  }
  if (clientFaults.has(status)) {
    const tooLong =
      native.code === "context_length_exceeded" ||
      /context.{0,20}(length|window)|too many tokens|prompt is too long/i.test(native.message);
    const code = tooLong
      ? "context_length_exceeded"
      : status === 413
        ? "body_too_large"
        : "upstream_rejected";
    return new UpstreamRefused({
      error: new AppError(code, native.message, {
        status,
        param: native.param,
        metadata: { ...upstream, upstream_code: native.code ?? native.type },
      }),
      reason,
      status,
      moveOn: tooLong,
      upstreamFailed: false,
    });
  }
  const wait = retryAfter(head) ?? native.retryAfterSeconds;
  const limited = status === 429;
  const error =
    status === 503 || status === 529
      ? new AppError("upstream_error", "upstream request failed", {
          metadata: { ...upstream, upstream_status: status },
          retryAfterSeconds: wait,
        })
      : limited
        ? new AppError(
            "rate_limit_exceeded",
            `The upstream ${provider.id} in ${region} limits its rate; try again later`,
            { metadata: { ...upstream, upstream_status: status }, retryAfterSeconds: wait ?? 1 },
          )
        : new AppError("upstream_error", "upstream request failed", {
            metadata: { ...upstream, upstream_status: status },
            retryAfterSeconds: wait,
          });
  // A refused credential is ours, not the client's: it must not look like the client's own 401.
  return new UpstreamRefused({ error, reason, status, moveOn: true, upstreamFailed: !limited });
}

/** The upstream refuses us, not the request: no credit, a spent quota, a bad key. Waiting does not heal it. */
function isOurs({ status, message, code = "", type = "" }: UpstreamFault, head: Head): boolean {
  if (status === 402) return true;
  const words = `${code} ${type}`;
  if (/insufficient_quota|billing|exceeded_current_quota|\b1113\b/.test(words)) return true;
  if (status !== 400) return false;
  return (
    /API_KEY_INVALID|FAILED_PRECONDITION/.test(words) ||
    /credit balance is too low/i.test(message) ||
    head.header("x-amzn-errortype")?.startsWith("ServiceQuotaExceeded") === true
  );
}

/** Anything thrown while trying a route. */
export function thrownFault(thrown: unknown, route: Route): Fault {
  if (thrown instanceof UpstreamRefused) return thrown.fault;
  if (thrown instanceof AppError) {
    const timedOut = thrown.code === "upstream_timeout";
    return {
      error: thrown,
      reason: thrown.code,
      status: undefined,
      moveOn: timedOut || thrown.code === "unsupported_feature",
      upstreamFailed: timedOut,
    };
  }
  const { provider, region } = route.deployment;
  const garbage = thrown instanceof UpstreamStreamError;
  const error = new AppError("upstream_error", "upstream request failed", {
    cause: thrown,
    metadata: { provider: provider.id, region },
  });
  return {
    error,
    reason: garbage ? "bad_answer" : "connection_failed",
    status: undefined,
    moveOn: true,
    upstreamFailed: true,
  };
}

/** Seconds to wait, from `retry-after-ms`, or `retry-after` in seconds or as a date; undefined when absent or unreadable. */
function retryAfter(head: Head): number | undefined {
  const milliseconds = Number(head.header("retry-after-ms") || Number.NaN);
  if (milliseconds >= 0) return Math.ceil(milliseconds / 1000);
  const text = head.header("retry-after");
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.ceil(seconds) : undefined;
  const [until, now] = [Date.parse(text), Date.parse(head.header("date") ?? "")];
  // Both by the upstream's own clock.
  return until > now ? Math.ceil((until - now) / 1000) : undefined;
}
