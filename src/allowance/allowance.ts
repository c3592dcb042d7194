/**
 * What may still be spent. Credit, spending limits, rate limits and carbon budgets are all
 * allowances: a scope, a window and an integer that runs out.
 */

/** Kinds of allowance. Amounts are integers: nano-units, requests, tokens, concurrent requests, micrograms CO2e. */
export type AllowanceKind =
  | "credit"
  | "key_limit"
  | "key_daily"
  | "key_monthly"
  | "requests_minute"
  | "requests_day"
  | "tokens_minute"
  | "in_flight"
  | "free_minute"
  | "free_day"
  | "carbon"
  /** Of one credential of a provider: requests, and nano-units at the provider's price. */
  | "provider_minute"
  | "provider_daily"
  | "provider_monthly"
  /** Requests on an account's own credentials that are free of the fee. */
  | "byok_free";

/** One thing that a request needs a part of. */
export interface Demand {
  kind: AllowanceKind;
  /** Account id for credit and `byok_free`, id of the credential for `provider_…`, else key hash. */
  owner: string;
  /** Start of the window, Unix milliseconds; 0 for one that never resets. */
  windowStart: number;
  /** End of the window, Unix milliseconds; absent when it never resets. */
  windowEnd?: number;
  /** What the owner may use in the window. Absent for credit (the store knows what was granted). */
  limit?: number;
  /** Metered accounts: counted, never refused. */
  unlimited?: boolean;
  /** How much the request may use at most. */
  amount: number;
}

/** What an allowance looks like from here: exact for one process, a lower bound of what is left for several. */
export interface Standing {
  limit: number | undefined;
  used: number;
  /** Limit less used less held; undefined when there is no limit. */
  remaining: number | undefined;
}

export interface Refusal {
  refused: Demand;
  standing: Standing;
}

/** A part of several allowances, taken together. Exactly one of settle and release ends it. */
export interface Hold {
  readonly demands: readonly Demand[];
  /** What was really used, in the order of the demands; to be committed with the generation row. Idempotent. */
  settle(used: readonly number[]): Movement[];
}

/** A change of an allowance that has to be written. */
export interface Movement {
  kind: AllowanceKind;
  owner: string;
  windowStart: number;
  used: number;
  /** How much of `used` this process had leased; absent is none. */
  fromLease?: number;
}

export interface Allowances {
  /** Takes all demands or none. Synchronous while leased chunks suffice. */
  reserve(demands: Demand[]): Hold | Refusal | Promise<Hold | Refusal>;
  /** From memory, without I/O. Undefined when this process never touched it. */
  standing(demand: Pick<Demand, "kind" | "owner" | "windowStart">): Standing | undefined;
  /** Forget cached limits of an owner after a grant or a change of policy, so that the next reserve reads the store. */
  refresh(owner: string): void;
  /** Movements could not be written, and never will be: what they took of leases comes back before the next reserve. */
  lost(): void;
  /** Gives back everything leased but not held; at shutdown and when idle. */
  giveBack(): Promise<void>;
}
