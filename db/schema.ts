/** Every table of the one database, and so a long file: the migrations are made from it. */
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
    hedge: integer("hedge", { mode: "boolean" }).notNull().default(false),
    /** The person who made it in the dashboard; members see only their own. */
    createdBy: text("created_by"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at"),
    lastUsedAt: integer("last_used_at"),
    expiresAt: integer("expires_at"),
  },
  (table) => [index("api_key_account").on(table.accountId, table.createdAt)],
);

/** Keys that were deleted: whose they were stays known as long as requests tell of them. No secret, and none that works. */
export const deletedKey = sqliteTable(
  "deleted_key",
  {
    hash: text("hash").primaryKey(),
    accountId: text("account_id").notNull(),
    name: text("name").notNull(),
    createdBy: text("created_by"),
    deletedAt: integer("deleted_at").notNull(),
  },
  (table) => [
    index("deleted_key_account").on(table.accountId, table.deletedAt),
    index("deleted_key_maker").on(table.createdBy),
  ],
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
  /** Statements about its leases say which one they were sent in: those of an earlier one do nothing any more. */
  epoch: integer("epoch").notNull().default(0),
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
  measuredWhPer1k: real("measured_wh_per_1k"),
  measuredPue: real("measured_pue"),
  energyWhLow: real("energy_wh_low"),
  energyWhHigh: real("energy_wh_high"),
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

/**
 * Rows that were removed from the beginning of a chain because they were old enough, and what they added up to: what the check of the
 * chain begins from. Append-only; see src/ledger/removal.ts.
 */
export const removal = sqliteTable(
  "removal",
  {
    /** In the order of the commits. */
    position: integer("position").primaryKey(),
    chain: text("chain").notNull(),
    /** Places in the chain of the first and the last row, and the hash of the last. */
    first: integer("first").notNull(),
    last: integer("last").notNull(),
    hash: text("hash").notNull(),
    /** When the newest of them came in. */
    until: integer("until").notNull(),
    /** JSON text, and the signature over it. */
    record: text("record").notNull(),
    signature: text("signature").notNull(),
  },
  (table) => [uniqueIndex("removal_chain").on(table.chain, table.first)],
);

/** What the removed rows of an account come to: one transaction in the place of many. */
export const removedUsage = sqliteTable("removed_usage", {
  accountId: text("account_id").primaryKey(),
  cost: integer("cost").notNull(),
  requests: integer("requests").notNull(),
  /** Newest of their ids, and when the newest came in. */
  lastId: text("last_id").notNull(),
  lastAt: integer("last_at").notNull(),
});

/** The removed usage of an account as a transaction, without a generation: the one place that says so. */
export const removedColumns = `'txn_' || substr(last_id, 5), account_id, 'usage', -cost,
  'Usage until ' || date(last_at / 1000, 'unixepoch') || ', brought forward: ' || requests || ' requests', last_at`;

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
SELECT ${sql.raw(usageColumns)}, id FROM generation WHERE cost <> 0
UNION ALL
SELECT ${sql.raw(removedColumns)}, NULL FROM removed_usage WHERE cost <> 0`);

/**
 * Totals by day and dimension, written with the rows they sum. An absent dimension is the empty text. Energy and carbon are
 * whole picowatt-hours and picograms, each row rounded once: integers add up to the same in any order.
 */
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
    withoutEco: integer("without_eco").notNull(),
    errors: integer("errors").notNull(),
    energyPwh: integer("energy_pwh").notNull().default(0),
    carbonPg: integer("carbon_pg").notNull().default(0),
    /** Sums of the ends of each estimate's interval. */
    energyLowPwh: integer("energy_low_pwh").notNull().default(0),
    energyHighPwh: integer("energy_high_pwh").notNull().default(0),
    carbonLowPg: integer("carbon_low_pg").notNull().default(0),
    carbonHighPg: integer("carbon_high_pg").notNull().default(0),
    /** Requests with an estimate whose interval was not kept. */
    withoutBounds: integer("without_bounds").notNull().default(0),
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
    // What a key spent is read from the index alone.
    index("rollup_key").on(table.key, table.day, table.cost, table.byokCost),
  ],
);

/** Small facts that several processes share. */
export const setting = sqliteTable("setting", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
});

/** What each running gateway found of the models at providers, for the others and for the command line. */
export const providerHealth = sqliteTable(
  "provider_health",
  {
    process: text("process").notNull(),
    provider: text("provider").notNull(),
    region: text("region").notNull(),
    model: text("model").notNull(),
    state: text("state", { enum: ["ok", "degraded", "unavailable"] }).notNull(),
    reason: text("reason"),
    since: integer("since"),
    /** Unix milliseconds until which its circuit is open, and until which it cools; 0 when it is not. */
    openUntil: integer("open_until").notNull().default(0),
    coolUntil: integer("cool_until").notNull().default(0),
    latencyP50Ms: real("latency_p50_ms"),
    latencyP95Ms: real("latency_p95_ms"),
    throughputP50: real("throughput_p50"),
    /** Requests at the provider, over all its models. */
    inFlight: integer("in_flight").notNull().default(0),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.process, table.provider, table.region, table.model] })],
);

/** Credentials of providers, sealed: see src/account/vault.ts. Without an account they are the operator's. Lists are JSON text. */
export const providerKey = sqliteTable(
  "provider_key",
  {
    id: text("id").primaryKey(),
    accountId: text("account_id"),
    provider: text("provider").notNull(),
    label: text("label").notNull(),
    kind: text("kind", { enum: ["key", "aws", "google"] }).notNull(),
    envelope: text("envelope").notNull(),
    /** All of the secret that is shown. */
    shown: text("shown").notNull(),
    weight: integer("weight").notNull().default(1),
    rpmLimit: integer("rpm_limit"),
    baseUrl: text("base_url"),
    region: text("region"),
    /** Name of the one deployment it is for, at Azure. */
    deployment: text("deployment"),
    supportedModels: text("supported_models").notNull().default("[]"),
    alwaysUse: integer("always_use", { mode: "boolean" }).notNull().default(false),
    isFallback: integer("is_fallback", { mode: "boolean" }).notNull().default(false),
    disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
    allowedModels: text("allowed_models").notNull().default("[]"),
    allowedApiKeyHashes: text("allowed_api_key_hashes").notNull().default("[]"),
    dailyBudget: integer("daily_budget_nano"),
    monthlyBudget: integer("monthly_budget_nano"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at"),
    lastUsedAt: integer("last_used_at"),
  },
  (table) => [index("provider_key_account").on(table.accountId, table.id)],
);

/** A human being who signs in. Columns in the names of the sign-in library, times as it keeps them: Unix milliseconds. */
export const person = sqliteTable("person", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  email: text("email").notNull().unique(),
  emailVerified: integer("email_verified", { mode: "boolean" }).notNull().default(false),
  image: text("image"),
  createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  twoFactorEnabled: integer("two_factor_enabled", { mode: "boolean" }).notNull().default(false),
  /** Administers the gateway, whatever the role in an account. */
  operator: integer("operator", { mode: "boolean" }).notNull().default(false),
  disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
  /** The personal account. */
  accountId: text("account_id").notNull(),
  /** The account that was last switched to: where the next sign-in begins. */
  chosenAccountId: text("chosen_account_id"),
});

/** A browser that is signed in. */
export const personSession = sqliteTable(
  "person_session",
  {
    id: text("id").primaryKey(),
    token: text("token").notNull().unique(),
    userId: text("person_id").notNull(),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
    ipAddress: text("address"),
    userAgent: text("user_agent"),
    /** The account that its pages are about; the personal one where there is none. */
    accountId: text("account_id"),
  },
  (table) => [index("person_session_person").on(table.userId)],
);

/** A way to sign in: a password's hash, or an identity at an OpenID provider. */
export const personLogin = sqliteTable(
  "person_login",
  {
    id: text("id").primaryKey(),
    userId: text("person_id").notNull(),
    providerId: text("provider").notNull(),
    accountId: text("subject").notNull(),
    password: text("password"),
    accessToken: text("access_token"),
    refreshToken: text("refresh_token"),
    idToken: text("id_token"),
    accessTokenExpiresAt: integer("access_token_expires_at", { mode: "timestamp_ms" }),
    refreshTokenExpiresAt: integer("refresh_token_expires_at", { mode: "timestamp_ms" }),
    scope: text("scope"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (table) => [
    index("person_login_person").on(table.userId),
    uniqueIndex("person_login_subject").on(table.providerId, table.accountId),
  ],
);

/** Challenges that are answered within minutes: second steps, passkeys, OpenID states. */
export const personVerification = sqliteTable(
  "person_verification",
  {
    id: text("id").primaryKey(),
    identifier: text("identifier").notNull(),
    value: text("value").notNull(),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (table) => [index("person_verification_identifier").on(table.identifier)],
);

/** Secret of an authenticator app, encrypted, with its recovery codes. */
export const personTwoFactor = sqliteTable(
  "person_two_factor",
  {
    id: text("id").primaryKey(),
    userId: text("person_id").notNull(),
    secret: text("secret").notNull(),
    backupCodes: text("backup_codes").notNull(),
    verified: integer("verified", { mode: "boolean" }).default(true),
    failedVerificationCount: integer("failed_verification_count").default(0),
    lockedUntil: integer("locked_until", { mode: "timestamp_ms" }),
  },
  (table) => [index("person_two_factor_person").on(table.userId)],
);

/** Public keys of passkeys. */
export const personPasskey = sqliteTable(
  "person_passkey",
  {
    id: text("id").primaryKey(),
    userId: text("person_id").notNull(),
    name: text("name"),
    publicKey: text("public_key").notNull(),
    credentialID: text("credential_id").notNull().unique(),
    counter: integer("counter").notNull(),
    deviceType: text("device_type").notNull(),
    backedUp: integer("backed_up", { mode: "boolean" }).notNull(),
    transports: text("transports"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }),
    aaguid: text("aaguid"),
  },
  (table) => [index("person_passkey_person").on(table.userId)],
);

/** Who may act for an account; of the personal one its person is the owner. */
export const membership = sqliteTable(
  "membership",
  {
    accountId: text("account_id").notNull(),
    personId: text("person_id").notNull(),
    role: text("role", { enum: ["owner", "admin", "member"] }).notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.accountId, table.personId] }),
    index("membership_person").on(table.personId),
  ],
);

/** A link that works once, by the SHA-256 of its token: to join, to set the gateway up, or to choose a new password. */
export const oneUseLink = sqliteTable("one_use_link", {
  id: text("id").primaryKey(),
  hash: text("hash").notNull().unique(),
  purpose: text("purpose", { enum: ["invitation", "setup", "reset"] }).notNull(),
  /** The only address that may join; any where it is absent. */
  email: text("email"),
  /** The account to join, with the role there. */
  accountId: text("account_id"),
  role: text("role", { enum: ["owner", "admin", "member"] }),
  operator: integer("operator", { mode: "boolean" }).notNull().default(false),
  /** Credit for the new personal account. */
  credit: integer("credit_nano").notNull().default(0),
  /** Whose password it is. */
  personId: text("person_id"),
  createdAt: integer("created_at").notNull(),
  /** The person who made it, or `cli`. */
  createdBy: text("created_by").notNull(),
  expiresAt: integer("expires_at").notNull(),
  usedAt: integer("used_at"),
  usedBy: text("used_by"),
  revokedAt: integer("revoked_at"),
});

/** Who did what, from where, when. Append-only: triggers refuse every change. */
export const auditEvent = sqliteTable(
  "audit_event",
  {
    id: text("id").primaryKey(),
    at: integer("at").notNull(),
    /** The person's id, `cli`, a key's hash, or nobody who is known. */
    actor: text("actor"),
    action: text("action").notNull(),
    /** What it was done to. */
    target: text("target"),
    accountId: text("account_id"),
    address: text("address"),
    /** JSON object; never a secret. */
    detail: text("detail").notNull().default("{}"),
  },
  (table) => [index("audit_event_account").on(table.accountId, table.id)],
);

/** Where an account wants to be told what happens; without an account, the operator. The secret is sealed: see src/account/vault.ts. */
export const webhook = sqliteTable(
  "webhook",
  {
    /** `whk_…` */
    id: text("id").primaryKey(),
    accountId: text("account_id"),
    name: text("name").notNull(),
    url: text("url").notNull(),
    envelope: text("envelope").notNull(),
    /** JSON lists; empty: all. */
    eventTypes: text("event_types").notNull().default("[]"),
    apiKeyHashes: text("api_key_hashes").notNull().default("[]"),
    disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
    /** Tries in a row that failed, whatever they were to deliver. */
    failures: integer("failures").notNull().default(0),
    /** Nothing is sent there before; who sends moves this on first, so that nobody else does. */
    nextAt: integer("next_at").notNull().default(0),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at"),
  },
  (table) => [index("webhook_account").on(table.accountId, table.id)],
);

/** An event on its way to one destination. Metadata only, never a prompt or an answer. */
export const webhookDelivery = sqliteTable(
  "webhook_delivery",
  {
    /** `dlv_…`, in the order of time. */
    id: text("id").primaryKey(),
    webhookId: text("webhook_id").notNull(),
    /** The event's own id: the same for every destination and every try. */
    eventId: text("event_id").notNull(),
    type: text("type").notNull(),
    payload: text("payload").notNull(),
    state: text("state", { enum: ["waiting", "delivered", "failed"] }).notNull(),
    attempts: integer("attempts").notNull().default(0),
    /** When it is tried next; who tries it moves this on first, so that nobody else does. */
    nextAt: integer("next_at").notNull(),
    /** JSON list of the last tries: time, status or reason, milliseconds. */
    tries: text("tries").notNull().default("[]"),
    createdAt: integer("created_at").notNull(),
    deliveredAt: integer("delivered_at"),
  },
  (table) => [
    index("webhook_delivery_due").on(table.webhookId, table.state, table.nextAt),
    index("webhook_delivery_webhook").on(table.webhookId, table.id),
  ],
);

/**
 * Events of the payment provider that were taken in: each once, however often it is sent. What they say of a payment is kept,
 * so that it counts too where it comes before the payment itself.
 */
export const paymentEvent = sqliteTable(
  "payment_event",
  {
    id: text("id").primaryKey(),
    type: text("type").notNull(),
    at: integer("at").notNull(),
    /** The payment and, within it, the dispute that it is about, by the provider's ids. */
    paymentId: text("payment_id"),
    disputeId: text("dispute_id"),
    /** Of a refund all that was refunded so far; of a dispute what is held back for it, 0 once it came back. */
    minor: integer("amount_minor"),
    currency: text("currency"),
    /** The one refund that failed, by the provider's id; `minor` is its amount then. */
    refundId: text("refund_id"),
    /** When it happened, by the provider's clock, Unix seconds; absent where it was not told. */
    toldAt: integer("told_at"),
  },
  (table) => [index("payment_event_payment").on(table.paymentId)],
);

/** A purchase of credit, from the moment that somebody is sent to pay. */
export const purchase = sqliteTable(
  "purchase",
  {
    /** `pur_…` */
    id: text("id").primaryKey(),
    accountId: text("account_id").notNull(),
    personId: text("person_id"),
    /** The credit that is bought. */
    amount: integer("amount_nano").notNull(),
    /** What is paid for it, in the smallest unit of the currency, and that currency: the credit and the fee. */
    price: integer("price_minor").notNull(),
    currency: text("currency").notNull(),
    /** Ids at the payment provider. */
    sessionId: text("session_id").unique(),
    paymentId: text("payment_id"),
    state: text("state", {
      enum: ["open", "paid", "refunded", "disputed", "failed", "expired", "held"],
    }).notNull(),
    /** Of the credit, what was taken back with what went back to the payer. */
    returned: integer("returned_nano").notNull().default(0),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at"),
  },
  (table) => [
    index("purchase_account").on(table.accountId, table.id),
    index("purchase_payment").on(table.paymentId),
  ],
);

/** Mail that is to be sent. It never holds more than a one-use link, and is emptied once it is sent. */
export const mail = sqliteTable(
  "mail",
  {
    /** `mal_…` */
    id: text("id").primaryKey(),
    to: text("to_address").notNull(),
    subject: text("subject").notNull(),
    text: text("text").notNull(),
    state: text("state", { enum: ["waiting", "sent", "failed"] }).notNull(),
    attempts: integer("attempts").notNull().default(0),
    nextAt: integer("next_at").notNull(),
    reason: text("reason"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("mail_due").on(table.state, table.nextAt)],
);

/** What somebody was told already, so that it is said once: low credit until it is filled up, a limit once in its window. */
export const notice = sqliteTable(
  "notice",
  {
    kind: text("kind").notNull(),
    owner: text("owner").notNull(),
    windowStart: integer("window_start").notNull(),
    at: integer("at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.owner, table.windowStart] })],
);
