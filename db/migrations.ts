import { recordMembers } from "#db/record.ts";
import journal from "./migrations/meta/_journal.json";
import start from "./migrations/0000_start.sql" with { type: "text" };
import record from "./migrations/0001_record.sql" with { type: "text" };
import health from "./migrations/0002_health.sql" with { type: "text" };
import providerKey from "./migrations/0003_provider_key.sql" with { type: "text" };
import people from "./migrations/0004_people.sql" with { type: "text" };
import dashboard from "./migrations/0005_dashboard.sql" with { type: "text" };
import exactSums from "./migrations/0006_exact_sums.sql" with { type: "text" };
import keySpend from "./migrations/0007_key_spend.sql" with { type: "text" };
import makers from "./migrations/0008_people.sql" with { type: "text" };
import retention from "./migrations/0009_retention.sql" with { type: "text" };
import fence from "./migrations/0010_fence.sql" with { type: "text" };

/** One step of the schema, from drizzle-kit, with what SQL alone cannot move. */
export interface Migration {
  index: number;
  tag: string;
  sql: string;
  /** Rows that are rewritten where the SQL says `-- move rows`. */
  move?: Move;
}

type Value = string | number | null;

/** Rows that are read before the step, and the statement that writes each of them in its new shape. */
export interface Move {
  read: string;
  write(row: Readonly<Record<string, Value>>): { sql: string; args: Value[] };
  /** Fails, and with it the whole migration, when another process wrote rows after they were read. */
  check: string;
}

/** What a generation held before it became one text: its hash covers these, and no member that came later. */
const columns = recordMembers.slice(0, recordMembers.indexOf("upstream_id"));

/** Generations of forty columns become one JSON text each: the very text that their hash covers. */
const toRecords: Move = {
  read: "SELECT * FROM generation ORDER BY rowid",
  write: (row) => ({
    sql: "INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
    args: [
      row["id"] ?? null,
      row["account_id"] ?? null,
      JSON.stringify(columns.map((name) => row[name] ?? null)),
      row["chain"] ?? null,
      row["sequence"] ?? null,
      row["previous"] ?? null,
      row["hash"] ?? null,
    ],
  }),
  check: `SELECT json(iif((SELECT count(*) FROM generation) = (SELECT count(*) FROM generation_record), '1', 'not all'))`,
};

const steps: Record<string, Pick<Migration, "sql" | "move">> = {
  "0000_start": { sql: start },
  "0001_record": { sql: record, move: toRecords },
  "0002_health": { sql: health },
  "0003_provider_key": { sql: providerKey },
  "0004_people": { sql: people },
  "0005_dashboard": { sql: dashboard },
  "0006_exact_sums": { sql: exactSums },
  "0007_key_spend": { sql: keySpend },
  "0008_people": { sql: makers },
  "0009_retention": { sql: retention },
  "0010_fence": { sql: fence },
};

/** All steps in order, embedded so that the executable needs no folder. A test compares this with the folder. */
export const migrations: readonly Migration[] = journal.entries.map(({ idx, tag }) => {
  const step = steps[tag];
  if (step === undefined)
    throw new Error(`Cannot find the SQL of ${tag}: add it to db/migrations.ts`);
  return { index: idx, tag, ...step };
});
