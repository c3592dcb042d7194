import { sql } from "drizzle-orm";
import {
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  sqliteView,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { recordMembers } from "#db/record.ts";

/** Who pays. */
export const account = sqliteTable("account", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  plan: text("plan", { enum: ["prepaid", "metered"] }).notNull(),
  disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
  createdAt: integer("created_at").notNull(),
});

/** Keys by the SHA-256 of their secret. Lists and rules are JSON text. */
export const apiKey = sqliteTable(
  "api_key",
  {
    hash: text("hash").primaryKey(),
    accountId: text("account_id").notNull(),
    name: text("name").notNull(),
    label: text("label").notNull(),
    type: text("type", { enum: ["regular", "management"] }).notNull(),
    disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
    limit: integer("limit_nano"),
    limitReset: text("limit_reset", { enum: ["daily", "weekly", "monthly"] }),
    dailyLimit: integer("daily_limit_nano"),
    monthlyLimit: integer("monthly_limit_nano"),
    allowedProviders: text("allowed_providers").notNull().default("[]"),
    allowedModels: text("allowed_models").notNull().default("[]"),
    region: text("region"),
    policy: text("policy"),
    preferLowCarbon: integer("prefer_low_carbon", { mode: "boolean" }).notNull().default(false),
    rateLimit: text("rate_limit").notNull().default("{}"),
    carbonBudgetG: real("carbon_budget_g"),
    carbonBudgetReset: text("carbon_budget_reset", { enum: ["daily", "monthly"] }),
    carbonBudgetAction: text("carbon_budget_action").notNull().default('"refuse"'),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at"),
    lastUsedAt: integer("last_used_at"),
    expiresAt: integer("expires_at"),
  },
  (table) => [index("api_key_account").on(table.accountId, table.createdAt)],
);

/** What may still be spent: `leased` is the sum of the leases on it, `granted` is for credit only. */
export const allowance = sqliteTable(
  "allowance",
  {
    kind: text("kind").notNull(),
    owner: text("owner").notNull(),
    windowStart: integer("window_start").notNull(),
    granted: integer("granted"),
    used: integer("used").notNull().default(0),
    leased: integer("leased").notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.kind, table.owner, table.windowStart] })],
);

/** A part of an allowance that one process may spend without asking. */
export const lease = sqliteTable(
  "lease",
  {
    process: text("process").notNull(),
    kind: text("kind").notNull(),
    owner: text("owner").notNull(),
    windowStart: integer("window_start").notNull(),
    amount: integer("amount").notNull(),
  },
  (table) => [primaryKey({ columns: [table.process, table.kind, table.owner, table.windowStart] })],
);

/** A running gateway: until when its leases hold, and the end of its hash chain. */
export const process = sqliteTable("process", {
  id: text("id").primaryKey(),
  pid: integer("pid").notNull().default(0),
  host: text("host").notNull().default(""),
  startedAt: integer("started_at").notNull(),
  expiresAt: integer("expires_at").notNull().default(0),
  sequence: integer("sequence").notNull().default(0),
  head: text("head").notNull().default(""),
});

/**
 * One request each, append-only. `record` is a JSON array, hashed as it stands: written as one text, because binding and
 * storing forty columns cost more than everything else in a commit. To be read by name in `generation`.
 */
export const generationRecord = sqliteTable(
  "generation_record",
  {
    /** In the order of the commits. */
    position: integer("position").primaryKey(),
    id: text("id").notNull(),
    accountId: text("account_id").notNull(),
    record: text("record").notNull(),
    chain: text("chain").notNull(),
    sequence: integer("sequence").notNull(),
    previous: text("previous").notNull(),
    hash: text("hash").notNull(),
  },
  (table) => [
    uniqueIndex("generation_id").on(table.id),
    index("generation_account").on(table.accountId, table.id),
  ],
);

/** What stands in a record by itself; id and account are columns of the table. */
const named = recordMembers.flatMap((name, at) =>
  name === "id" || name === "account_id" ? [] : [`record ->> ${at} AS ${name}`],
);

