/** Every question to the daily totals and how it is asked, in one place: which is why it is over 300 lines long. */
import { ecoSumsOf, generationEco, rollupEco } from "#src/ledger/eco-sums.ts";
import { createBreath, mapInPieces } from "#src/lib/breath.ts";
import { dayOf } from "#src/lib/clock.ts";
import { ulidStart } from "#src/lib/id.ts";
import { admissionMs } from "#src/ledger/generations.ts";
import {
  numberIn,
  textOf,
  type Row,
  type Statement,
  type Store,
  type Value,
} from "#src/store/store.ts";

/** What totals can be grouped by. */
export type Dimension =
  "day" | "account" | "key" | "user" | "model" | "creator" | "provider" | "region" | "methodology";

/** Which requests are summed. Absent is all; days are UTC, `2026-01-31`, both included. */
export interface RollupFilter {
  account?: string;
  key?: string;
  user?: string;
  model?: string;
  provider?: string;
  region?: string;
  /** The person who made the keys, also those that are deleted. */
  maker?: string;
  fromDay?: string;
  toDay?: string;
}

/** What a report can group by: besides the dimensions, the person who made the key. */
export type Grouping = Dimension | "maker";

/** What comes first: by place, the smallest in the order of the groupings; else the largest sum. */
export const orders = ["place", "cost", "requests", "tokens", "energy", "carbon"] as const;
export type Order = (typeof orders)[number];

/** A question to the totals: one row for each combination. */
export interface RollupQuestion {
  groupBy: readonly Grouping[];
  order: Order;
  limit: number;
  /** Which methodologies made the estimates of each row is asked too. */
  methodologies?: true;
}

/** Totals of one combination in a report. */
export interface UsageRow extends Totals, Partial<Record<Grouping, string>> {
  /** Versions behind the estimates, sorted; absent where that was not asked. */
  methodologies?: readonly string[];
}

/** The first rows, and how many there are. */
export interface RollupAnswer {
  rows: UsageRow[];
  count: number;
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
  /** The sum of whole picowatt-hours, each request rounded once; the same in any order. Carbon in the same way. */
  energyWh: number;
  carbonG: number;
  /** Sums of both ends of each estimate's interval: what the sum cannot be below or above, not a confidence. */
  energyWhLow: number;
  energyWhHigh: number;
  carbonGLow: number;
  carbonGHigh: number;
  /** Requests with an estimate whose interval was not kept: where there are any, the bounds are not known. */
  withoutBounds: number;
  /** Requests that energy and carbon leave out, because no estimate was possible. */
  withoutEco: number;
  errors: number;
}

/** Totals of one combination; only the dimensions that were grouped by are present. */
export interface ActivityRow extends Totals, Partial<Record<Dimension, string>> {
  /** Versions behind the estimates, sorted; absent where that was not asked. */
  methodologies?: readonly string[];
}

/** Totals of one hour, day or month; `start` in Unix milliseconds. */
export interface Point extends Totals {
  start: number;
}

const sums = `sum(requests) AS requests, sum(input_fresh) AS input_fresh, sum(cache_read) AS cache_read,
sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h, sum(output_visible) AS output_visible,
sum(reasoning) AS reasoning, sum(cost) AS cost, sum(upstream_cost) AS upstream_cost, sum(byok_cost) AS byok_cost,
sum(without_eco) AS without_eco, sum(errors) AS errors, sum(without_bounds) AS without_bounds,
${rollupEco}`;

/** With it the first row is there when all are: the thread that reads goes that far, and leaves the others to this one. */
const countOfAll = "count(*) OVER () AS combinations";

const versions = "group_concat(DISTINCT nullif(methodology, '')) AS methodologies";

/** Versions of a row, none of which holds a comma. */
function versionsOf(row: Row): readonly string[] {
  return (textOf(row, "methodologies") ?? "").split(",").filter(Boolean).toSorted();
}

