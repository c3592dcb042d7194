import type { ProviderKey } from "#src/account/provider-key.ts";
import type { Provider } from "#src/catalog/model.ts";
import { toUnits } from "#src/ledger/money.ts";
import { listOf, numberOf } from "#src/web/dashboard/key-form.ts";
import { keptText } from "#src/web/dashboard/key-text.ts";

/** What a provider gives out to be known by. */
export type SecretForm = "key" | "azure" | "aws" | "google";

/** Which fields ask for a provider's secret. */
export function secretFormOf({ auth, baseUrl }: Provider): SecretForm {
  if (auth.type === "oauth2") return "google";
  if (auth.type === "sigv4") return "aws";
  return baseUrl.includes("{resource}") ? "azure" : "key";
}

/** Fields that hold a secret: no answer repeats them. */
export const secretFields = ["key", "access_key_id", "secret_access_key", "session_token"] as const;

const texts = ["name", "region", "base_url", "deployment"] as const;
const lists = ["supported_models", "allowed_models"] as const;
const numbers = ["weight", "rpm_limit", "daily_budget", "monthly_budget"] as const;
const flags = ["always_use", "is_fallback"] as const;

/** A form as the body that `POST` and `PATCH /v1/byok` take: a secret where one was typed. */
export function byokBodyOf(form: URLSearchParams): Record<string, unknown> {
  const given = (name: string) => keptText(form, name);
  const body: Record<string, unknown> = {};
  const secret = secretIn(given);
  if (secret !== undefined) body["key"] = secret;
  if (form.has("provider")) body["provider"] = given("provider");
  const put = (name: string, read: (text: string) => unknown) => {
    if (form.has(name)) body[name] = given(name) === "" ? null : read(given(name));
  };
  for (const name of texts) put(name, (text) => text);
  // A name cannot be taken away: without one it stays, or is the provider's.
  if (body["name"] === null) delete body["name"];
  for (const name of lists) put(name, listOf);
  for (const name of numbers) put(name, numberOf);
  for (const name of flags) body[name] = form.has(name);
  body["allowed_api_key_hashes"] = form.getAll("allowed_api_key_hashes");
  return body;
}

function secretIn(given: (name: string) => string): unknown {
  if (given("access_key_id") === "" && given("secret_access_key") === "")
    return given("key") === "" ? undefined : given("key");
  return {
    access_key_id: given("access_key_id"),
    secret_access_key: given("secret_access_key"),
    ...(given("session_token") === "" ? {} : { session_token: given("session_token") }),
  };
}

/** What the form shows of a key that is kept. */
export function byokFields(key: ProviderKey): URLSearchParams {
  const units = (amount: number | undefined) =>
    amount === undefined ? undefined : toUnits(amount);
  const values: Record<string, string | number | undefined> = {
    name: key.label,
    region: key.region,
    base_url: key.baseUrl,
    deployment: key.deployment,
    supported_models: key.supportedModels.join("\n"),
    allowed_models: key.allowedModels.join("\n"),
    weight: key.weight,
    rpm_limit: key.rpmLimit,
    daily_budget: units(key.dailyBudget),
    monthly_budget: units(key.monthlyBudget),
    always_use: key.alwaysUse ? "on" : undefined,
    is_fallback: key.isFallback ? "on" : undefined,
  };
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) fields.set(name, String(value));
  for (const hash of key.allowedApiKeyHashes) fields.append("allowed_api_key_hashes", hash);
  return fields;
}
