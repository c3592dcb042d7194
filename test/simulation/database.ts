import Database from "libsql";
import { migrations } from "#db/migrations.ts";
import { databaseNow } from "#src/allowance/lease.ts";
import type { Row, Statement, Value } from "#src/store/store.ts";

/** The tables of the lease protocol in memory, in the engine that the gateway runs on, with a time of its own. */
export interface SimulatedDatabase {
  /** All statements or none. */
  write(statements: readonly Statement[]): Row[][];
  read(sql: string, args: readonly Value[]): Row[];
}

const tables = /CREATE TABLE `(allowance|lease|process)`|ALTER TABLE `(allowance|lease|process)`/;

/** Makes one; `now` is what its clock shows, Unix milliseconds. */
export function createDatabase(now: () => number): SimulatedDatabase {
  const database = new Database(":memory:");
  for (const { sql } of migrations)
    for (const statement of sql.split("--> statement-breakpoint"))
      if (tables.test(statement)) database.exec(statement);
  database.exec("CREATE TABLE row (id TEXT PRIMARY KEY) WITHOUT ROWID");
  database.exec("CREATE TABLE clock (at INTEGER); INSERT INTO clock VALUES (0)");
  const setClock = database.prepare("UPDATE clock SET at = ?");
  const prepared = new Map<string, Database.Statement>();

  function run(sql: string, args: readonly Value[]): Row[] {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql.replaceAll(databaseNow, "(SELECT at FROM clock)"));
      prepared.set(sql, statement);
    }
    if (!statement.reader) {
      statement.run(...args);
      return [];
    }
    const rows: unknown[] = statement.all(...args);
    return rows.filter((row): row is Row => typeof row === "object" && row !== null);
  }

  return {
    read(sql, args) {
      setClock.run(now());
      return run(sql, args);
    },
    write(statements) {
      database.exec("BEGIN");
      try {
        setClock.run(now());
        const found = statements.map(({ sql, args }) => run(sql, args));
        database.exec("COMMIT");
        return found;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
  };
}
