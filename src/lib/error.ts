/** The closed table of errors: code to HTTP status and type. Source: the HTTP contract, section 7. */
const table = {
  invalid_json: [400, "invalid_request_error"],
  missing_field: [400, "invalid_request_error"],
  invalid_value: [400, "invalid_request_error"],
  conflicting_route: [400, "invalid_request_error"],
  context_length_exceeded: [400, "invalid_request_error"],
  unsupported_feature: [400, "invalid_request_error"],
  upstream_rejected: [400, "invalid_request_error"],
  missing_api_key: [401, "authentication_error"],
  invalid_api_key: [401, "authentication_error"],
  insufficient_credits: [402, "payment_required"],
  key_limit_exceeded: [402, "payment_required"],
  carbon_budget_reached: [402, "payment_required"],
  provider_not_allowed: [403, "forbidden_error"],
  model_not_allowed: [403, "permission_error"],
  wrong_key_type: [403, "permission_error"],
  region_not_allowed: [403, "permission_error"],
  not_meterable: [403, "permission_error"],
  model_not_found: [404, "invalid_request_error"],
  generation_not_found: [404, "invalid_request_error"],
  key_not_found: [404, "invalid_request_error"],
  not_found: [404, "invalid_request_error"],
  not_available: [404, "invalid_request_error"],
  method_not_allowed: [405, "invalid_request_error"],
  body_too_large: [413, "invalid_request_error"],
  rate_limit_exceeded: [429, "rate_limit_error"],
  internal_error: [500, "server_error"],
  upstream_error: [502, "server_error"],
  service_unavailable: [503, "server_error"],
  upstream_timeout: [504, "server_error"],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof table;

export const errorCodes: readonly ErrorCode[] = Object.keys(table).filter(
  (code): code is ErrorCode => code in table,
);

/** What an error may carry besides its message. Nothing here may hold prompt or answer text. */
export interface ErrorDetail {
  /** The request field at fault, dotted: `messages[2].role`. */
  param?: string;
  /** Facts for the caller, safe to log: provider, region, limits. */
  metadata?: Record<string, unknown>;
  /** Seconds after which the same call may succeed. */
  retryAfterSeconds?: number;
  /** Response headers that explain the refusal, such as the rate-limit triple. */
  headers?: Record<string, string>;
  /** Overrides the table's status; only for an upstream's own client error, passed through. */
  status?: number;
  cause?: unknown;
}

/** An error a caller may see. `message` is for the caller, `cause` for the log. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly status: number;
  readonly type: string;
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly detail: ErrorDetail = {},
  ) {
    super(message, { cause: detail.cause });
    const [status, type] = table[code];
    this.status = detail.status ?? status;
    this.type = type;
  }
}

/** Something of ours that cannot be used now, and by itself comes back. Who throws one says when to ask again. */
export class PassingFault extends Error {
  constructor(
    message: string,
    readonly retryAfterSeconds: number | undefined,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Any thrown thing as an AppError: what passes is `service_unavailable`, and what we did not foresee is masked as `internal_error`. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const fault = faultIn(thrown);
  if (fault?.retryAfterSeconds !== undefined) {
    return new AppError(
      "service_unavailable",
      "Cannot answer now: the database cannot be reached or written, and without it nothing is served; ask again in a moment",
      { cause: fault, retryAfterSeconds: fault.retryAfterSeconds },
    );
  }
  return new AppError("internal_error", "Something went wrong on our side", { cause: thrown });
}

/** A fault of ours, also where a library threw something of its own because of it. */
export function faultIn(thrown: unknown): PassingFault | undefined {
  if (thrown instanceof PassingFault) return thrown;
  return thrown instanceof Error ? faultIn(thrown.cause) : undefined;
}

/** Whether the operator has to hear of what was thrown, which callers are told as `error`. */
export function isFault(error: AppError, thrown: unknown): boolean {
  if (error.code === "internal_error") return true;
  return error !== thrown && error.detail.cause instanceof PassingFault;
}
