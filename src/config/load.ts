import { join, resolve } from "node:path";
import { ConfigError } from "#src/config/error.ts";
import {
  credential,
  defaultFile,
  type Environment,
  parseListen,
  present,
  readFile,
} from "#src/config/file.ts";
import {
  type ModelConfig,
  policies,
  type PolicyName,
  type ProviderConfig,
} from "#src/config/schema.ts";

/** Where a value came from, in the order that wins. */
export type Origin = "flag" | "credential" | "environment" | "file" | "default";

/** Everything that steers the gateway, resolved. Durations in milliseconds where named so. */
export interface Config {
  listen: { hostname: string; port: number };
  dataDir: string;
  database: { url: string; token: string | undefined; synchronous: "normal" | "full" };
  billing: {
    currency: string;
    usdRate: number;
    platformFeePer1k: number;
    topupFeePct: number;
    defaultMaxTokens: number;
    unknownPrice: "block" | "allow";
  };
  eco: { methodology: string };
  routing: {
    policy: PolicyName;
    highCarbonGPerKwh: number;
    defaultModel: string;
    maxAttempts: number;
  };
  limits: { requestsPerMinute: number; maxBodyBytes: number };
  timeouts: {
    connectMs: number;
    firstByteMs: number;
    idleMs: number;
    totalMs: number;
    drainMs: number;
  };
  retention: { usageDays: number };
  log: { level: "debug" | "info" | "warn" | "error"; format: "json" | "pretty" | undefined };
  providers: Record<string, ProviderConfig>;
  models: ModelConfig[];
  /** Path of a value to where it came from; secrets appear by name only. */
  origins: Map<string, { origin: Origin; name: string | undefined }>;
  /** Reads an environment variable or the credential file of that name. */
  secret(name: string): string | undefined;
}

export interface Flags {
  config?: string | undefined;
  listen?: string | undefined;
  dataDir?: string | undefined;
}

/** Reads flags, credential files, environment and file, in that order. Throws ConfigError naming the key. */
export function loadConfig(flags: Flags, env: Environment): Config {
  const file = readFile(flags.config ?? env.LOWROUTER_CONFIG ?? defaultFile(env));
  const origins: Config["origins"] = new Map();
  const secret = (name: string) => credential(env, name) ?? present(env[name]);

  function pick(
    path: string,
    variable: string,
    fromFile: unknown,
    fallback: string,
    flag?: string,
  ): string {
    const candidates: [Origin, string | undefined, string | undefined][] = [
      ["flag", flag, undefined],
      ["credential", credential(env, variable), variable],
      ["environment", present(env[variable]), variable],
      ["file", fromFile === undefined ? undefined : String(fromFile), undefined],
    ];
    for (const [origin, value, name] of candidates) {
      if (value === undefined) continue;
      origins.set(path, { origin, name });
      return value;
    }
    origins.set(path, { origin: "default", name: undefined });
    return fallback;
  }
  function number(
    path: string,
    variable: string,
    fromFile: number | undefined,
    fallback: number,
    least = 0,
  ): number {
    const text = pick(path, variable, fromFile, String(fallback));
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value < least) {
      throw new ConfigError(
        `Cannot use ${variable}="${text}" for ${path}: a number of at least ${least} is needed`,
      );
    }
    return value;
  }
  function choice<T extends string>(
    path: string,
    variable: string,
    fromFile: T | undefined,
    allowed: readonly T[],
    fallback: T,
  ): T {
    const text = pick(path, variable, fromFile, fallback);
    const found = allowed.find((one) => one === text);
    if (found === undefined) {
      throw new ConfigError(`Cannot use "${text}" for ${path}: allowed are ${allowed.join(", ")}`);
    }
    return found;
  }

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
  return {
    listen: parseListen(
      pick("listen", "LOWROUTER_LISTEN", file.listen, "127.0.0.1:4000", flags.listen),
    ),
    dataDir,
    database: {
      url: pick(
        "database.url",
        "LOWROUTER_DATABASE_URL",
        file.database?.url,
        `file:${join(dataDir, "lowrouter.db")}`,
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
      defaultMaxTokens: number(
        "billing.default_max_tokens",
        "LOWROUTER_DEFAULT_MAX_TOKENS",
        file.billing?.default_max_tokens,
        4096,
        1,
      ),
      unknownPrice: choice(
        "billing.unknown_price",
        "LOWROUTER_UNKNOWN_PRICE",
        file.billing?.unknown_price,
        ["block", "allow"] as const,
        "block",
      ),
    },
    eco: {
      methodology: pick(
        "eco.methodology",
        "LOWROUTER_ECO_METHODOLOGY",
        file.eco?.methodology,
        "v0.4-2026-01",
      ),
    },
    routing: {
      policy: choice(
        "routing.policy",
        "LOWROUTER_POLICY",
        file.routing?.policy,
        policies,
        "balanced",
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
        1,
      ),
    },
    limits: {
      requestsPerMinute: number(
        "limits.requests_per_minute",
        "LOWROUTER_REQUESTS_PER_MINUTE",
        file.limits?.requests_per_minute,
        0,
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
    },
    retention: {
      usageDays: number(
        "retention.usage_days",
        "USAGE_RETENTION_DAYS",
        file.retention?.usage_days,
        396,
        1,
      ),
    },
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
    providers: file.providers ?? {},
    models: file.models ?? [],
    origins,
    secret,
  };
}
