/**
 * A request that was admitted and is settled, as far as the outside is told of it: what a row of the ledger holds, without
 * key, user, app or any text of a prompt or an answer.
 */
export interface EndedRequest {
  readonly id: string;
  readonly completionId: string | undefined;
  readonly dialect: string;
  readonly requestedModel: string | undefined;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly region: string | undefined;
  readonly streamed: boolean;
  readonly status: EndedStatus;
  readonly errorCode: string | undefined;
  readonly settlement: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly completedAt: number;
  /** Milliseconds until the answer began if streamed, else to the end. */
  readonly latencyMs: number;
  readonly tokens:
    | {
        readonly inputFresh: number;
        readonly cacheRead: number;
        readonly cacheWrite5m: number;
        readonly cacheWrite1h: number;
        readonly outputVisible: number;
        readonly reasoning: number;
      }
    | undefined;
  /** Nano-units of the currency. */
  readonly cost: number | undefined;
  readonly isByok: boolean;
  readonly energyWh: number | undefined;
  readonly carbonG: number | undefined;
  readonly carbonPer1kG: number | undefined;
  readonly accuracy: string | undefined;
  readonly methodology: string | undefined;
  readonly gridGPerKwh: number | undefined;
  readonly gridZone: string | undefined;
  readonly trace: readonly EndedAttempt[];
}

export const endedStatuses = ["ok", "client_error", "upstream_error", "client_cancelled"] as const;
export type EndedStatus = (typeof endedStatuses)[number];

/** A route of the request's way. */
export interface EndedAttempt {
  readonly provider: string;
  readonly region: string;
  readonly model: string;
  readonly decision: string;
  readonly reason: string;
  readonly ms?: number;
}

/** Whether an attempt failed at its provider. A client that left took its request away: no failure of anybody. */
export function hasFailed({ decision, reason }: EndedAttempt): boolean {
  return decision === "failed" && reason !== "client_left";
}

/** Moments of a request, monotonic milliseconds. */
export interface Moments {
  /** It came in. */
  startedAt: number;
  /** It went to the upstream that answered; absent where none did. */
  sentAt: number | undefined;
  /** The upstream began to answer. */
  firstByteAt: number | undefined;
  /** Its row was durable. */
  endedAt: number;
}
