import { amendments } from "#db/amendments.ts";
import { migrations as known, type Migration } from "#db/migrations.ts";
import type { Clock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { backup } from "#src/store/backup.ts";
import { StoreError } from "#src/store/error.ts";
import { numberIn, type Row, type Statement, type Store } from "#src/store/store.ts";

/** What a migration did. `backup` is the copy made before an existing database was changed. */
export interface Migrated {
  from: number;
  to: number;
  backup: string | undefined;
}

/** Brings the schema up to what this program knows: forward only, all steps in one transaction. */
export async function migrate(
  store: Store,
  clock: Clock,
  migrations: readonly Migration[] = known,
): Promise<Migrated> {
  const from = await schemaVersion(store);
  const to = migrations.length;
  if (from > to) {
    throw new StoreError(
      "incompatible",
      `Cannot use this database: its schema is version ${from} and this program knows up to ${to}. Run the newer LowRouter, or restore the backup made before the upgrade`,
    );
  }
  const amended = from === 0 ? [] : await amending(store);
  if (from === to && amended.length === 0) return { from, to, backup: undefined };
  const isBefore = async (copy: Store) =>
    (await schemaVersion(copy)) === from && (await amending(copy)).length === amended.length;
  const copy = await backupBefore(store, clock, from, isBefore);
  try {
    await write(store, { amended, pending: migrations.slice(from), from, clock });
  } catch (error) {
    // Another process may have done it in the meantime.
    if ((await schemaVersion(store)) !== to || (await amending(store)).length > 0) {
      throw new StoreError(
        "incompatible",
        `Cannot bring the schema from version ${from} to ${to}`,
        error,
      );
    }
  }
  return { from, to, backup: copy };
}

/** How many migrations the database has had; 0 for an empty one. */
export async function schemaVersion(store: Store): Promise<number> {
  const tables = await store.read(
    "SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'",
    [],
  );
  if (numberIn(tables[0], "found") === 0) return 0;
  const rows = await store.read("SELECT count(*) AS applied FROM schema_migration", []);
  return numberIn(rows[0], "applied") ?? 0;
}

/** Undefined where another process was faster, and has made one. */
async function backupBefore(
  store: Store,
  clock: Clock,
  from: number,
  isBefore: (copy: Store) => Promise<boolean>,
): Promise<string | undefined> {
  if (store.path === undefined || from === 0) return undefined;
  const start = `${store.path}.before-upgrade-from-`;
  // Of two processes that begin in one millisecond, each makes a copy of its own.
  const target = `${start}${from}-${createIds(clock).next("at")}`;
  return (await backup(store, target, isBefore)) ? target : undefined;
}

/** What is still to be done to a database. */
interface Upgrade {
  /** Statements that mend steps which it had in an earlier wording. */
  amended: readonly string[];
  pending: readonly Migration[];
  from: number;
  clock: Clock;
}

async function amending(store: Store): Promise<string[]> {
  const statements: string[] = [];
  for (const amendment of amendments) {
    const [row] = await store.read(amendment.find, []);
    if ((numberIn(row, "found") ?? 0) > 0) statements.push(...amendment.statements);
  }
  return statements;
}

/** All steps in one transaction. What a step moves is read before it: no two pending steps may move the same rows. */
async function write(store: Store, { amended, pending, from, clock }: Upgrade): Promise<void> {
  const statements: Statement[] = [
    {
      sql: "CREATE TABLE IF NOT EXISTS schema_migration (position INTEGER PRIMARY KEY, tag TEXT NOT NULL, applied_at INTEGER NOT NULL)",
      args: [],
    },
    ...amended.map((sql) => ({ sql, args: [] })),
  ];
  for (const migration of pending) {
    // An empty database has nothing to move.
    const rows =
      migration.move !== undefined && from > 0 ? await store.read(migration.move.read, []) : [];
    statements.push(...stepsOf(migration, rows, clock));
  }
  await store.write(statements);
}

function stepsOf(
  { index, tag, sql, move }: Migration,
  rows: readonly Row[],
  clock: Clock,
): Statement[] {
  const moved: Statement[] =
    move === undefined ? [] : [...rows.map(move.write), { sql: move.check, args: [] }];
  const changes = sql
    .split("--> statement-breakpoint")
    .map((text) => text.trim())
    .flatMap((text) => (text === "-- move rows" ? moved : [{ sql: text, args: [] }]));
  return [
    ...changes.filter((change) => change.sql !== ""),
    {
      sql: "INSERT INTO schema_migration (position, tag, applied_at) VALUES (?, ?, ?)",
      args: [index, tag, clock.now()],
    },
  ];
}
