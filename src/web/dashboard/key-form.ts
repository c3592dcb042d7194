import type { ApiKey } from "#src/account/account.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { keptText } from "#src/web/dashboard/key-text.ts";

/*
 * The form of a key speaks the API's own language: its fields are the members of `POST /api/v1/keys`, so that there is one
 * reader for both. Only money differs: people are asked for the currency everywhere.
 */

const amounts = ["limit", "carbon_budget_g"] as const;
const credits = ["daily_credit_limit", "monthly_credit_limit"] as const;
const choices = ["limit_reset", "carbon_budget_reset", "region", "policy"] as const;
const lists = ["allowed_models", "allowed_providers"] as const;
const rates = [
  "requests_per_minute",
  "requests_per_day",
  "tokens_per_minute",
  "max_in_flight",
] as const;

/** A form as the body that the API takes. Numbers that are none stay text, for the reader to refuse by name. */
export function keyBodyOf(form: URLSearchParams): Record<string, unknown> {
  const given = (name: string) => keptText(form, name);
  const body: Record<string, unknown> = {};
  const put = (name: string, read: (text: string) => unknown) => {
    if (form.has(name)) body[name] = given(name) === "" ? null : read(given(name));
  };
  if (form.has("name")) body["name"] = given("name");
  if (form.has("key_type")) body["key_type"] = given("key_type");
  for (const name of amounts) put(name, numberOf);
  for (const name of credits) put(name, (text) => inCredits(numberOf(text)));
  for (const name of choices) put(name, (text) => text);
  for (const name of lists) put(name, listOf);
  body["rate_limit"] = Object.fromEntries(
    rates.map((name) => {
      const text = given(`rate_limit.${name}`);
      return [name, text === "" ? null : numberOf(text)];
    }),
  );
  body["carbon_budget_action"] =
    given("carbon_budget_action") === "route"
      ? { route_under_g_per_1k: numberOf(given("carbon_budget_action.route_under_g_per_1k")) }
      : "refuse";
  body["prefer_low_carbon"] = form.has("prefer_low_carbon");
  body["hedge"] = form.has("hedge");
  put("expires_at", timeOf);
  return body;
}

/** What a key's form shows of it. */
export function keyFields(key: ApiKey): URLSearchParams {
  const units = (amount: number | undefined) =>
    amount === undefined ? undefined : toUnits(amount);
  const { carbonBudgetAction: action, rateLimit } = key;
  const isRouted = action !== "refuse";
  const texts: Record<string, string | number | undefined> = {
    name: key.name,
    limit: units(key.limit),
    limit_reset: key.limitReset,
    daily_credit_limit: units(key.dailyLimit),
    monthly_credit_limit: units(key.monthlyLimit),
    allowed_models: key.allowedModels.join("\n"),
    allowed_providers: key.allowedProviders.join("\n"),
    region: key.region,
    policy: key.policy,
    "rate_limit.requests_per_minute": rateLimit.requestsPerMinute,
    "rate_limit.requests_per_day": rateLimit.requestsPerDay,
    "rate_limit.tokens_per_minute": rateLimit.tokensPerMinute,
    "rate_limit.max_in_flight": rateLimit.maxInFlight,
    carbon_budget_g: key.carbonBudgetG,
    carbon_budget_reset: key.carbonBudgetReset,
    carbon_budget_action: isRouted ? "route" : "refuse",
    "carbon_budget_action.route_under_g_per_1k": isRouted ? action.routeUnderGPer1k : undefined,
    prefer_low_carbon: key.preferLowCarbon ? "on" : undefined,
    hedge: key.hedge ? "on" : undefined,
    // What the field of a browser holds: no zone. It is UTC, as the page says.
    expires_at: key.expiresAt === undefined ? undefined : rfc3339(key.expiresAt).slice(0, 19),
  };
  const fields = new URLSearchParams();
  for (const [name, text] of Object.entries(texts))
    if (text !== undefined) fields.set(name, plain(text));
  return fields;
}

/** Entries of a list that was typed one a line, or with commas. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== "");
}

/** A number that was typed; text that is none stays text. */
export function numberOf(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function inCredits(units: number | string): number | string {
  return typeof units === "number" ? units * 100 : units;
}

/** What browsers send of a date and time, as UTC; anything else stays as it is. */
function timeOf(text: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text)
    ? `${text}:00Z`
    : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/.test(text)
      ? `${text}Z`
      : text;
}

/** A number without an exponent, which no field would take back. */
function plain(value: string | number): string {
  if (typeof value === "string") return value;
  const text = String(value);
  return text.includes("e") ? value.toFixed(12).replace(/\.?0+$/, "") : text;
}
