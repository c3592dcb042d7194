import { type Grouping, type Order, type Totals, type UsageRow } from "#src/ledger/rollups.ts";

/** Nothing at all. */
export const noTotals: Totals = {
  requests: 0,
  inputFresh: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  outputVisible: 0,
  reasoning: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: 0,
  upstreamCost: 0,
  byokCost: 0,
  energyWh: 0,
  carbonG: 0,
  energyWhLow: 0,
  energyWhHigh: 0,
  carbonGLow: 0,
  carbonGHigh: 0,
  withoutBounds: 0,
  withoutEco: 0,
  errors: 0,
};

/** One sum with another, or less it with `sign` -1. */
export function plus(a: Totals, b: Totals, sign: 1 | -1 = 1): Totals {
  return {
    requests: a.requests + sign * b.requests,
    inputFresh: a.inputFresh + sign * b.inputFresh,
    cacheRead: a.cacheRead + sign * b.cacheRead,
    cacheWrite5m: a.cacheWrite5m + sign * b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + sign * b.cacheWrite1h,
    outputVisible: a.outputVisible + sign * b.outputVisible,
    reasoning: a.reasoning + sign * b.reasoning,
    inputTokens: a.inputTokens + sign * b.inputTokens,
    outputTokens: a.outputTokens + sign * b.outputTokens,
    cost: a.cost + sign * b.cost,
    upstreamCost: a.upstreamCost + sign * b.upstreamCost,
    byokCost: a.byokCost + sign * b.byokCost,
    energyWh: a.energyWh + sign * b.energyWh,
    carbonG: a.carbonG + sign * b.carbonG,
    energyWhLow: a.energyWhLow + sign * b.energyWhLow,
    energyWhHigh: a.energyWhHigh + sign * b.energyWhHigh,
    carbonGLow: a.carbonGLow + sign * b.carbonGLow,
    carbonGHigh: a.carbonGHigh + sign * b.carbonGHigh,
    withoutBounds: a.withoutBounds + sign * b.withoutBounds,
    withoutEco: a.withoutEco + sign * b.withoutEco,
    errors: a.errors + sign * b.errors,
  };
}

/** The sum of rows. */
export function sumOf(rows: readonly Totals[]): Totals {
  return rows.reduce((sum, row) => plus(sum, row), noTotals);
}

/** The sum of two rows, with the methodologies of both where they are known. */
function together(a: UsageRow, b: UsageRow): UsageRow {
  const sum = plus(a, b);
  if (a.methodologies === undefined) return sum;
  return { ...sum, methodologies: methodologiesOf([a, b]) };
}

/** Every methodology behind rows, sorted. */
export function methodologiesOf(rows: readonly UsageRow[]): readonly string[] {
  return [...new Set(rows.flatMap(({ methodologies = [] }) => methodologies))].toSorted();
}

/** What rows of the same place have in common. */
export function placeName(row: UsageRow, groupBy: readonly Grouping[]): string {
  return groupBy.map((one) => row[one] ?? "").join("\n");
}

/** Two rows of the same place as one. */
export function merged(a: UsageRow, b: UsageRow, groupBy: readonly Grouping[]): UsageRow {
  const place = Object.fromEntries(groupBy.map((one) => [one, a[one] ?? ""]));
  return { ...together(a, b), ...place };
}

/** Rows that stand for the same place added up, in the order of their first. */
export function grouped(rows: readonly UsageRow[], groupBy: readonly Grouping[]): UsageRow[] {
  const sums = new Map<string, UsageRow>();
  for (const row of rows) {
    const name = placeName(row, groupBy);
    const sum = sums.get(name);
    const place = Object.fromEntries(groupBy.map((one) => [one, row[one] ?? ""]));
    sums.set(name, sum === undefined ? { ...row, ...place } : merged(sum, row, groupBy));
  }
  return [...sums.values()];
}

const keyOf: Record<Exclude<Order, "place">, (row: Totals) => number> = {
  cost: (row) => row.cost,
  requests: (row) => row.requests,
  tokens: (row) => row.inputTokens + row.outputTokens,
  energy: (row) => row.energyWh,
  carbon: (row) => row.carbonG,
};

/** Rows in an order, the same as the database's. */
export function inOrder(
  rows: readonly UsageRow[],
  groupBy: readonly Grouping[],
  order: Order,
): UsageRow[] {
  return rows.toSorted(comparison(groupBy, order));
}

/** Rows of two lists, each in an order, as one in it. */
export function joined(
  some: readonly UsageRow[],
  others: readonly UsageRow[],
  groupBy: readonly Grouping[],
  order: Order,
): UsageRow[] {
  const compare = comparison(groupBy, order);
  const all: UsageRow[] = [];
  let at = 0;
  for (const row of some) {
    for (
      let other = others[at];
      other !== undefined && compare(other, row) < 0;
      other = others[at]
    ) {
      all.push(other);
      at++;
    }
    all.push(row);
  }
  return at < others.length ? all.concat(others.slice(at)) : all;
}

function comparison(
  groupBy: readonly Grouping[],
  order: Order,
): (a: UsageRow, b: UsageRow) => number {
  const place = (a: UsageRow, b: UsageRow): number => {
    for (const one of groupBy) {
      const [left = "", right = ""] = [a[one], b[one]];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  };
  if (order === "place") return place;
  const key = keyOf[order];
  return (a, b) => key(b) - key(a) || place(a, b);
}
