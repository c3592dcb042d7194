import type { ProviderKey } from "#src/account/provider-key.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";

const money = (amount: number | undefined): number | null =>
  amount === undefined ? null : toUnits(amount);
const time = (at: number | undefined): string | null => (at === undefined ? null : rfc3339(at));

/** A credential of a provider as the API and the command line show it: never its secret. Budgets in the currency. */
export function providerKeyRecord(key: ProviderKey) {
  return {
    id: key.id,
    provider: key.provider,
    name: key.label,
    label: key.shown,
    kind: key.kind,
    account: key.accountId ?? null,
    disabled: key.disabled,
    is_fallback: key.isFallback,
    always_use: key.alwaysUse,
    weight: key.weight,
    rpm_limit: key.rpmLimit ?? null,
    base_url: key.baseUrl ?? null,
    region: key.region ?? null,
    deployment: key.deployment ?? null,
    supported_models: key.supportedModels,
    allowed_models: key.allowedModels,
    allowed_api_key_hashes: key.allowedApiKeyHashes,
    daily_budget: money(key.dailyBudget),
    monthly_budget: money(key.monthlyBudget),
    created_at: rfc3339(key.createdAt),
    updated_at: time(key.updatedAt),
    last_used_at: time(key.lastUsedAt),
  };
}
