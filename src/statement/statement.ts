import * as v from "valibot";

const text = v.string();
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const whole = v.pipe(v.string(), v.regex(/^(0|[1-9]\d*)$/));
const decimal = v.pipe(v.string(), v.regex(/^\d+\.\d{12}$/));
const known = v.nullable(text);

const amountMembers = {
  requests: count,
  requests_with_estimate: count,
  requests_without_token_counts: count,
  requests_without_interval: count,
  tokens: v.strictObject({
    input_fresh: count,
    cache_read: count,
    cache_write_5m: count,
    cache_write_1h: count,
    output_visible: count,
    reasoning: count,
    total: count,
  }),
  /** Null: requests were made, and none has an estimate. */
  energy: v.nullable(
    v.strictObject({
      pwh: whole,
      low_pwh: whole,
      high_pwh: whole,
      wh: decimal,
      low_wh: decimal,
      high_wh: decimal,
    }),
  ),
  carbon: v.nullable(
    v.strictObject({
      pg: whole,
      low_pg: whole,
      high_pg: whole,
      g: decimal,
      low_g: decimal,
      high_g: decimal,
    }),
  ),
};
const amount = v.strictObject(amountMembers);

/** Why a request has no estimate. */
export const reasons = [
  "not_answered",
  "tokens_unknown",
  "tokens_estimated",
  "no_tokens",
  "embedding",
  "size_unknown",
  "grid_unknown",
  "not_recorded",
] as const;
export type Reason = (typeof reasons)[number];

/** The finest part: requests that are alike in everything that a statement tells apart. */
const line = v.strictObject({
  /** Of a statement of the whole gateway. */
  account: v.optional(text),
  /** Null: no estimate. */
  methodology_version: known,
  model: known,
  provider: known,
  region: known,
  accuracy: known,
  /** How it is known where the provider computes. */
  location: known,
  grid_zone: known,
  grid_g_per_kwh: v.nullable(v.number()),
  measured_wh_per_1k_tokens: v.nullable(v.number()),
  measured_pue: v.nullable(v.number()),
  without_estimate: v.nullable(v.picklist(reasons)),
  ...amountMembers,
});

/** One place of a breakdown. Energy and carbon are of those of its requests that have an estimate. */
const part = v.strictObject({
  /** Of an account: its id. */
  name: known,
  account_name: v.optional(text),
  without_estimate: v.strictObject({ requests: count, tokens: count }),
  ...amountMembers,
});
const parts = v.array(part);
const breakdown = v.strictObject({
  /** In a statement of the whole gateway. */
  account: v.optional(parts),
  model: parts,
  provider: parts,
  region: parts,
  accuracy: parts,
});

const gridRow = v.strictObject({
  zone: text,
  name: text,
  weight: v.number(),
  g_per_kwh: v.number(),
  year: v.number(),
  basis: text,
  scope: text,
  source: text,
  source_url: text,
  licence: text,
});
const grid = v.strictObject({
  zone: text,
  /** As it was recorded with the requests. */
  g_per_kwh: v.number(),
  /** Absent where the rows behind the recorded value are not bundled with the version that made the statement. */
  year: v.nullable(v.number()),
  basis: known,
  rows: v.array(gridRow),
  note: known,
  requests: count,
  energy_pwh: whole,
  carbon_pg: whole,
});

const range = v.strictObject({ min: v.number(), max: v.number() });
const section = v.strictObject({
  methodology_version: text,
  /** Whether the operator's own measurement took the place of the methodology's estimate. */
  measured: v.boolean(),
  first_request: text,
  last_request: text,
  /** Null: not bundled with the version that made the statement. */
  methodology: v.nullable(
    v.strictObject({
      version: text,
      title: text,
      formula: v.array(text),
      coefficients: v.record(text, v.number()),
      units: text,
      weights: v.record(text, v.number()),
      includes: v.array(text),
      excludes: v.array(text),
      source: text,
      licence: text,
      read: text,
    }),
  ),
  interval: text,
  totals: amount,
  by: breakdown,
  /** Sizes of the models, in billions of parameters. */
  parameters: v.array(
    v.strictObject({
      model: text,
      architecture: text,
      active_b: range,
      total_b: range,
      accuracy: text,
      source: text,
      licence: text,
      read: text,
    }),
  ),
  grid: v.array(grid),
  /** What the operator measured, where that took the place of the estimate. */
  measurements: v.array(
    v.strictObject({
      provider: known,
      model: known,
      wh_per_1k_tokens: v.number(),
      pue: v.number(),
      requests: count,
    }),
  ),
});

const publicKey = v.strictObject({
  id: text,
  public_key: text,
  created_at: text,
  retired_at: known,
  endorsement: v.nullable(v.strictObject({ key_id: text, signature: text })),
});

/** A month's footprint: the one model of every form that it is shown in. Members are as its JSON has them. */
export const statementSchema = v.strictObject({
  object: v.literal("lowrouter.footprint_statement"),
  schema: v.literal(1),
  scope: v.variant("kind", [
    v.strictObject({ kind: v.literal("account"), id: text, name: text }),
    v.strictObject({ kind: v.literal("gateway") }),
  ]),
  month: text,
  period: v.strictObject({ from: text, to: text, belongs: text }),
  /** The month was not over when it was made. */
  partial: v.boolean(),
  made: v.strictObject({ at: text, version: text, commit: text }),
  totals: amount,
  without_estimate: v.strictObject({
    requests: count,
    tokens: count,
    /** Of all requests and of all tokens that were counted, 0 to 1; null where there are none. */
    share_of_requests: v.nullable(v.number()),
    share_of_tokens: v.nullable(v.number()),
    reasons: v.array(
      v.strictObject({ reason: v.picklist(reasons), why: text, requests: count, tokens: count }),
    ),
  }),
  by: breakdown,
  sections: v.array(section),
  not_measured: v.array(text),
  limits: v.array(text),
  ghg_protocol: v.strictObject({ scope: text, category: text, method: text, notes: v.array(text) }),
  rounding: text,
  ledger: v.strictObject({
    rows: count,
    /** What the ledger keeps by day, apart from the rows. */
    daily_totals: v.strictObject({ requests: count, energy_pwh: whole, carbon_pg: whole }),
    heads: v.array(
      v.strictObject({
        chain: text,
        rows: count,
        first_sequence: count,
        sequence: count,
        hash: text,
      }),
    ),
    how: text,
  }),
  keys: v.array(publicKey),
  keys_at: text,
  lines: v.array(line),
});

export type Statement = v.InferOutput<typeof statementSchema>;
export type AmountRecord = v.InferOutput<typeof amount>;
export type Line = Statement["lines"][number];
export type Part = v.InferOutput<typeof part>;
export type Section = Statement["sections"][number];
export type GridUse = Section["grid"][number];