/** The records with their members by name. Not generated columns: SQLite computes those on every insert. */
export const generation = sqliteView("generation", {
  position: integer("position").notNull(),
  id: text("id").notNull(),
  accountId: text("account_id").notNull(),
  record: text("record").notNull(),
  completionId: text("completion_id"),
  upstreamId: text("upstream_id"),
  keyId: text("key_id"),
  keyName: text("key_name"),
  user: text("user"),
  app: text("app"),
  dialect: text("dialect"),
  requestedModel: text("requested_model"),
  model: text("model"),
  provider: text("provider"),
  region: text("region"),
  streamed: integer("streamed"),
  status: text("status"),
  errorCode: text("error_code"),
  settlement: text("settlement"),
  createdAt: integer("created_at"),
  completedAt: integer("completed_at"),
  latencyMs: real("latency_ms"),
  inputFresh: integer("input_fresh"),
  cacheRead: integer("cache_read"),
  cacheWrite5m: integer("cache_write_5m"),
  cacheWrite1h: integer("cache_write_1h"),
  outputVisible: integer("output_visible"),
  reasoning: integer("reasoning"),
  cost: integer("cost"),
  costPrompt: integer("cost_prompt"),
  costCompletion: integer("cost_completion"),
  upstreamCost: integer("upstream_cost"),
  usdRate: real("usd_rate"),
  isByok: integer("is_byok"),
  energyWh: real("energy_wh"),
  carbonG: real("carbon_g"),
  carbonPer1kG: real("carbon_per_1k_g"),
  accuracy: text("accuracy"),
  methodology: text("methodology"),
  gridGPerKwh: real("grid_g_per_kwh"),
  gridZone: text("grid_zone"),
  rawUsage: text("raw_usage"),
  trace: text("trace"),
}).as(
  sql`SELECT position, id, account_id, record, chain, sequence, previous, hash, ${sql.raw(named.join(", "))}
FROM generation_record`,
);

/** Money that did not move by a request: credits, refunds, adjustments. */
export const ledgerEntry = sqliteTable(
  "ledger_entry",
  {
    id: text("id").primaryKey(),
    accountId: text("account_id").notNull(),
    type: text("type", { enum: ["credit", "refund", "adjustment"] }).notNull(),
    amount: integer("amount").notNull(),
    description: text("description").notNull(),
    createdAt: integer("created_at").notNull(),
    by: text("by").notNull(),
  },
  (table) => [index("ledger_entry_account").on(table.accountId, table.id)],
);

/** A generation as a transaction, without its generation id and source: the one place that says so. */
export const usageColumns = `'txn_' || substr(id, 5), account_id, 'usage', -cost,
  coalesce(model, requested_model, 'unknown model')
    || coalesce(' - ' || (input_fresh + cache_read + cache_write_5m + cache_write_1h) || ' input tokens, '
    || (output_visible + reasoning) || ' output tokens', ''),
  created_at`;

/** Everything that moved an account's balance. Usage is derived, so that a request writes one row. */
export const accountTransaction = sqliteView("account_transaction", {
  id: text("id").notNull(),
  accountId: text("account_id").notNull(),
  type: text("type", { enum: ["credit", "refund", "adjustment", "usage"] }).notNull(),
  amount: integer("amount").notNull(),
  description: text("description").notNull(),
  createdAt: integer("created_at").notNull(),
  generationId: text("generation_id"),
}).as(sql`
SELECT id, account_id, type, amount, description, created_at, NULL AS generation_id FROM ledger_entry
UNION ALL
SELECT ${sql.raw(usageColumns)}, id FROM generation WHERE cost <> 0`);

/** Totals by day and dimension, written with the rows they sum. An absent dimension is the empty text. */
export const rollup = sqliteTable(
  "rollup",
  {
    day: text("day").notNull(),
    account: text("account").notNull(),
    key: text("key").notNull(),
    user: text("user").notNull(),
    model: text("model").notNull(),
    provider: text("provider").notNull(),
    region: text("region").notNull(),
    methodology: text("methodology").notNull(),
    requests: integer("requests").notNull(),
    inputFresh: integer("input_fresh").notNull(),
    cacheRead: integer("cache_read").notNull(),
    cacheWrite5m: integer("cache_write_5m").notNull(),
    cacheWrite1h: integer("cache_write_1h").notNull(),
    outputVisible: integer("output_visible").notNull(),
    reasoning: integer("reasoning").notNull(),
    cost: integer("cost").notNull(),
    upstreamCost: integer("upstream_cost").notNull(),
    byokCost: integer("byok_cost").notNull(),
    energyWh: real("energy_wh").notNull(),
    carbonG: real("carbon_g").notNull(),
    withoutEco: integer("without_eco").notNull(),
    errors: integer("errors").notNull(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.account,
        table.day,
        table.key,
        table.user,
        table.model,
        table.provider,
        table.region,
        table.methodology,
      ],
    }),
    index("rollup_key").on(table.key, table.day),
  ],
);

/** Small facts that several processes share. */
export const setting = sqliteTable("setting", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
});
