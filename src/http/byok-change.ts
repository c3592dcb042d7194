import * as v from "valibot";
import type { ProviderKeyChange } from "#src/account/provider-key.ts";
import { nameUpTo, needed } from "#src/http/needed.ts";
import { fromUnits, mostUnits } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";

const texts = v.nullable(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(200))));
const flag = v.nullable(v.boolean());
const amount = v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(mostUnits)));
const name = nameUpTo(200);
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "the hash of an API key"));

/** What the API takes to keep or change a provider key. An unknown member is refused: a limit misspelt would be no limit. */
export const byokChangeSchema = v.strictObject({
  provider: v.optional(v.string()),
  key: v.optional(v.union([v.string(), v.looseObject({})], "text or an object")),
  name: v.optional(name),
  label: v.optional(name),
  disabled: v.optional(flag),
  is_fallback: v.optional(flag),
  always_use: v.optional(flag),
  weight: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)))),
  rpm_limit: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1)))),
  base_url: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(2000), v.url("an address")))),
  region: v.optional(v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(60)))),
  deployment: v.optional(v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(200)))),
  supported_models: v.optional(texts),
  allowed_models: v.optional(texts),
  allowed_api_key_hashes: v.optional(v.nullable(v.array(hash))),
  daily_budget: v.optional(amount),
  monthly_budget: v.optional(amount),
});

/** A body as it was given: what is secret apart from the rest. */
export interface ByokBody {
  provider: string | undefined;
  /** Read by readSecret(). */
  secret: unknown;
  change: ProviderKeyChange;
}

/** Reads a body. Throws `invalid_value` naming the member; no value is quoted. */
export function readByokChange(body: unknown): ByokBody {
  const parsed = v.safeParse(byokChangeSchema, body, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? "body";
    const isUnknown = issue.expected === "never";
    // A name of the client's own may be a secret that slipped there.
    const shown = isUnknown && !/^[a-z_]{1,40}$/.test(path) ? "?" : path;
    throw new AppError(
      "invalid_value",
      isUnknown
        ? `Cannot use the unknown field "${shown}"`
        : `Cannot use this value for "${shown}": ${needed(issue)} is needed`,
      { param: shown },
    );
  }
  const given = parsed.output;
  const change: ProviderKeyChange = {};
  const label = given.name ?? given.label;
  if (label !== undefined) change.label = label;
  if (given.disabled !== undefined) change.disabled = given.disabled ?? false;
  if (given.is_fallback !== undefined) change.isFallback = given.is_fallback ?? false;
  if (given.always_use !== undefined) change.alwaysUse = given.always_use ?? false;
  if (given.weight !== undefined) change.weight = given.weight ?? 1;
  if (given.rpm_limit !== undefined) change.rpmLimit = given.rpm_limit ?? undefined;
  if (given.base_url !== undefined) change.baseUrl = given.base_url ?? undefined;
  if (given.region !== undefined) change.region = given.region ?? undefined;
  if (given.deployment !== undefined) change.deployment = given.deployment ?? undefined;
  if (given.supported_models !== undefined) change.supportedModels = given.supported_models ?? [];
  if (given.allowed_models !== undefined) change.allowedModels = given.allowed_models ?? [];
  if (given.allowed_api_key_hashes !== undefined)
    change.allowedApiKeyHashes = given.allowed_api_key_hashes ?? [];
  if (given.daily_budget !== undefined) change.dailyBudget = nanoOf(given.daily_budget);
  if (given.monthly_budget !== undefined) change.monthlyBudget = nanoOf(given.monthly_budget);
  return { provider: given.provider, secret: given.key, change };
}

function nanoOf(given: number | null) {
  return given === null ? undefined : fromUnits(given);
}
