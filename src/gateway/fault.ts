import {
  BrokenAnswerError,
  type DialectId,
  type UpstreamFault,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import { errorIn, type ToldError } from "#src/dialect/told-error.ts";
import { readErrorOf } from "#src/dialect/upstreams.ts";
import { decode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import type { Refused } from "#src/provider/circuit.ts";
import { type Head, NotConnected } from "#src/provider/exchange.ts";
import type { Route } from "#src/provider/deployment.ts";
import { NoCredential } from "#src/provider/lent.ts";
import { retryAfter } from "#src/provider/retry-after.ts";
import { isTotal } from "#src/gateway/trying/timers.ts";

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
  /** What it has against us, when that is why. */
  refused?: Refused | undefined;
  /** Seconds for which the upstream asks to be left alone: no failure, for it works. */
  coolSeconds?: number | undefined;
  /** Not a byte reached the upstream, so the same may be sent there again. */
  unsent?: boolean;
  /** It cannot read the reasoning that another host signed or encrypted. */
  isForeignProof?: boolean;
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

/** How providers say that a prompt is too long, where no code of theirs does: another model may have more room. */
const tooLongWords =
  /context.{0,20}(length|window|limit)|too many tokens|prompt is too long|maximum prompt length|token count.{0,30} exceeds/i;

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
      refused: "account_refused",
    });
  }
  if (clientFaults.has(status)) {
    const tooLong = native.code === "context_length_exceeded" || tooLongWords.test(native.message);
    const isForeign = isForeignProof(native);
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
      moveOn: tooLong || isForeign,
      isForeignProof: isForeign,
      upstreamFailed: false,
    });
  }
  const wait = retryAfter(head) ?? native.retryAfterSeconds;
  const error =
    status === 429
      ? new AppError(
          "rate_limit_exceeded",
          `The upstream ${provider.id} in ${region} limits its rate; try again later`,
          { metadata: { ...upstream, upstream_status: status }, retryAfterSeconds: wait ?? 1 },
        )
      : new AppError("upstream_error", "upstream request failed", {
          metadata: { ...upstream, upstream_status: status },
          retryAfterSeconds: wait,
        });
  const asksForPause = wait !== undefined && pausing.has(status);
  // A refused credential is ours, not the client's: it must not look like the client's own 401.
  const isRefused = status === 401 || status === 403;
  return new UpstreamRefused({
    error,
    reason: isRefused ? "credential_refused" : reason,
    status,
    moveOn: true,
    upstreamFailed: !asksForPause && (isRefused || status === 408 || status < 400 || status >= 500),
    refused: isRefused ? "credential_refused" : undefined,
    coolSeconds: asksForPause ? wait : undefined,
  });
}

/** What ended a stream before anything of it was passed on: an error event as the same error with a status of its own. */
export function classifyTold(thrown: unknown, head: Head, route: Route, wire: DialectId): unknown {
  const event = thrown instanceof UpstreamStreamError ? thrown.event : undefined;
  const told = event && errorIn(event);
  return told === undefined ? thrown : classifyAs(told, head, route, wire);
}

/** A body that came under status 200 where a stream was asked for: an error by the status that it stands for. */
export function classifyUntrue(head: Head, body: Uint8Array, route: Route, wire: DialectId): Error {
  const told = errorIn({ data: decode(body) });
  return told === undefined
    ? classify(head, body, route, wire)
    : classifyAs(told, head, route, wire);
}

function classifyAs({ status, body }: ToldError, head: Head, route: Route, wire: DialectId): Error {
  return classify({ status, header: (name) => head.header(name) }, body, route, wire);
}

/** Reasoning that another host signed or encrypted: the one that did can read it. */
function isForeignProof({ code, message }: UpstreamFault): boolean {
  return (
    code === "invalid_encrypted_content" ||
    /invalid.{0,3}signature.{0,20}thinking|encrypted content.{0,80}could not be/i.test(message) ||
    /corrupted thought.signature|thought.signature is not valid/i.test(message)
  );
}

/** Statuses that say when to come back, and mean it. */
const pausing: ReadonlySet<number> = new Set([429, 503, 529]);

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
      reason: timedOut ? `timeout_${String(thrown.detail.metadata?.["timer"])}` : thrown.code,
      status: undefined,
      moveOn: (timedOut && !isTotal(thrown)) || thrown.code === "unsupported_feature",
      upstreamFailed: timedOut && !isTotal(thrown),
    };
  }
  const { provider, region } = route.deployment;
  if (thrown instanceof NoCredential)
    return {
      error: new AppError("upstream_error", thrown.message, {
        cause: thrown,
        metadata: { provider: provider.id, region },
      }),
      reason: "no_credential",
      status: undefined,
      moveOn: true,
      upstreamFailed: true,
    };
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
    upstreamFailed: !(thrown instanceof BrokenAnswerError),
    unsent: thrown instanceof NotConnected,
  };
}
