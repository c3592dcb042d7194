import * as v from "valibot";
import { liveGrids } from "#src/config/eco.ts";

/** Most that is counted of anything: what is beyond was typed by mistake, and some sums would not be exact with it. */
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000));
export const mostTokens = 100_000_000;
const tokens = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostTokens));
/** Of usage: a month's statement is made when the month is over, and needs all of it. */
const leastUsageDays = 32;
/** A hundred years: a day too long ago has no date. */
const mostUsageDays = 36_500;
/** A day; the runtime's timers end at once beyond 24 of them. */
export const mostSeconds = 86_400;
const seconds = v.pipe(v.number(), v.minValue(0), v.maxValue(mostSeconds));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(100));
const country = v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, "a two-letter country code such as FR"));
/** USD for a million tokens, many times what the dearest model costs. */
export const mostPerMillion = 10_000;
const price = v.pipe(v.number(), v.minValue(0), v.maxValue(mostPerMillion));
/** Of one request. */
export const mostAttempts = 10;
/** In the currency: what an account may hold, which nano-units count exactly. */
export const mostUnits = 9_000_000;
/** Of machines, for 1,000 tokens. */
const wattHours = v.pipe(v.number(), v.gtValue(0), v.maxValue(10_000));
const paid = v.pipe(v.number(), v.gtValue(0), v.maxValue(mostUnits));

export const policies = [
  "balanced",
  "prefer-region",
  "prefer-low-carbon",
  "prefer-cheapest",
  "fixed-provider",
] as const;

/** A policy by its name, with what it is about behind a colon where it takes something. */
export const policyPattern =
  /^(balanced|prefer-low-carbon|prefer-cheapest|(prefer-region|fixed-provider)(:[\w.:/-]+)?)$/;
const policyWords = `one of ${policies.join(", ")}, as prefer-region:eu-west and fixed-provider:mistral`;
const policy = v.pipe(
  v.string(),
  v.regex(policyPattern, policyWords),
  v.check((text) => text !== "prefer-region" && text !== "fixed-provider", policyWords),
);
/** Which rule orders candidates where a request, a key and an account name no policy. */
export const strategies = ["combined", "price"] as const;

/** First segments of the gateway's own paths: a provider of such a name could not be reached by its path. */
export const reservedNames: ReadonlySet<string> = new Set([
  "api",
  "v1",
  "v1beta",
  "healthz",
  "readyz",
  "metrics",
  "dashboard",
  "operator",
  "docs",
  "models",
  "providers",
  "methodology",
  "status",
  "theme",
  "login",
  "logout",
  "register",
  "reset",
  "forgot",
  "account",
  "assets",
  "stripe",
]);

const alsoSpoken = ["openai-responses"] as const;
const protocols = [
  "openai-chat",
  "anthropic-messages",
  "gemini",
  "cohere-v2",
  "bedrock-converse",
] as const;

/** One of several keys of a provider. */
const providerKey = v.strictObject({
  env: v.pipe(v.string(), v.minLength(1)),
  weight: v.optional(v.pipe(count, v.minValue(1), v.maxValue(1000))),
  /** Requests per minute. */
  rpm: v.optional(v.pipe(count, v.minValue(1))),
});

