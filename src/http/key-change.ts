import * as v from "valibot";
import type { ApiKey, CarbonAction } from "#src/account/account.ts";
import type { KeyChange } from "#src/account/keys.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import {
  keptModels,
  keptPolicy,
  keptProviders,
  keptRegion,
} from "#src/gateway/routing/kept-wishes.ts";
import { nameUpTo, needed } from "#src/http/needed.ts";
import { fromUnits, mostUnits } from "#src/ledger/money.ts";
import { isDay } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";

const amount = v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(mostUnits)));
const credits = v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(mostUnits * 100)));
const count = v.nullable(
  v.pipe(v.number(), v.integer("a whole number"), v.minValue(1), v.maxValue(1e12)),
);
const name = v.pipe(
  nameUpTo(200),
  v.check((given) => given.trim() !== "", "a name that can be seen"),
);
const texts = v.array(v.pipe(v.string(), v.minLength(1)));

/** What the management API takes to make or change a key. An unknown member is refused: a limit misspelt would be no limit. */
export const keyChangeSchema = v.strictObject({
  name: v.optional(name),
  label: v.optional(name),
  key_type: v.optional(v.picklist(["regular", "management"])),
  limit: v.optional(amount),
  spending_limit: v.optional(amount),
  limit_usd: v.optional(amount),
  limit_reset: v.optional(v.nullable(v.picklist(["daily", "weekly", "monthly"]))),
  daily_credit_limit: v.optional(credits),
  monthly_credit_limit: v.optional(credits),
  allowed_providers: v.optional(v.nullable(texts)),
  allowed_models: v.optional(v.nullable(texts)),
  models: v.optional(v.nullable(texts)),
  region: v.optional(v.nullable(v.string())),
  policy: v.optional(v.nullable(v.string())),
  prefer_low_carbon: v.optional(v.boolean()),
  rate_limit: v.optional(
    v.nullable(
      v.strictObject({
        requests_per_minute: v.optional(count),
        requests_per_day: v.optional(count),
        tokens_per_minute: v.optional(count),
        max_in_flight: v.optional(count),
      }),
    ),
  ),
  carbon_budget_g: v.optional(amount),
  carbon_budget_reset: v.optional(v.nullable(v.picklist(["daily", "monthly"]))),
  carbon_budget_action: v.optional(
    v.union([
      v.literal("refuse"),
      v.strictObject({ route_under_g_per_1k: v.pipe(v.number(), v.gtValue(0)) }),
    ]),
  ),
  hedge: v.optional(v.boolean()),
  enabled: v.optional(v.boolean()),
  disabled: v.optional(v.boolean()),
  expires_at: v.optional(
    v.nullable(
      v.pipe(
        v.string(),
        v.isoTimestamp("a time in RFC 3339"),
        v.check((time) => isDay(time.slice(0, 10)), "a day of the calendar"),
      ),
    ),
  ),
});

type KeyType = ApiKey["type"];
type Given = v.InferOutput<typeof keyChangeSchema>;

/** A key has the type that it was made with: its name begins with it, and what it may call. Throws `invalid_value`. */
export function refuseOtherType(given: KeyType | undefined, { type }: ApiKey): void {
  if (given === undefined || given === type) return;
  throw new AppError(
    "invalid_value",
    `Cannot make this ${type} key a ${given} one: leave "key_type" out, or make a new key`,
    { param: "key_type" },
  );
}

/** Members that mean the same. */
const synonyms = [
  ["limit", "spending_limit", "limit_usd"],
  ["allowed_models", "models"],
] as const;

/** Of two values for one thing, neither may win in silence: it could be the limit that was not meant. Throws `invalid_value`. */
function refuseOtherValue(names: readonly (keyof Given)[], given: Given): void {
  const [first, ...others] = names.filter((name) => given[name] !== undefined);
  if (first === undefined) return;
  const other = others.find((name) => !Bun.deepEquals(given[name], given[first]));
  if (other !== undefined) throw differing(first, other);
}

function differing(one: string, other: string): AppError {
  return new AppError(
    "invalid_value",
    `Cannot follow both "${one}" and "${other}", which mean the same and contradict each other: give one of them`,
    { param: other },
  );
}

