import * as v from "valibot";
import type { ApiKey } from "#src/account/account.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { numberIn, textOf, type Row, type Value } from "#src/store/store.ts";

/** Columns of a key's row, in the order of `keyValues`. */
export const keyColumns = [
  "hash",
  "account_id",
  "name",
  "label",
  "type",
  "disabled",
  "limit_nano",
  "limit_reset",
  "daily_limit_nano",
  "monthly_limit_nano",
  "allowed_providers",
  "allowed_models",
  "region",
  "policy",
  "prefer_low_carbon",
  "rate_limit",
  "carbon_budget_g",
  "carbon_budget_reset",
  "carbon_budget_action",
  "hedge",
  "created_by",
  "created_at",
  "updated_at",
  "last_used_at",
  "expires_at",
] as const;

const textList = v.array(v.string());
const rateSchema = v.object({
  requestsPerMinute: v.optional(v.number()),
  requestsPerDay: v.optional(v.number()),
  tokensPerMinute: v.optional(v.number()),
  maxInFlight: v.optional(v.number()),
});
const actionSchema = v.union([v.literal("refuse"), v.object({ routeUnderGPer1k: v.number() })]);
const resetSchema = v.picklist(["daily", "weekly", "monthly"]);
const budgetResetSchema = v.picklist(["daily", "monthly"]);

/** A key as its row. */
export function keyValues(key: ApiKey): Value[] {
  return [
    key.hash,
    key.accountId,
    key.name,
    key.label,
    key.type,
    key.disabled ? 1 : 0,
    key.limit ?? null,
    key.limitReset ?? null,
    key.dailyLimit ?? null,
    key.monthlyLimit ?? null,
    JSON.stringify(key.allowedProviders),
    JSON.stringify(key.allowedModels),
    key.region ?? null,
    key.policy ?? null,
    key.preferLowCarbon ? 1 : 0,
    JSON.stringify(key.rateLimit),
    key.carbonBudgetG ?? null,
    key.carbonBudgetReset ?? null,
    JSON.stringify(key.carbonBudgetAction),
    key.hedge ? 1 : 0,
    key.createdBy ?? null,
    key.createdAt,
    key.updatedAt ?? null,
    key.lastUsedAt ?? null,
    key.expiresAt ?? null,
  ];
}

/** A key from its row; absent members are left out. */
export function keyOf(row: Row): ApiKey {
  const reset = textOf(row, "limit_reset");
  const budgetReset = textOf(row, "carbon_budget_reset");
  const key: ApiKey = {
    hash: textOf(row, "hash") ?? "",
    accountId: textOf(row, "account_id") ?? "",
    name: textOf(row, "name") ?? "",
    label: textOf(row, "label") ?? "",
    type: textOf(row, "type") === "management" ? "management" : "regular",
    disabled: numberIn(row, "disabled") === 1,
    limit: money(row, "limit_nano"),
    limitReset: v.is(resetSchema, reset) ? reset : undefined,
    dailyLimit: money(row, "daily_limit_nano"),
    monthlyLimit: money(row, "monthly_limit_nano"),
    allowedProviders: v.parse(textList, json(row, "allowed_providers")),
    allowedModels: v.parse(textList, json(row, "allowed_models")),
    region: textOf(row, "region"),
    policy: textOf(row, "policy"),
    preferLowCarbon: numberIn(row, "prefer_low_carbon") === 1,
    rateLimit: v.parse(rateSchema, json(row, "rate_limit")),
    carbonBudgetG: numberIn(row, "carbon_budget_g"),
    carbonBudgetReset: v.is(budgetResetSchema, budgetReset) ? budgetReset : undefined,
    carbonBudgetAction: v.parse(actionSchema, json(row, "carbon_budget_action")),
    ...(numberIn(row, "hedge") === 1 ? { hedge: true } : {}),
    createdBy: textOf(row, "created_by"),
    createdAt: numberIn(row, "created_at") ?? 0,
    updatedAt: numberIn(row, "updated_at"),
    lastUsedAt: numberIn(row, "last_used_at"),
    expiresAt: numberIn(row, "expires_at"),
  };
  return key;
}

function money(row: Row, column: string): NanoUnits | undefined {
  const amount = numberIn(row, column);
  return amount === undefined ? undefined : nano(amount);
}

function json(row: Row, column: string): unknown {
  return JSON.parse(textOf(row, column) ?? "null");
}
