import type { Generation } from "#src/ledger/generation.ts";
import type { Value } from "#src/store/store.ts";

/** Columns of a generation row that the hash covers, in the order of `valuesOf`. */
export const generationColumns = [
  "id",
  "completion_id",
  "account_id",
  "key_id",
  "key_name",
  "user",
  "app",
  "dialect",
  "requested_model",
  "model",
  "provider",
  "region",
  "streamed",
  "status",
  "error_code",
  "settlement",
  "created_at",
  "completed_at",
  "latency_ms",
  "input_fresh",
  "cache_read",
  "cache_write_5m",
  "cache_write_1h",
  "output_visible",
  "reasoning",
  "raw_usage",
  "cost",
  "cost_prompt",
  "cost_completion",
  "upstream_cost",
  "usd_rate",
  "is_byok",
  "energy_wh",
  "carbon_g",
  "carbon_per_1k_g",
  "accuracy",
  "methodology",
  "grid_g_per_kwh",
  "grid_zone",
  "trace",
] as const;

/** What a generation is in the database. */
export function valuesOf(row: Generation): Value[] {
  const { tokens } = row;
  return [
    row.id,
    text(row.completionId),
    row.accountId,
    row.keyId,
    clean(row.keyName),
    text(row.user),
    text(row.app),
    row.dialect,
    text(row.requestedModel),
    text(row.model),
    text(row.provider),
    text(row.region),
    row.streamed ? 1 : 0,
    row.status,
    text(row.errorCode),
    row.settlement,
    row.createdAt,
    row.completedAt,
    number(row.latencyMs),
    number(tokens?.inputFresh),
    number(tokens?.cacheRead),
    number(tokens?.cacheWrite5m),
    number(tokens?.cacheWrite1h),
    number(tokens?.outputVisible),
    number(tokens?.reasoning),
    text(row.rawUsage),
    number(row.cost),
    number(row.costPrompt),
    number(row.costCompletion),
    number(row.upstreamCost),
    number(row.usdRate),
    row.isByok ? 1 : 0,
    number(row.energyWh),
    number(row.carbonG),
    number(row.carbonPer1kG),
    text(row.accuracy),
    text(row.methodology),
    number(row.gridGPerKwh),
    text(row.gridZone),
    clean(JSON.stringify(row.trace)),
  ];
}

function text(value: string | undefined): Value {
  return value === undefined ? null : clean(value);
}

/** Text that comes back as it went in: SQLite keeps neither lone surrogates nor what follows a NUL. */
function clean(value: string): string {
  const whole = value.isWellFormed() ? value : value.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
}

/** Finite numbers; SQLite has no NaN, and -0 comes back as 0. */
function number(value: number | undefined): Value {
  return value === undefined || !Number.isFinite(value) ? null : value + 0;
}