/** A change of a key, and its type where one is given. Throws `invalid_value` naming the member. */
export function readKeyChange(body: unknown, places: RouteTable): KeyChange & { type?: KeyType } {
  const parsed = v.safeParse(keyChangeSchema, body, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? "body";
    const isUnknown = issue.expected === "never";
    // A name of the client's own may be as long as a body.
    const shown = isUnknown && !/^[\w.-]{1,80}$/.test(path) ? "?" : path;
    throw new AppError(
      "invalid_value",
      isUnknown
        ? `Cannot use the unknown field "${shown}"`
        : `Cannot use this value for "${shown}": ${needed(issue)} is needed`,
      { param: shown },
    );
  }
  const given = parsed.output;
  for (const names of synonyms) refuseOtherValue(names, given);
  if (given.enabled !== undefined && given.enabled === given.disabled)
    throw differing("enabled", "disabled");
  const change: KeyChange & { type?: KeyType } = {};
  if (given.key_type !== undefined) change.type = given.key_type;
  const name = given.name ?? given.label;
  if (name !== undefined) change.name = name;
  const limit =
    given.limit !== undefined
      ? given.limit
      : given.spending_limit !== undefined
        ? given.spending_limit
        : given.limit_usd;
  if (limit !== undefined) change.limit = nanoOf(limit);
  if (given.limit_reset !== undefined) change.limitReset = given.limit_reset ?? undefined;
  if (given.daily_credit_limit !== undefined)
    change.dailyLimit = nanoOfCredits(given.daily_credit_limit);
  if (given.monthly_credit_limit !== undefined)
    change.monthlyLimit = nanoOfCredits(given.monthly_credit_limit);
  if (given.allowed_providers !== undefined)
    change.allowedProviders = keptProviders(
      given.allowed_providers ?? [],
      "allowed_providers",
      places,
    );
  const models = given.allowed_models !== undefined ? given.allowed_models : given.models;
  if (models !== undefined) {
    const param = given.allowed_models !== undefined ? "allowed_models" : "models";
    change.allowedModels = keptModels(models ?? [], param, places);
  }
  if (given.region !== undefined)
    change.region = given.region === null ? undefined : keptRegion(given.region, places);
  if (given.policy !== undefined)
    change.policy =
      given.policy === null ? undefined : keptPolicy(given.policy, change.region, places);
  if (given.prefer_low_carbon !== undefined) change.preferLowCarbon = given.prefer_low_carbon;
  if (given.rate_limit !== undefined) {
    const {
      requests_per_minute: rpm,
      requests_per_day: rpd,
      tokens_per_minute: tpm,
      max_in_flight: flight,
    } = given.rate_limit ?? {};
    change.rateLimit = {
      ...(rpm ? { requestsPerMinute: rpm } : {}),
      ...(rpd ? { requestsPerDay: rpd } : {}),
      ...(tpm ? { tokensPerMinute: tpm } : {}),
      ...(flight ? { maxInFlight: flight } : {}),
    };
  }
  if (given.carbon_budget_g !== undefined)
    change.carbonBudgetG = given.carbon_budget_g ?? undefined;
  if (given.carbon_budget_reset !== undefined)
    change.carbonBudgetReset = given.carbon_budget_reset ?? undefined;
  if (given.carbon_budget_action !== undefined)
    change.carbonBudgetAction = actionOf(given.carbon_budget_action);
  if (given.hedge !== undefined) change.hedge = given.hedge;
  if (given.disabled !== undefined) change.disabled = given.disabled;
  else if (given.enabled !== undefined) change.disabled = !given.enabled;
  if (given.expires_at !== undefined)
    change.expiresAt = given.expires_at === null ? undefined : Date.parse(given.expires_at);
  return change;
}

function nanoOf(amount: number | null) {
  return amount === null ? undefined : fromUnits(amount);
}

/** Credit limits are in credits of a hundredth of the currency. */
function nanoOfCredits(credits: number | null) {
  return credits === null ? undefined : fromUnits(credits / 100);
}

function actionOf(action: "refuse" | { route_under_g_per_1k: number }): CarbonAction {
  return action === "refuse" ? "refuse" : { routeUnderGPer1k: action.route_under_g_per_1k };
}