/** One section of lowrouter.toml per key; an unknown key is refused. */
export const fileSchema = v.strictObject({
  listen: v.optional(v.string()),
  /** Processes that serve, on as many cores. */
  workers: v.optional(v.pipe(count, v.minValue(1), v.maxValue(64))),
  /** The address that people open, for links that leave the gateway. */
  public_url: v.optional(v.string()),
  data_dir: v.optional(v.string()),
  database: v.optional(
    v.strictObject({
      url: v.optional(v.string()),
      synchronous: v.optional(v.picklist(["normal", "full"])),
    }),
  ),
  billing: v.optional(
    v.strictObject({
      currency: v.optional(
        v.pipe(v.string(), v.regex(/^[A-Z]{3}$/, "a three-letter currency code such as USD")),
      ),
      /** Of any currency in use; beyond, amounts would be nothing, or more than is counted exactly. */
      usd_rate: v.optional(v.pipe(v.number(), v.minValue(0.0001), v.maxValue(100_000))),
      platform_fee_per_1k: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1000))),
      topup_fee_pct: v.optional(share),
      /** Of what a request would have cost, for one on an account's own key of a provider. */
      byok_fee_pct: v.optional(share),
      /** Requests on own keys that are free of that fee, for each account and month. */
      byok_free_monthly: v.optional(count),
      default_max_tokens: v.optional(tokens),
      unknown_price: v.optional(v.picklist(["block", "allow"])),
      /** Credit below which an account is told that it is low. */
      low_balance: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(mostUnits))),
    }),
  ),
  eco: v.optional(
    v.strictObject({
      methodology: v.optional(v.string()),
      grid_file: v.optional(v.string()),
      live_grid: v.optional(v.picklist(["", ...liveGrids])),
      live_grid_url: v.optional(v.string()),
      carbon_alerts: v.optional(v.array(v.pipe(v.number(), v.gtValue(0), v.maxValue(100)))),
    }),
  ),
  routing: v.optional(
    v.strictObject({
      policy: v.optional(policy),
      /** `combined` weighs carbon, price and latency; `price` draws by 1/price². */
      strategy: v.optional(v.picklist(strategies)),
      /** Nothing is served outside the EU and the EEA, whoever asks. */
      eu_only: v.optional(v.boolean()),
      /** Places that are only assumed satisfy pins too. */
      allow_assumed_regions: v.optional(v.boolean()),
      high_carbon_g_per_kwh: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(10_000))),
      default_model: v.optional(v.string()),
      max_attempts: v.optional(v.pipe(count, v.minValue(1), v.maxValue(mostAttempts))),
      /** Names of the operator's own, each with the model it means. */
      aliases: v.optional(v.record(v.string(), v.string())),
      /** Models to try after one that fails, when a request names none itself; `*` is for every model. */
      fallbacks: v.optional(v.record(v.string(), v.array(v.string()))),
    }),
  ),
  limits: v.optional(
    v.strictObject({
      requests_per_minute: v.optional(count),
      /** Accounts may give addresses of private networks for their own provider keys. */
      byok_private_addresses: v.optional(v.boolean()),
      max_body_mb: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(128))),
    }),
  ),
  timeouts: v.optional(
    v.strictObject({
      connect_s: v.optional(seconds),
      first_byte_s: v.optional(seconds),
      idle_s: v.optional(seconds),
      total_s: v.optional(seconds),
      drain_s: v.optional(seconds),
      /** Requests are still answered after a signal to stop, for a balancer that has not noticed yet. */
      leave_s: v.optional(seconds),
    }),
  ),
  webhooks: v.optional(
    v.strictObject({
      /** Events may go to addresses of private networks, and without TLS. */
      allow_private: v.optional(v.boolean()),
    }),
  ),
  /** Who takes our mail; its password is LOWROUTER_MAIL_PASSWORD. */
  mail: v.optional(v.strictObject({ url: v.optional(v.string()), from: v.optional(v.string()) })),
  /** Credit is bought there where STRIPE_SECRET_KEY is set. Amounts in the currency, of one purchase. */
  stripe: v.optional(
    v.strictObject({
      min_amount: v.optional(paid),
      max_amount: v.optional(paid),
      api_base: v.optional(v.pipe(v.string(), v.url())),
    }),
  ),
  retention: v.optional(
    v.strictObject({
      /** Days for which usage is kept, one by one; 0 is for ever. */
      usage_days: v.optional(
        v.pipe(
          count,
          v.check(
            (days) => days === 0 || (days >= leastUsageDays && days <= mostUsageDays),
            `0 to keep all, or at least ${leastUsageDays}: the statement of a month needs all of it; at most ${mostUsageDays}`,
          ),
        ),
      ),
    }),
  ),
  /** Counters at /metrics, for Prometheus; a token for readers elsewhere is LOWROUTER_METRICS_TOKEN. */
  metrics: v.optional(
    v.strictObject({
      enabled: v.optional(v.boolean()),
      /** Answers say in a header what the gateway itself took. */
      overhead_header: v.optional(v.boolean()),
    }),
  ),
  /** Where traces and metrics are sent by OTLP; headers are OTEL_EXPORTER_OTLP_HEADERS. */
  otel: v.optional(
    v.strictObject({
      endpoint: v.optional(v.string()),
      service_name: v.optional(v.pipe(v.string(), v.minLength(1))),
    }),
  ),
  log: v.optional(
    v.strictObject({
      level: v.optional(v.picklist(["debug", "info", "warn", "error"])),
      format: v.optional(v.picklist(["auto", "json", "pretty"])),
    }),
  ),
  /** OpenID providers that people may sign in with, by a short name. */
  oidc: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes")),
      v.strictObject({
        name: v.optional(v.string()),
        issuer: v.pipe(v.string(), v.url()),
        client_id: v.pipe(v.string(), v.minLength(1)),
        client_secret_env: v.optional(v.pipe(v.string(), v.minLength(1))),
      }),
    ),
  ),
  providers: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes"),
        v.check((id) => !reservedNames.has(id), "a name that is no path of the gateway's own"),
      ),
      v.strictObject({
        protocol: v.optional(v.picklist(protocols)),
        /** Wires that it takes for the same models besides. */
        also_speaks: v.optional(v.array(v.picklist(alsoSpoken))),
        name: v.optional(v.string()),
        base_url: v.optional(v.pipe(v.string(), v.url())),
        /** Region id to address, for a provider with several. */
        base_urls: v.optional(v.record(v.string(), v.pipe(v.string(), v.url()))),
        region: v.optional(v.string()),
        regions: v.optional(v.array(v.string())),
        /** Name of a deployment to the model id that it serves; the provider then serves these alone. */
        deployments: v.optional(v.record(v.string(), v.string())),
        /** Azure's older interface, by its version. */
        api_version: v.optional(v.string()),
        country: v.optional(country),
        api_key_env: v.optional(v.string()),
        /** Further keys, each in a variable; requests are spread over them by weight. */
        keys: v.optional(v.array(providerKey)),
        /** Measured energy of the machines for 1,000 tokens, prompt and completion, Wh. */
        wh_per_1k_tokens: v.optional(wattHours),
        /** What the building draws for each watt of the machines. */
        pue: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(5))),
        enabled: v.optional(v.boolean()),
        /** Most requests at a time, shared out among the workers; more wait for a place. */
        max_in_flight: v.optional(v.pipe(count, v.minValue(1))),
      }),
    ),
  ),
  models: v.optional(
    v.array(
      v.strictObject({
        id: v.pipe(v.string(), v.regex(/^[^/\s]+\/[^\s]+$/, "author/name")),
        provider: v.string(),
        kind: v.optional(v.picklist(["chat", "embedding"])),
        upstream: v.optional(v.string()),
        input_per_million: v.optional(price),
        output_per_million: v.optional(price),
        /** Of prompt tokens that were read from a cache, and that were written to one. */
        cache_read_per_million: v.optional(price),
        cache_write_per_million: v.optional(price),
        /** Measured energy of this model there, Wh for 1,000 tokens; beats that of its provider. */
        wh_per_1k_tokens: v.optional(wattHours),
        context_window: v.optional(tokens),
        max_output_tokens: v.optional(tokens),
        tools: v.optional(v.boolean()),
        vision: v.optional(v.boolean()),
        json_schema: v.optional(v.boolean()),
      }),
    ),
  ),
});

export type FileConfig = v.InferOutput<typeof fileSchema>;
export type ProviderConfig = NonNullable<FileConfig["providers"]>[string];
export type ModelConfig = NonNullable<FileConfig["models"]>[number];
export type Strategy = (typeof strategies)[number];
