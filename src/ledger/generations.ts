import { and, desc, eq, gte, lt, type SQL } from "drizzle-orm";
import * as v from "valibot";
import { generation } from "#db/schema.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { pageOf, ulidOf, type Page, type PageRequest } from "#src/ledger/transactions.ts";
import type { Store } from "#src/store/store.ts";

type Row = typeof generation.$inferSelect;

/** Which generations are wanted. Absent is all; times are of acceptance, start included and end excluded. */
export interface GenerationFilter {
  accountId?: string;
  keyId?: string;
  user?: string;
  model?: string;
  provider?: string;
  region?: string;
  status?: Generation["status"];
  from?: number;
  to?: number;
}

/** A generation by its own id or that of its completion; without an account, whoever's it is. */
export async function findGeneration(
  store: Store,
  accountId: string | undefined,
  id: string,
): Promise<Generation | undefined> {
  // One after the other: an OR of the two would walk the account's rows.
  for (const column of [generation.id, generation.completionId]) {
    const isTheirs = accountId === undefined ? undefined : eq(generation.accountId, accountId);
    const rows = await store.db
      .select()
      .from(generation)
      .where(and(eq(column, id), isTheirs))
      .limit(1);
    if (rows[0] !== undefined) return generationOf(rows[0]);
  }
  return undefined;
}

/** Generations, newest first. */
export async function listGenerations(
  store: Store,
  filter: GenerationFilter,
  { pageSize, pageToken }: PageRequest,
): Promise<Page<Generation>> {
  const before =
    pageToken === undefined ? undefined : lt(generation.id, `gen_${ulidOf(pageToken, "gen_")}`);
  const rows = await store.db
    .select()
    .from(generation)
    .where(and(...conditions(filter), before))
    .orderBy(desc(generation.id))
    .limit(pageSize + 1);
  return pageOf(rows.map(generationOf), pageSize);
}

function conditions(filter: GenerationFilter): (SQL | undefined)[] {
  const { accountId, keyId, user, model, provider, region, status, from, to } = filter;
  return [
    accountId === undefined ? undefined : eq(generation.accountId, accountId),
    keyId === undefined ? undefined : eq(generation.keyId, keyId),
    user === undefined ? undefined : eq(generation.user, user),
    model === undefined ? undefined : eq(generation.model, model),
    provider === undefined ? undefined : eq(generation.provider, provider),
    region === undefined ? undefined : eq(generation.region, region),
    status === undefined ? undefined : eq(generation.status, status),
    from === undefined ? undefined : gte(generation.createdAt, from),
    to === undefined ? undefined : lt(generation.createdAt, to),
  ];
}

const traceSchema = v.array(
  v.object({
    provider: v.string(),
    region: v.string(),
    model: v.string(),
    decision: v.picklist(["filtered", "selected", "failed", "considered"]),
    reason: v.string(),
    status: v.optional(v.number()),
    ms: v.optional(v.number()),
  }),
);

function generationOf(row: Row): Generation {
  return {
    id: row.id,
    completionId: row.completionId ?? undefined,
    accountId: row.accountId,
    keyId: row.keyId,
    keyName: row.keyName,
    user: row.user ?? undefined,
    app: row.app ?? undefined,
    dialect: row.dialect,
    requestedModel: row.requestedModel ?? undefined,
    model: row.model ?? undefined,
    provider: row.provider ?? undefined,
    region: row.region ?? undefined,
    streamed: row.streamed,
    status: row.status,
    errorCode: row.errorCode ?? undefined,
    settlement: row.settlement,
    createdAt: row.createdAt,
    completedAt: row.completedAt,
    latencyMs: row.latencyMs,
    tokens: tokensOf(row),
    rawUsage: row.rawUsage ?? undefined,
    cost: money(row.cost),
    costPrompt: money(row.costPrompt),
    costCompletion: money(row.costCompletion),
    upstreamCost: money(row.upstreamCost),
    usdRate: row.usdRate,
    isByok: row.isByok,
    energyWh: row.energyWh ?? undefined,
    carbonG: row.carbonG ?? undefined,
    carbonPer1kG: row.carbonPer1kG ?? undefined,
    accuracy: row.accuracy ?? undefined,
    methodology: row.methodology ?? undefined,
    gridGPerKwh: row.gridGPerKwh ?? undefined,
    gridZone: row.gridZone ?? undefined,
    trace: v.parse(traceSchema, JSON.parse(row.trace)),
  };
}

function tokensOf(row: Row): Generation["tokens"] {
  if (row.inputFresh === null) return undefined;
  return {
    inputFresh: row.inputFresh,
    cacheRead: row.cacheRead ?? 0,
    cacheWrite5m: row.cacheWrite5m ?? 0,
    cacheWrite1h: row.cacheWrite1h ?? 0,
    outputVisible: row.outputVisible ?? 0,
    reasoning: row.reasoning ?? 0,
  };
}

function money(value: number | null): NanoUnits | undefined {
  return value === null ? undefined : nano(value);
}
