import { numberIn, textOf, type Row, type Store, type Value } from "#src/store/store.ts";

/** What totals can be grouped by. */
export type Dimension =
  "day" | "account" | "key" | "user" | "model" | "provider" | "region" | "methodology";

/** Which requests are summed. Absent is all; days are UTC, `2026-01-31`, both included. */
export interface RollupFilter {
  account?: string;
  key?: string;
  user?: string;
  model?: string;
  provider?: string;
  region?: string;
  fromDay?: string;
  toDay?: string;
}

/** Sums over requests. Money in nano-units. */
export interface Totals {
  requests: number;
  inputFresh: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  outputVisible: number;
  reasoning: number;
  /** Every class of input. */
  inputTokens: number;
  /** Visible and reasoning. */
  outputTokens: number;
  cost: number;
  upstreamCost: number;
  /** What requests on the caller's own provider key cost there. */
  byokCost: number;
  energyWh: number;
  carbonG: number;
  /** Requests that energy and carbon leave out, because no estimate was possible. */
  withoutEco: number;
  errors: number;
}

/** Totals of one combination; only the dimensions that were grouped by are present. */
export interface ActivityRow extends Totals, Partial<Record<Dimension, string>> {}

/** Totals of one hour, day or month; `start` in Unix milliseconds. */
export interface Point extends Totals {
  start: number;
}

const sums = `sum(requests) AS requests, sum(input_fresh) AS input_fresh, sum(cache_read) AS cache_read,
sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(output_visible) AS output_visible,
sum(reasoning) AS reasoning, sum(cost) AS cost, sum(upstream_cost) AS upstream_cost, sum(byok_cost) AS byok_cost,
sum(energy_wh) AS energy_wh, sum(carbon_g) AS carbon_g, sum(without_eco) AS without_eco, sum(errors) AS errors`;

// Quoted: `key` is a word of SQL.
const columnOf: Record<Dimension, string> = {
  day: '"day"',
  account: '"account"',
  key: '"key"',
  user: '"user"',
  model: '"model"',
  provider: '"provider"',
  region: '"region"',
  methodology: '"methodology"',
};

/** Totals for each combination of the dimensions, at most `limit`, in their order. */
export async function activity(
  store: Store,
  filter: RollupFilter,
  groupBy: readonly Dimension[],
  limit = 50_000,
): Promise<ActivityRow[]> {
  const names = groupBy.map((dimension) => columnOf[dimension]);
  const { where, args } = conditions(filter);
  const picked = [...names, sums].join(", ");
  const group =
    names.length === 0 ? "" : ` GROUP BY ${names.join(", ")} ORDER BY ${names.join(", ")}`;
  const rows = await store.read(`SELECT ${picked} FROM rollup${where}${group} LIMIT ?`, [
    ...args,
    limit,
  ]);
  return rows.map((row) => {
    const place = groupBy.map((dimension) => [dimension, textOf(row, dimension) ?? ""]);
    return { ...totalsOf(row), ...Object.fromEntries(place) };
  });
}

/** Totals of everything that the filter picks. */
export async function totals(store: Store, filter: RollupFilter): Promise<Totals> {
  const [all] = await activity(store, filter, []);
  return all ?? totalsOf({});
}

/** Totals by day or month, oldest first; spans without requests are absent. */
export async function timeseries(
  store: Store,
  filter: RollupFilter,
  granularity: "daily" | "monthly",
): Promise<Point[]> {
  const { where, args } = conditions(filter);
  const span = granularity === "daily" ? "day" : "substr(day, 1, 7)";
  const rows = await store.read(
    `SELECT ${span} AS span, ${sums} FROM rollup${where} GROUP BY span ORDER BY span`,
    args,
  );
  return rows.map((row) => ({ start: Date.parse(textOf(row, "span") ?? ""), ...totalsOf(row) }));
}

const hourMilliseconds = 3_600_000;

/** Totals by hour from the requests themselves, oldest first. Times in Unix milliseconds, end excluded. */
export async function hourly(
  store: Store,
  filter: Omit<RollupFilter, "fromDay" | "toDay">,
  from: number,
  to: number,
): Promise<Point[]> {
  const { where, args } = conditions(filter, generationColumns);
  const rows = await store.read(
    `SELECT created_at - created_at % ${hourMilliseconds} AS span, count(*) AS requests,
     sum(input_fresh) AS input_fresh, sum(cache_read) AS cache_read, sum(cache_write_5m) AS cache_write_5m,
     sum(cache_write_1h) AS cache_write_1h, sum(output_visible) AS output_visible, sum(reasoning) AS reasoning,
     sum(cost) AS cost, sum(upstream_cost) AS upstream_cost,
     sum(CASE WHEN is_byok THEN upstream_cost END) AS byok_cost, sum(energy_wh) AS energy_wh,
     sum(carbon_g) AS carbon_g, sum(carbon_g IS NULL) AS without_eco, sum(status <> 'ok') AS errors
     FROM generation${where === "" ? " WHERE" : `${where} AND`} created_at >= ? AND created_at < ?
     GROUP BY span ORDER BY span`,
    [...args, from, to],
  );
  return rows.map((row) => ({ start: numberIn(row, "span") ?? 0, ...totalsOf(row) }));
}

type Filtered = Exclude<keyof RollupFilter, "fromDay" | "toDay">;
const filtered: readonly Filtered[] = ["account", "key", "user", "model", "provider", "region"];
const generationColumns: Record<Filtered, string> = {
  account: "account_id",
  key: "key_id",
  user: '"user"',
  model: "model",
  provider: "provider",
  region: "region",
};

function conditions(
  filter: RollupFilter,
  columns: Record<Filtered, string> = columnOf,
): { where: string; args: Value[] } {
  const texts: string[] = [];
  const args: Value[] = [];
  function add(text: string, value: string | undefined): void {
    if (value === undefined) return;
    texts.push(text);
    args.push(value);
  }
  for (const name of filtered) add(`${columns[name]} = ?`, filter[name]);
  add('"day" >= ?', filter.fromDay);
  add('"day" <= ?', filter.toDay);
  return { where: texts.length === 0 ? "" : ` WHERE ${texts.join(" AND ")}`, args };
}

function totalsOf(row: Row): Totals {
  const sum = (name: string): number => numberIn(row, name) ?? 0;
  const inputs = {
    inputFresh: sum("input_fresh"),
    cacheRead: sum("cache_read"),
    cacheWrite5m: sum("cache_write_5m"),
    cacheWrite1h: sum("cache_write_1h"),
  };
  const outputs = { outputVisible: sum("output_visible"), reasoning: sum("reasoning") };
  return {
    requests: sum("requests"),
    ...inputs,
    ...outputs,
    inputTokens: inputs.inputFresh + inputs.cacheRead + inputs.cacheWrite5m + inputs.cacheWrite1h,
    outputTokens: outputs.outputVisible + outputs.reasoning,
    cost: sum("cost"),
    upstreamCost: sum("upstream_cost"),
    byokCost: sum("byok_cost"),
    energyWh: sum("energy_wh"),
    carbonG: sum("carbon_g"),
    withoutEco: sum("without_eco"),
    errors: sum("errors"),
  };
}