// Quoted: `key` is a word of SQL.
const columnOf: Record<Dimension, string> = {
  day: '"day"',
  account: '"account"',
  key: '"key"',
  user: '"user"',
  model: '"model"',
  // The catalogue's author of a model is what its id begins with; of one that it does not have, the provider's name is there.
  creator: `substr("model", 1, instr("model", '/') - 1)`,
  provider: '"provider"',
  region: '"region"',
  methodology: '"methodology"',
};

/**
 * After midnight, until a day is closed: a total is written when a request ends, to the day on which it began. One that
 * runs longer is seen when its day is read anew.
 */
const graceMs = 3_600_000;

/** The first UTC day whose totals may still change, `2026-01-31`: those before it can be kept. */
export function openDay(now: number): string {
  return dayOf(now - graceMs);
}

/** Totals for each combination of the dimensions, at most `limit`, in their order. */
export async function activity(
  store: Pick<Store, "snapshot">,
  filter: RollupFilter,
  groupBy: readonly Dimension[],
  limit = 50_000,
): Promise<ActivityRow[]> {
  return asked(store, filter, { groupBy, order: "place", limit });
}

/** As activity(), with the methodologies behind each row. */
export async function versionedActivity(
  store: Pick<Store, "snapshot">,
  filter: RollupFilter,
  groupBy: readonly Dimension[],
  limit = 50_000,
): Promise<ActivityRow[]> {
  return asked(store, filter, { groupBy, order: "place", limit, methodologies: true });
}

async function asked(
  store: Pick<Store, "snapshot">,
  filter: RollupFilter,
  question: RollupQuestion,
): Promise<UsageRow[]> {
  const [rows = []] = await store.snapshot([rollupStatement(filter, question)]);
  return (await rollupAnswer(rows, question.groupBy)).rows;
}

const groupingOf: Record<Grouping, string> = {
  ...columnOf,
  maker: `coalesce((SELECT created_by FROM api_key WHERE hash = rollup."key"),
(SELECT created_by FROM deleted_key WHERE hash = rollup."key"), '')`,
};
const sumOf: Record<Exclude<Order, "place">, string> = {
  cost: "sum(cost)",
  requests: "sum(requests)",
  tokens:
    "sum(input_fresh + cache_read + cache_write_5m + cache_write_1h + output_visible + reasoning)",
  energy: "total(energy_pwh)",
  carbon: "total(carbon_pg)",
};

/** A question as a statement, for `Store.snapshot` with others of the same moment. */
export function rollupStatement(
  filter: RollupFilter,
  { groupBy, order, limit, methodologies }: RollupQuestion,
): Statement {
  const { where, args } = conditions(filter);
  const picked = groupBy.map((one) => `${groupingOf[one]} AS "${one}"`);
  const places = groupBy.map((_, at) => String(at + 1));
  const ordered = order === "place" ? places : [`${sumOf[order]} DESC`, ...places];
  const group = groupBy.length === 0 ? "" : ` GROUP BY ${places.join(", ")}`;
  const sort = ordered.length === 0 ? "" : ` ORDER BY ${ordered.join(", ")}`;
  return {
    sql: `SELECT ${[...picked, sums, ...(methodologies ? [versions] : []), countOfAll].join(", ")} FROM rollup${where}${group}${sort} LIMIT ?`,
    args: [...args, limit],
  };
}

/** What the statement of a question found; in pieces, as ten thousand rows take 20 ms. */
export async function rollupAnswer(
  rows: readonly Row[],
  groupBy: readonly Grouping[],
): Promise<RollupAnswer> {
  const made = await mapInPieces(rows, createBreath(), (row) => {
    const place = groupBy.map((one) => [one, textOf(row, one) ?? ""]);
    const versions = Object.hasOwn(row, "methodologies") ? { methodologies: versionsOf(row) } : {};
    return { ...totalsOf(row), ...versions, ...Object.fromEntries(place) };
  });
  return { rows: made, count: numberIn(rows[0], "combinations") ?? 0 };
}

