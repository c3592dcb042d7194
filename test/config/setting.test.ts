import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "#src/config/error.ts";
import { loadConfig } from "#src/config/load.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const empty = join(folder.path, "lowrouter.toml");
writeFileSync(empty, "");
afterAll(() => folder[Symbol.dispose]());

const read = (env: Record<string, string>, config = empty) => loadConfig({ config }, env);

/** Variable, a value that its key in the file may not have either, and what is said to be allowed. */
const wrong: [string, string, string][] = [
  ["LOWROUTER_USD_RATE", "0", "billing.usd_rate: allowed is a number from 0.0001 to 100000"],
  ["LOWROUTER_USD_RATE", "Infinity", "billing.usd_rate: allowed is a number from 0.0001 to 100000"],
  ["LOWROUTER_USD_RATE", " ", "billing.usd_rate: allowed is a number from 0.0001 to 100000"],
  ["LOWROUTER_USD_RATE", "1e300", "billing.usd_rate: allowed is a number from 0.0001 to 100000"],
  ["LOWROUTER_USD_RATE", "1e-300", "billing.usd_rate: allowed is a number from 0.0001 to 100000"],
  ["LOWROUTER_LOW_BALANCE", "1e30", "billing.low_balance: allowed is a number from 0 to 9000000"],
  ["LOWROUTER_PLATFORM_FEE_PER_1K", "1e9", "billing.platform_fee_per_1k: allowed is a number from"],
  [
    "LOWROUTER_DEFAULT_MAX_TOKENS",
    "1e300",
    "billing.default_max_tokens: allowed is a whole number",
  ],
  ["LOWROUTER_REQUESTS_PER_MINUTE", "1e16", "limits.requests_per_minute: allowed is a whole numb"],
  ["LOWROUTER_TOTAL_S", "86401", "timeouts.total_s: allowed is a number from 0 to 86400"],
  ["USAGE_RETENTION_DAYS", "31", "retention.usage_days: allowed is 0 to keep all, or at least 32"],
  ["USAGE_RETENTION_DAYS", "36501", "retention.usage_days: allowed is 0 to keep all, or at least"],
  ["STRIPE_MAX_AMOUNT", "1e12", "stripe.max_amount: allowed is a number above 0 and up to 9000000"],
  ["LOWROUTER_MAX_BODY_MB", "0", "limits.max_body_mb: allowed is a number above 0 and up to 128"],
  ["LOWROUTER_MAX_BODY_MB", "129", "limits.max_body_mb: allowed is a number above 0 and up to"],
  ["LOWROUTER_TOPUP_FEE_PCT", "150", "billing.topup_fee_pct: allowed is a number from 0 to 100"],
  ["LOWROUTER_BYOK_FEE_PCT", "400", "billing.byok_fee_pct: allowed is a number from 0 to 100"],
  ["LOWROUTER_LOW_BALANCE", "-1", "billing.low_balance: allowed is a number from 0 to 9000000"],
  ["LOWROUTER_MAX_ATTEMPTS", "99.5", "routing.max_attempts: allowed is a whole number from 1 to"],
  ["LOWROUTER_MAX_ATTEMPTS", "11", "routing.max_attempts: allowed is a whole number from 1 to 10"],
  ["LOWROUTER_CURRENCY", "euro", "billing.currency: allowed is a three-letter currency code"],
  ["LOWROUTER_WORKERS", "65", "workers: allowed is a whole number from 1 to 64"],
  ["LOWROUTER_POLICY", "prefer-region", "routing.policy: allowed is one of balanced, prefer-"],
  ["LOWROUTER_EU_ONLY", "yes", "routing.eu_only: allowed is true or false"],
  ["LOWROUTER_LOG_LEVEL", "loud", 'log.level: allowed is one of "debug", "info", "warn", "error"'],
  ["LOWROUTER_CARBON_ALERTS", "50,101", "eco.carbon_alerts: allowed is a number above 0 and up"],
  ["STRIPE_API_BASE", "stripe", "stripe.api_base: allowed is an address such as https://"],
];

describe("a value that the file may not have", () => {
  test.each(wrong)("is refused as %s=%p, with what is allowed", (variable, value, said) => {
    const refused = () => read({ [variable]: value });
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(`Cannot use ${variable}="${value}" for ${said}`);
  });

  test("is refused as a credential file too", () => {
    const credentials = join(folder.path, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "LOWROUTER_CURRENCY"), "euro\n");
    expect(() => read({ CREDENTIALS_DIRECTORY: credentials })).toThrow(
      'Cannot use LOWROUTER_CURRENCY="euro" for billing.currency: allowed is a three-letter',
    );
  });

  test("is refused in the file in the same words", () => {
    const file = join(folder.path, "wrong.toml");
    writeFileSync(file, '[billing]\ncurrency = "euro"\n[routing]\nmax_attempts = 2.5\n');
    expect(() => read({}, file)).toThrow(
      'billing.currency: found "euro", allowed is a three-letter currency code such as USD; routing.max_attempts: found 2.5, allowed is a whole number from 1 to 10',
    );
  });

  test("does not matter where another goes before it", () => {
    const config = loadConfig({ config: empty, workers: "2" }, { LOWROUTER_WORKERS: "many" });
    expect(config.workers).toBe(2);
  });
});

test.each([
  ["wh_per_1k_tokens = 1e6", "models.0.wh_per_1k_tokens: found 1000000, allowed is a number above"],
  [
    "input_per_million = 1e300",
    "models.0.input_per_million: found 1e+300, allowed is a number from",
  ],
  ["context_window = 1e300", "models.0.context_window: found 1e+300, allowed is a whole number fr"],
])("an absurd %s of a model is refused, with what is allowed", (line, said) => {
  const file = join(folder.path, "absurd.toml");
  writeFileSync(file, `[[models]]\nid = "own/m"\nprovider = "own"\n${line}\n`);
  expect(() => read({}, file)).toThrow(said);
});

test("the bounds themselves are allowed", () => {
  const { billing, limits, routing, log } = read({
    LOWROUTER_USD_RATE: "0.01",
    LOWROUTER_MAX_BODY_MB: "128",
    LOWROUTER_TOPUP_FEE_PCT: "100",
    LOWROUTER_MAX_ATTEMPTS: "10",
    LOWROUTER_LOG_FORMAT: "auto",
  });
  expect(billing).toMatchObject({ usdRate: 0.01, topupFeePct: 100 });
  expect([limits.maxBodyBytes, routing.maxAttempts]).toEqual([128 * 1024 * 1024, 10]);
  expect(log.format).toBeUndefined();
});

test("where the file is, the environment says and no credential", () => {
  const credentials = join(folder.path, "places");
  mkdirSync(credentials);
  writeFileSync(join(credentials, "LOWROUTER_CONFIG"), join(folder.path, "nowhere.toml"));
  const env = { CREDENTIALS_DIRECTORY: credentials, CONFIGURATION_DIRECTORY: folder.path };
  expect(loadConfig({}, env).file).toBe(empty);
  expect(loadConfig({}, { ...env, LOWROUTER_CONFIG: empty }).file).toBe(empty);
  expect(() => loadConfig({}, { LOWROUTER_CONFIG: join(folder.path, "nowhere.toml") })).toThrow(
    "nowhere.toml",
  );
});
