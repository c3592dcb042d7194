import * as v from "valibot";
import { recordMembers } from "#db/record.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import type { Value } from "#src/store/store.ts";

/** A generation as the database keeps it: a JSON array in the order of `recordMembers`. */
export function recordOf(row: Generation): string {
  const record = JSON.stringify(valuesOf(row));
  // Text must come back as it went in, and SQLite keeps neither lone surrogates nor what follows a NUL: both are
  // escapes here, as are characters that do no harm.
  return record.includes("\\u") ? JSON.stringify(valuesOf(row).map(clean)) : record;
}

function valuesOf(row: Generation): Value[] {
  const { tokens } = row;
  return [
    row.id,
    text(row.completionId),
    row.accountId,
    row.keyId,
    row.keyName,
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
    JSON.stringify(row.trace),
    text(row.upstreamId),
    number(row.measured?.whPer1kTokens),
    number(row.measured?.pue),
    number(row.energyBounds?.low),
    number(row.energyBounds?.high),
  ];
}

function text(value: string | undefined): Value {
  return value ?? null;
}

function clean(value: Value): Value {
  if (typeof value !== "string") return value;
  const whole = value.isWellFormed() ? value : value.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
}

/** A number, or nothing; JSON writes NaN as null and -0 as 0. */
function number(value: number | undefined): Value {
  return value ?? null;
}

const traceSchema = v.array(
  v.object({
    provider: v.string(),
    region: v.string(),
    model: v.string(),
    decision: v.picklist(["filtered", "selected", "failed", "considered"]),
    reason: v.string(),
    and_more: v.optional(v.number()),
    basis: v.optional(v.picklist(["published", "assumed", "operator-config"])),
    credential: v.optional(v.string()),
    is_byok: v.optional(v.literal(true)),
    status: v.optional(v.number()),
    ms: v.optional(v.number()),
    may_cost: v.optional(v.number()),
    estimated: v.optional(v.literal(true)),
    grid: v.optional(
      v.object({
        basis: v.picklist(["lifecycle", "direct", "mixed"]),
        scope: v.picklist(["production", "consumption", "generation", "unstated", "mixed"]),
      }),
    ),
    live_grid: v.optional(
      v.object({
        source: v.string(),
        zone: v.string(),
        state: v.picklist(["live", "stale", "failed"]),
        g_per_kwh: v.optional(v.number()),
        at: v.optional(v.string()),
        basis: v.optional(v.picklist(["lifecycle", "direct"])),
        scope: v.optional(v.picklist(["production", "consumption"])),
        estimated: v.optional(v.literal(true)),
      }),
    ),
  }),
);
const valuesSchema = v.array(v.nullable(v.union([v.string(), v.number()])));
const statusSchema = v.picklist(["ok", "client_error", "upstream_error", "client_cancelled"]);
const settlementSchema = v.picklist(["final", "estimated", "waived", "unknown"]);
const accuracySchema = v.optional(v.picklist(["accurate", "medium", "gross"]));

type Member = (typeof recordMembers)[number];

/** What a record says. Throws where it is not one. */
export function generationOf(record: string): Generation {
  const values = v.parse(valuesSchema, JSON.parse(record));
  const told = (name: Member): string | undefined => {
    const value = values[recordMembers.indexOf(name)];
    return typeof value === "string" ? value : undefined;
  };
  const counted = (name: Member): number | undefined => {
    const value = values[recordMembers.indexOf(name)];
    return typeof value === "number" ? value : undefined;
  };
  const money = (name: Member): NanoUnits | undefined => {
    const value = counted(name);
    return value === undefined ? undefined : nano(value);
  };
  return {
    id: v.parse(v.string(), told("id")),
    completionId: told("completion_id"),
    upstreamId: told("upstream_id"),
    accountId: v.parse(v.string(), told("account_id")),
    keyId: told("key_id") ?? "",
    keyName: told("key_name") ?? "",
    user: told("user"),
    app: told("app"),
    dialect: told("dialect") ?? "",
    requestedModel: told("requested_model"),
    model: told("model"),
    provider: told("provider"),
    region: told("region"),
    streamed: counted("streamed") === 1,
    status: v.parse(statusSchema, told("status")),
    errorCode: told("error_code"),
    settlement: v.parse(settlementSchema, told("settlement")),
    createdAt: v.parse(v.number(), counted("created_at")),
    completedAt: v.parse(v.number(), counted("completed_at")),
    latencyMs: counted("latency_ms") ?? 0,
    tokens:
      counted("input_fresh") === undefined
        ? undefined
        : {
            inputFresh: counted("input_fresh") ?? 0,
            cacheRead: counted("cache_read") ?? 0,
            cacheWrite5m: counted("cache_write_5m") ?? 0,
            cacheWrite1h: counted("cache_write_1h") ?? 0,
            outputVisible: counted("output_visible") ?? 0,
            reasoning: counted("reasoning") ?? 0,
          },
    rawUsage: told("raw_usage"),
    cost: money("cost"),
    costPrompt: money("cost_prompt"),
    costCompletion: money("cost_completion"),
    upstreamCost: money("upstream_cost"),
    usdRate: counted("usd_rate") ?? 1,
    isByok: counted("is_byok") === 1,
    energyWh: counted("energy_wh"),
    carbonG: counted("carbon_g"),
    carbonPer1kG: counted("carbon_per_1k_g"),
    energyBounds: boundsOf(counted("energy_wh_low"), counted("energy_wh_high")),
    accuracy: v.parse(accuracySchema, told("accuracy")),
    methodology: told("methodology"),
    gridGPerKwh: counted("grid_g_per_kwh"),
    gridZone: told("grid_zone"),
    measured: measuredOf(counted("measured_wh_per_1k"), counted("measured_pue")),
    trace: v.parse(traceSchema, JSON.parse(told("trace") ?? "[]")),
  };
}

function boundsOf(low: number | undefined, high: number | undefined): Generation["energyBounds"] {
  return low === undefined || high === undefined ? undefined : { low, high };
}

function measuredOf(
  whPer1kTokens: number | undefined,
  pue: number | undefined,
): Generation["measured"] {
  return whPer1kTokens === undefined ? undefined : { whPer1kTokens, pue: pue ?? 1 };
}