/** Totals of everything that the filter picks. */
export async function totals(
  store: Pick<Store, "snapshot">,
  filter: RollupFilter,
): Promise<Totals> {
  const [all] = await activity(store, filter, []);
  return all ?? totalsOf({});
}

/** Totals by day or month, oldest first; spans without requests are absent. */
export async function timeseries(
  store: Pick<Store, "snapshot">,
  filter: RollupFilter,
  granularity: "daily" | "monthly",
): Promise<Point[]> {
  const { where, args } = conditions(filter);
  const span = granularity === "daily" ? "day" : "substr(day, 1, 7)";
  const sql = `SELECT ${span} AS span, ${sums}, ${countOfAll} FROM rollup${where} GROUP BY span ORDER BY span`;
  const [rows = []] = await store.snapshot([{ sql, args }]);
  return rows.map((row) => ({ start: Date.parse(textOf(row, "span") ?? ""), ...totalsOf(row) }));
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * Totals by hour from the requests themselves, oldest first. Times in Unix milliseconds, end excluded. A day at a time, of those
 * that had requests: other reports have their turns between them, and nothing more is read once `signal` says that nobody waits.
 */
export async function hourly(
  store: Pick<Store, "snapshot">,
  filter: Omit<RollupFilter, "fromDay" | "toDay">,
  from: number,
  to: number,
  signal?: AbortSignal,
): Promise<Point[]> {
  const span = { fromDay: dayOf(Math.max(0, from)), toDay: dayOf(Math.max(0, to)) };
  const { where, args } = conditions(filter, generationColumns);
  const sql = `SELECT created_at - created_at % ${hourMs} AS span, count(*) AS requests,
     sum(input_fresh) AS input_fresh, sum(cache_read) AS cache_read, sum(cache_write_5m) AS cache_write_5m,
     sum(cache_write_1h) AS cache_write_1h, sum(output_visible) AS output_visible, sum(reasoning) AS reasoning,
     sum(cost) AS cost, sum(upstream_cost) AS upstream_cost,
     sum(CASE WHEN is_byok THEN upstream_cost END) AS byok_cost, sum(carbon_g IS NULL) AS without_eco,
     sum(status <> 'ok') AS errors, sum(carbon_g IS NOT NULL AND energy_wh_low IS NULL) AS without_bounds,
     ${generationEco}, ${countOfAll}
     FROM generation${where === "" ? " WHERE" : `${where} AND`} id >= ? AND id < ? AND created_at >= ? AND created_at < ?
     GROUP BY span ORDER BY span`;
  const points: Point[] = [];
  for (const { day = "" } of await activity(store, { ...filter, ...span }, ["day"])) {
    if (signal?.aborted === true) break;
    const start = Math.max(from, Date.parse(day));
    const end = Math.min(to, Date.parse(day) + dayMs);
    const ids = [`gen_${ulidStart(Date.parse(day))}`, `gen_${ulidStart(end + admissionMs)}`];
    const [rows = []] = await store.snapshot([{ sql, args: [...args, ...ids, start, end] }]);
    for (const row of rows) points.push({ start: numberIn(row, "span") ?? 0, ...totalsOf(row) });
  }
  return points;
}

type Filtered = Exclude<keyof RollupFilter, "fromDay" | "toDay" | "maker">;
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
  if (filter.maker !== undefined) {
    add(
      `${columns.key} IN (SELECT hash FROM api_key WHERE created_by = ? UNION ALL SELECT hash FROM deleted_key WHERE created_by = ?)`,
      filter.maker,
    );
    args.push(filter.maker);
  }
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
    ...ecoSumsOf(row),
    withoutBounds: sum("without_bounds"),
    withoutEco: sum("without_eco"),
    errors: sum("errors"),
  };
}
