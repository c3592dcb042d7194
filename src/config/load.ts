import { join, resolve } from "node:path";
import { databaseUrlOf } from "#src/config/database.ts";
import { type EcoConfig, ecoOf } from "#src/config/eco.ts";
import {
  credential,
  defaultFile,
  type Environment,
  parseListen,
  present,
  readFile,
} from "#src/config/file.ts";
import { type MailConfig, mailOf, publicUrlOf } from "#src/config/mail.ts";
import { type MetricsConfig, metricsOf, type OtelConfig, otelOf } from "#src/config/observe.ts";
import { type OidcProvider, oidcOf } from "#src/config/oidc.ts";
import { createPicker, type Origins } from "#src/config/pick.ts";
import { type RetentionConfig, retentionOf } from "#src/config/retention.ts";
import {
  type ModelConfig,
  type ProviderConfig,
  strategies,
  type Strategy,
} from "#src/config/schema.ts";
import { type StripeConfig, stripeOf } from "#src/config/stripe.ts";
import { workersOf } from "#src/config/workers.ts";

/** Everything that steers the gateway, resolved. Durations in milliseconds where named so. */
export interface Config {
  /** Path of the file that was read; absent where there is none. */
  file: string | undefined;
  listen: { hostname: string; port: number };
  /** Processes that serve. */
  workers: number;
  /** Origin that people open; empty where it is not set. */
  publicUrl: string;
  dataDir: string;
  database: { url: string; token: string | undefined; synchronous: "normal" | "full" };
  billing: {
    currency: string;
    usdRate: number;
    platformFeePer1k: number;
    topupFeePct: number;
    /** Percent of the price, for requests on an account's own provider key. */
    byokFeePct: number;
    /** Such requests per account and month that are free of it. */
    byokFreeMonthly: number;
    defaultMaxTokens: number;
    unknownPrice: "block" | "allow";
    /** Credit below which an account is told that it is low, in the currency. */
    lowBalance: number;
  };
  eco: EcoConfig;
  routing: {
    /** `name`, or `name:region` and `name:provider` for those that take one. */
    policy: string;
    strategy: Strategy;
    euOnly: boolean;
    allowAssumedRegions: boolean;
    highCarbonGPerKwh: number;
    defaultModel: string;
    maxAttempts: number;
    /** Name of the operator's own to the model it means. */
    aliases: Readonly<Record<string, string>>;
    /** Model to those tried after it; `*` stands for every model. */
    fallbacks: Readonly<Record<string, readonly string[]>>;
  };
  limits: { requestsPerMinute: number; maxBodyBytes: number; byokPrivateAddresses: boolean };
  timeouts: {
    connectMs: number;
    firstByteMs: number;
    idleMs: number;
    totalMs: number;
    drainMs: number;
    leaveMs: number;
  };
  webhooks: { allowPrivate: boolean };
  mail: MailConfig;
  stripe: StripeConfig;
  retention: RetentionConfig;
  metrics: MetricsConfig;
  otel: OtelConfig;
  log: { level: "debug" | "info" | "warn" | "error"; format: "json" | "pretty" | undefined };
  oidc: OidcProvider[];
  providers: Record<string, ProviderConfig>;
  models: ModelConfig[];
  /** Path of a value to where it came from; secrets appear by name only. */
  origins: Origins;
  /** Reads an environment variable or the credential file of that name. */
  secret(name: string): string | undefined;
}

export interface Flags {
  config?: string | undefined;
  listen?: string | undefined;
  dataDir?: string | undefined;
  workers?: string | undefined;
  /** The text of the file where it was read before; its path stays what it is. */
  fileText?: string | undefined;
}

