import { recordMembers } from "#db/record.ts";
import { linkHash } from "#src/ledger/chain.ts";
import { createBreath } from "#src/lib/breath.ts";
import { removedUntil } from "#src/ledger/removed-usage.ts";
import { dayOf } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { ulidStart } from "#src/lib/id.ts";
import { isKept, type Month } from "#src/statement/month.ts";
import { numberIn, type Row, type Store, textOf, type Value } from "#src/store/store.ts";

/** One request as a statement reads it: members of its record by name, and its place in the ledger. */
export interface LedgerRow {
  chain: string;
  sequence: number;
  hash: string;
  text(name: Member): string | undefined;
  number(name: Member): number | undefined;
}

type Member = (typeof recordMembers)[number];

/** Sums that the ledger keeps by day, beside its rows. In picowatt-hours and picograms. */
export interface DailyTotals {
  requests: number;
  energy: bigint;
  carbon: bigint;
}

/** What a month has in the ledger, as of one moment. */
export interface MonthRows {
  dailyTotals: DailyTotals;
  /** Rows in the order of their ids, some at a time. */
  rows(): AsyncGenerator<LedgerRow[], void, void>;
}

/** Few enough that who waits for an answer does not notice. */
const pageRows = 400;
/** A request has its id once it is admitted: after it came in, but hardly later than this. */
const admissionMs = 600_000;
const lastId = "gen_~";
const placeOf = new Map(recordMembers.map((name, at) => [name, at]));

/** In two parts, as all of a sum may be more than an integer of the database holds; and as text, to lose nothing. */
const dailySums = `coalesce(sum(requests), 0) AS requests,
CAST(sum(energy_pwh / 1000000000) AS TEXT) AS energy, CAST(sum(energy_pwh % 1000000000) AS TEXT) AS energy_rest,
CAST(sum(carbon_pg / 1000000000) AS TEXT) AS carbon, CAST(sum(carbon_pg % 1000000000) AS TEXT) AS carbon_rest`;

function joined(row: Row | undefined, name: string): bigint {
  const part = (column: string) => BigInt((row && textOf(row, column)) ?? 0);
  return part(name) * 1_000_000_000n + part(`${name}_rest`);
}

/**
 * The requests of a month, of one account or all. Throws `service_unavailable` where a row is not what its hash was made of:
 * nothing is stated of a ledger that was tampered with. Throws `invalid_value` where rows of the month were removed.
 */
export async function monthRows(
  store: Store,
  accountId: string | undefined,
  month: Month,
): Promise<MonthRows> {
  const account = accountId === undefined ? "" : " AND account = ?";
  const of: Value[] = accountId === undefined ? [] : [accountId];
  const [[end] = [], [total] = []] = await store.snapshot([
    { sql: "SELECT coalesce(max(position), 0) AS position FROM generation_record", args: [] },
    {
      sql: `SELECT ${dailySums} FROM rollup WHERE "day" >= ? AND "day" <= ?${account}`,
      args: [dayOf(month.from), dayOf(month.to - 1), ...of],
    },
  ]);
  const position = numberIn(end, "position") ?? 0;
  const dailyTotals: DailyTotals = {
    requests: numberIn(total, "requests") ?? 0,
    energy: joined(total, "energy"),
    carbon: joined(total, "carbon"),
  };
  const span = { store, accountId, month, position };
  const refuseRemoved = async (): Promise<void> => {
    const until = await removedUntil(store, accountId);
    if (until === undefined || isKept(month, until) || dailyTotals.requests === 0) return;
    throw new AppError(
      "invalid_value",
      `Cannot make the statement of ${month.name}: requests until ${dayOf(until)} are not kept one by one any more (retention.usage_days). Use the statement that was made before; the totals of its days are in the activity`,
      { param: "month" },
    );
  };
  await refuseRemoved();
  return {
    dailyTotals,
    async *rows() {
      const from = `gen_${ulidStart(month.from)}`;
      const to = `gen_${ulidStart(month.to + admissionMs)}`;
      let found = 0;
      for await (const rows of between(span, from, to)) {
        found += rows.length;
        yield rows;
      }
      if (found >= dailyTotals.requests) return;
      // They may have been removed meanwhile.
      await refuseRemoved();
      // The clock was set back in between, so that ids do not tell when a request came in.
      yield* between(span, "", from);
      yield* between(span, to, lastId);
    },
  };
}

interface Span {
  store: Store;
  accountId: string | undefined;
  month: Month;
  /** The last row that is looked at. */
  position: number;
}

/** Rows of a month with ids between two, the first included. */
async function* between(
  { store, accountId, month, position }: Span,
  from: string,
  to: string,
): AsyncGenerator<LedgerRow[], void, void> {
  const account = accountId === undefined ? "" : "account_id = ? AND ";
  const of: Value[] = accountId === undefined ? [] : [accountId];
  const breathe = createBreath();
  for (let at = from, compare = ">="; ; compare = ">") {
    const [page = []] = await store.snapshot([
      {
        sql: `SELECT id, account_id, record, chain, sequence, previous, hash FROM generation_record
WHERE ${account}id ${compare} ? AND id < ? AND position <= ? ORDER BY id LIMIT ${pageRows}`,
        args: [...of, at, to, position],
      },
    ]);
    const rows: LedgerRow[] = [];
    for (const one of page) {
      const pause = breathe();
      if (pause !== undefined) await pause;
      const row = rowOf(one);
      const time = row.number("created_at") ?? 0;
      if (time >= month.from && time < month.to) rows.push(row);
    }
    if (rows.length > 0) yield rows;
    const last = page.at(-1);
    if (last === undefined || page.length < pageRows) return;
    at = textOf(last, "id") ?? to;
  }
}

function rowOf(row: Row): LedgerRow {
  const told = (name: string): string => textOf(row, name) ?? "";
  const [record, hash, chain] = [told("record"), told("hash"), told("chain")];
  const sequence = numberIn(row, "sequence") ?? 0;
  const members = membersOf(record);
  const value = (name: Member): unknown => members[placeOf.get(name) ?? -1];
  const isWhole =
    linkHash(told("previous"), record) === hash &&
    value("id") === told("id") &&
    value("account_id") === told("account_id");
  if (!isWhole)
    throw new AppError(
      "service_unavailable",
      `Cannot make the statement: row ${sequence} of chain ${chain} (${told("id")}) was changed after it was written. Run "lowrouter audit verify"`,
    );
  return {
    chain,
    sequence,
    hash,
    text(name) {
      const found = value(name);
      return typeof found === "string" ? found : undefined;
    },
    number(name) {
      const found = value(name);
      return typeof found === "number" ? found : undefined;
    },
  };
}

function membersOf(record: string): unknown[] {
  try {
    const members: unknown = JSON.parse(record);
    return Array.isArray(members) ? members : [];
  } catch {
    // Such a row has no id, and is refused for that.
    return [];
  }
}
