import journal from "./migrations/meta/_journal.json";
import start from "./migrations/0000_start.sql" with { type: "text" };

/** One step of the schema, as drizzle-kit wrote it. */
export interface Migration {
  index: number;
  tag: string;
  sql: string;
}

const sqlByTag: Record<string, string> = {
  "0000_start": start,
};

/** All steps in order, embedded so that the executable needs no folder. A test compares this with the folder. */
export const migrations: readonly Migration[] = journal.entries.map(({ idx, tag }) => {
  const sql = sqlByTag[tag];
  if (sql === undefined)
    throw new Error(`Cannot find the SQL of ${tag}: add it to db/migrations.ts`);
  return { index: idx, tag, sql };
});