/** Reads flags, credential files, environment and file, in that order. Throws ConfigError naming the key. */
export function loadConfig(flags: Flags, env: Environment): Config {
  const path = flags.config ?? env.LOWROUTER_CONFIG ?? defaultFile(env);
  const file = readFile(path, flags.fileText);
  const origins: Origins = new Map();
  const secret = (name: string) => credential(env, name) ?? present(env[name]);

  const { pick, number, choice, flag } = createPicker(env, origins);

  const dataDir = resolve(
    pick(
      "data_dir",
      "LOWROUTER_DATA_DIR",
      file.data_dir,
      present(env.STATE_DIRECTORY) ?? "lowrouter-data",
      flags.dataDir,
    ),
  );
  const logFormat = choice(
    "log.format",
    "LOWROUTER_LOG_FORMAT",
    file.log?.format,
    ["auto", "json", "pretty"] as const,
    "auto",
  );
  const publicUrl = publicUrlOf(pick("public_url", "LOWROUTER_PUBLIC_URL", file.public_url, ""));
  return {
    file: path,
    listen: parseListen(
      pick("listen", "LOWROUTER_LISTEN", file.listen, "127.0.0.1:4000", flags.listen),
    ),
    workers: workersOf({ pick }, file, flags.workers),
    publicUrl,
    dataDir,
    database: {
      url: databaseUrlOf(
        pick(
          "database.url",
          "LOWROUTER_DATABASE_URL",
          file.database?.url,
          `file:${join(dataDir, "lowrouter.db")}`,
        ),
      ),
      token: secret("LOWROUTER_DATABASE_TOKEN"),
      synchronous: choice(
        "database.synchronous",
        "LOWROUTER_DATABASE_SYNCHRONOUS",
        file.database?.synchronous,
        ["normal", "full"] as const,
        "normal",
      ),
    },
    billing: {
      currency: pick("billing.currency", "LOWROUTER_CURRENCY", file.billing?.currency, "USD"),
      usdRate: number("billing.usd_rate", "LOWROUTER_USD_RATE", file.billing?.usd_rate, 1),
      platformFeePer1k: number(
        "billing.platform_fee_per_1k",
        "LOWROUTER_PLATFORM_FEE_PER_1K",
        file.billing?.platform_fee_per_1k,
        0,
      ),
      topupFeePct: number(
        "billing.topup_fee_pct",
        "LOWROUTER_TOPUP_FEE_PCT",
        file.billing?.topup_fee_pct,
        0,
      ),
      byokFeePct: number(
        "billing.byok_fee_pct",
        "LOWROUTER_BYOK_FEE_PCT",
        file.billing?.byok_fee_pct,
        0,
      ),
      byokFreeMonthly: number(
        "billing.byok_free_monthly",
        "LOWROUTER_BYOK_FREE_MONTHLY",
        file.billing?.byok_free_monthly,
        0,
      ),
      defaultMaxTokens: number(
        "billing.default_max_tokens",
        "LOWROUTER_DEFAULT_MAX_TOKENS",
        file.billing?.default_max_tokens,
        4096,
      ),
      unknownPrice: choice(
        "billing.unknown_price",
        "LOWROUTER_UNKNOWN_PRICE",
        file.billing?.unknown_price,
        ["block", "allow"] as const,
        "block",
      ),
      lowBalance: number(
        "billing.low_balance",
        "LOWROUTER_LOW_BALANCE",
        file.billing?.low_balance,
        5,
      ),
    },
    eco: ecoOf(file.eco, { pick, choice, secret }),
    routing: {
      policy: pick("routing.policy", "LOWROUTER_POLICY", file.routing?.policy, "balanced"),
      strategy: choice(
        "routing.strategy",
        "DEFAULT_STRATEGY",
        file.routing?.strategy,
        strategies,
        "combined",
      ),
      euOnly: flag("routing.eu_only", "LOWROUTER_EU_ONLY", file.routing?.eu_only),
      allowAssumedRegions: flag(
        "routing.allow_assumed_regions",
        "LOWROUTER_ALLOW_ASSUMED_REGIONS",
        file.routing?.allow_assumed_regions,
      ),
      highCarbonGPerKwh: number(
        "routing.high_carbon_g_per_kwh",
        "LOWROUTER_HIGH_CARBON_G_PER_KWH",
        file.routing?.high_carbon_g_per_kwh,
        500,
      ),
      defaultModel: pick(
        "routing.default_model",
        "LOWROUTER_DEFAULT_MODEL",
        file.routing?.default_model,
        "lowrouter/auto",
      ),
      maxAttempts: number(
        "routing.max_attempts",
        "LOWROUTER_MAX_ATTEMPTS",
        file.routing?.max_attempts,
        3,
      ),
      aliases: file.routing?.aliases ?? {},
      fallbacks: file.routing?.fallbacks ?? {},
    },
    limits: {
      requestsPerMinute: number(
        "limits.requests_per_minute",
        "LOWROUTER_REQUESTS_PER_MINUTE",
        file.limits?.requests_per_minute,
        0,
      ),
      byokPrivateAddresses: flag(
        "limits.byok_private_addresses",
        "LOWROUTER_BYOK_PRIVATE_ADDRESSES",
        file.limits?.byok_private_addresses,
      ),
      maxBodyBytes: Math.round(
        number("limits.max_body_mb", "LOWROUTER_MAX_BODY_MB", file.limits?.max_body_mb, 10) *
          1024 *
          1024,
      ),
    },
    timeouts: {
      connectMs:
        1000 * number("timeouts.connect_s", "LOWROUTER_CONNECT_S", file.timeouts?.connect_s, 5),
      firstByteMs:
        1000 *
        number("timeouts.first_byte_s", "LOWROUTER_FIRST_BYTE_S", file.timeouts?.first_byte_s, 60),
      idleMs: 1000 * number("timeouts.idle_s", "LOWROUTER_IDLE_S", file.timeouts?.idle_s, 60),
      totalMs: 1000 * number("timeouts.total_s", "LOWROUTER_TOTAL_S", file.timeouts?.total_s, 0),
      drainMs: 1000 * number("timeouts.drain_s", "LOWROUTER_DRAIN_S", file.timeouts?.drain_s, 30),
      leaveMs: 1000 * number("timeouts.leave_s", "LOWROUTER_LEAVE_S", file.timeouts?.leave_s, 0),
    },
    webhooks: {
      allowPrivate: flag(
        "webhooks.allow_private",
        "LOWROUTER_WEBHOOKS_ALLOW_PRIVATE",
        file.webhooks?.allow_private,
      ),
    },
    mail: mailOf(file.mail, publicUrl, { pick, secret }),
    stripe: stripeOf(file.stripe, { pick, number, secret }),
    retention: retentionOf(file.retention, { number }),
    metrics: metricsOf(file.metrics, { pick, flag, secret }),
    otel: otelOf(file.otel, { pick, flag, secret }),
    log: {
      level: choice(
        "log.level",
        "LOWROUTER_LOG_LEVEL",
        file.log?.level,
        ["debug", "info", "warn", "error"] as const,
        "info",
      ),
      format: logFormat === "auto" ? undefined : logFormat,
    },
    oidc: oidcOf(file.oidc, secret),
    providers: file.providers ?? {},
    models: file.models ?? [],
    origins,
    secret,
  };
}
