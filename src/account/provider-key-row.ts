import * as v from "valibot";
import type { ProviderKey, Secret } from "#src/account/provider-key.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { numberIn, textOf, type Row, type Value } from "#src/store/store.ts";

/** Columns of a provider key's row besides its envelope, in the order of `providerKeyValues`. */
export const providerKeyColumns = [
  "id",
  "account_id",
  "provider",
  "label",
  "kind",
  "shown",
  "weight",
  "rpm_limit",
  "base_url",
  "region",
  "deployment",
  "supported_models",
  "always_use",
  "is_fallback",
  "disabled",
  "allowed_models",
  "allowed_api_key_hashes",
  "daily_budget_nano",
  "monthly_budget_nano",
  "created_at",
  "updated_at",
  "last_used_at",
] as const;

const textList = v.array(v.string());
const kindSchema = v.picklist(["key", "aws", "google"]);
const secretSchema = v.variant("kind", [
  v.object({ kind: v.literal("key"), key: v.string() }),
  v.object({
    kind: v.literal("aws"),
    accessKeyId: v.string(),
    secretAccessKey: v.string(),
    sessionToken: v.optional(v.string()),
  }),
  v.object({ kind: v.literal("google"), json: v.string() }),
]);

/** A key as its row. */
export function providerKeyValues(key: ProviderKey): Value[] {
  return [
    key.id,
    key.accountId ?? null,
    key.provider,
    key.label,
    key.kind,
    key.shown,
    key.weight,
    key.rpmLimit ?? null,
    key.baseUrl ?? null,
    key.region ?? null,
    key.deployment ?? null,
    JSON.stringify(key.supportedModels),
    key.alwaysUse ? 1 : 0,
    key.isFallback ? 1 : 0,
    key.disabled ? 1 : 0,
    JSON.stringify(key.allowedModels),
    JSON.stringify(key.allowedApiKeyHashes),
    key.dailyBudget ?? null,
    key.monthlyBudget ?? null,
    key.createdAt,
    key.updatedAt ?? null,
    key.lastUsedAt ?? null,
  ];
}

/** A key from its row; absent members are left out. */
export function providerKeyOf(row: Row): ProviderKey {
  return {
    id: textOf(row, "id") ?? "",
    accountId: textOf(row, "account_id"),
    provider: textOf(row, "provider") ?? "",
    label: textOf(row, "label") ?? "",
    kind: v.parse(kindSchema, textOf(row, "kind")),
    shown: textOf(row, "shown") ?? "",
    weight: numberIn(row, "weight") ?? 1,
    rpmLimit: numberIn(row, "rpm_limit"),
    baseUrl: textOf(row, "base_url"),
    region: textOf(row, "region"),
    deployment: textOf(row, "deployment"),
    supportedModels: list(row, "supported_models"),
    alwaysUse: numberIn(row, "always_use") === 1,
    isFallback: numberIn(row, "is_fallback") === 1,
    disabled: numberIn(row, "disabled") === 1,
    allowedModels: list(row, "allowed_models"),
    allowedApiKeyHashes: list(row, "allowed_api_key_hashes"),
    dailyBudget: money(row, "daily_budget_nano"),
    monthlyBudget: money(row, "monthly_budget_nano"),
    createdAt: numberIn(row, "created_at") ?? 0,
    updatedAt: numberIn(row, "updated_at"),
    lastUsedAt: numberIn(row, "last_used_at"),
  };
}

/** A secret from what an envelope held. Throws where it is none; the message quotes nothing. */
export function secretOf(text: string): Secret {
  const read = v.safeParse(secretSchema, JSON.parse(text));
  if (read.success) return read.output;
  throw new Error("Cannot read a provider key: what its envelope holds is no secret of ours");
}

function list(row: Row, column: string): string[] {
  return v.parse(textList, JSON.parse(textOf(row, column) ?? "[]"));
}

function money(row: Row, column: string): NanoUnits | undefined {
  const amount = numberIn(row, column);
  return amount === undefined ? undefined : nano(amount);
}
