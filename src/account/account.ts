import type { NanoUnits } from "#src/ledger/money.ts";

export type Plan = "prepaid" | "metered";

/** Who pays. Prepaid needs credit before each request; metered is priced and recorded. */
export interface Account {
  /** `acc_…` */
  id: string;
  name: string;
  plan: Plan;
  disabled: boolean;
  createdAt: number;
  /** How its requests are routed, where no key and no request says more; absent without any wish. */
  routing?: AccountRouting;
  /** What all its keys together may emit. */
  carbonBudget?: CarbonBudget;
}

/** An account's wishes for all its keys. Lists only narrow, and what is forbidden here no request allows. */
export interface AccountRouting {
  /** `name`, or `name:region` and `name:provider` for those that take one. */
  policy?: string;
  preferLowCarbon?: boolean;
  /** Pin: a region id, `eu`, `country:FR` or `zone:FRA`. */
  region?: string;
  /** Provider ids, `id` or `id/region`. */
  allowedProviders?: string[];
  ignoredProviders?: string[];
  dataCollection?: "deny";
  /** Only endpoints that retain nothing. */
  zdr?: boolean;
}

export type ResetInterval = "daily" | "weekly" | "monthly";

export interface RateLimit {
  requestsPerMinute?: number;
  requestsPerDay?: number;
  tokensPerMinute?: number;
  maxInFlight?: number;
}

export type CarbonAction = "refuse" | { routeUnderGPer1k: number };

/** Grams of CO2e in each window, and what happens to a request beyond them. */
export interface CarbonBudget {
  grams: number;
  reset: "daily" | "monthly";
  action: CarbonAction;
}

/** A key and everything that it is allowed. Absent limits are no limits; empty lists allow all. */
export interface ApiKey {
  /** SHA-256 of the key, hexadecimal: its public id. */
  hash: string;
  accountId: string;
  name: string;
  /** Prefix and last four characters: all that is shown of the key later. */
  label: string;
  type: "regular" | "management";
  disabled: boolean;
  limit?: NanoUnits;
  limitReset?: ResetInterval;
  dailyLimit?: NanoUnits;
  monthlyLimit?: NanoUnits;
  allowedProviders: string[];
  allowedModels: string[];
  /** Pin: requests never leave it. A region id, `eu`, `country:FR` or `zone:FRA`. */
  region?: string;
  policy?: string;
  preferLowCarbon: boolean;
  rateLimit: RateLimit;
  carbonBudgetG?: number;
  carbonBudgetReset?: "daily" | "monthly";
  carbonBudgetAction: CarbonAction;
  /** A second route is asked when the first takes longer than nineteen of twenty do. Only the winner is charged. */
  hedge?: boolean;
  /** `per_…` of the person who made it, by a management key of theirs too; absent where the command line did. */
  createdBy?: string;
  createdAt: number;
  updatedAt?: number;
  lastUsedAt?: number;
  expiresAt?: number;
}

/** Who calls: a key and the account behind it. */
export interface Caller {
  key: ApiKey;
  account: Account;
}
