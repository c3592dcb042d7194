import type { ApiKey } from "#src/account/account.ts";
import type { CarbonStanding } from "#src/account/carbon-budget.ts";
import type { KeyUsages } from "#src/account/key-usage.ts";
import { toCredits, toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";

const time = (at: number | undefined): string | null => (at === undefined ? null : rfc3339(at));
const credits = (amount: number | undefined): number | null =>
  amount === undefined ? null : toCredits(amount);
const money = (amount: number | undefined): number | null =>
  amount === undefined ? null : toUnits(amount);

/** Spent in the window that the key's limit counts. */
function spent(key: ApiKey, { own }: KeyUsages): number {
  return key.limitReset === undefined ? own.total : own[key.limitReset];
}

/** What is left of the key's limit; null without one. */
export function limitRemaining(key: ApiKey, usages: KeyUsages): number | null {
  return key.limit === undefined ? null : Math.max(0, toUnits(key.limit - spent(key, usages)));
}

/** What a key holds beside its own row: what it spent, and how its carbon budget stands where it has one. */
export interface KeyStanding {
  usages: KeyUsages;
  carbon: CarbonStanding | undefined;
}

/** A key's carbon budget, grams of CO2e, and what its window has used of it; null throughout where it has none. */
function carbonBudget(key: ApiKey, standing: CarbonStanding | undefined) {
  return {
    carbon_budget_g: key.carbonBudgetG ?? null,
    carbon_budget_reset:
      key.carbonBudgetG === undefined ? null : (key.carbonBudgetReset ?? "monthly"),
    carbon_used_g: standing?.usedG ?? null,
    carbon_left_g: standing?.leftG ?? null,
    carbon_resets_at: time(standing?.resetsAt),
  };
}

/** A key as the management API and the command line show it. Amounts in the currency. */
export function keyRecord(key: ApiKey, { usages, carbon }: KeyStanding) {
  return {
    hash: key.hash,
    name: key.name,
    label: key.label,
    key_type: key.type,
    account: key.accountId,
    disabled: key.disabled,
    limit: money(key.limit),
    spending_limit: money(key.limit),
    limit_remaining: limitRemaining(key, usages),
    limit_reset: key.limitReset ?? null,
    allowed_providers: key.allowedProviders,
    allowed_models: key.allowedModels,
    region: key.region ?? null,
    policy: key.policy ?? null,
    daily_credit_limit: credits(key.dailyLimit),
    monthly_credit_limit: credits(key.monthlyLimit),
    prefer_low_carbon: key.preferLowCarbon,
    rate_limit: {
      requests_per_minute: key.rateLimit.requestsPerMinute ?? null,
      requests_per_day: key.rateLimit.requestsPerDay ?? null,
      tokens_per_minute: key.rateLimit.tokensPerMinute ?? null,
      max_in_flight: key.rateLimit.maxInFlight ?? null,
    },
    ...carbonBudget(key, carbon),
    carbon_budget_action:
      typeof key.carbonBudgetAction === "object"
        ? { route_under_g_per_1k: key.carbonBudgetAction.routeUnderGPer1k }
        : key.carbonBudgetAction,
    hedge: key.hedge === true,
    usage: toUnits(usages.own.total),
    usage_daily: toUnits(usages.own.daily),
    usage_weekly: toUnits(usages.own.weekly),
    usage_monthly: toUnits(usages.own.monthly),
    byok_usage: toUnits(usages.byok.total),
    created_at: rfc3339(key.createdAt),
    updated_at: time(key.updatedAt),
    last_used_at: time(key.lastUsedAt),
    expires_at: time(key.expiresAt),
  };
}

/** A key as it may see itself: GET /v1/key. */
export function selfRecord(
  key: ApiKey,
  { usages, carbon }: KeyStanding,
  requestsPerMinute: number | undefined,
) {
  return {
    label: key.label,
    limit: money(key.limit),
    limit_reset: key.limitReset ?? null,
    limit_remaining: limitRemaining(key, usages),
    usage: toUnits(usages.own.total),
    usage_daily: toUnits(usages.own.daily),
    usage_weekly: toUnits(usages.own.weekly),
    usage_monthly: toUnits(usages.own.monthly),
    byok_usage: toUnits(usages.byok.total),
    byok_usage_daily: toUnits(usages.byok.daily),
    byok_usage_weekly: toUnits(usages.byok.weekly),
    byok_usage_monthly: toUnits(usages.byok.monthly),
    is_free_tier: false,
    is_management_key: key.type === "management",
    is_provisioning_key: key.type === "management",
    include_byok_in_limit: false,
    expires_at: time(key.expiresAt),
    ...carbonBudget(key, carbon),
    rate_limit:
      requestsPerMinute === undefined
        ? null
        : { requests: requestsPerMinute, interval: "1m", note: "" },
  };
}
