import Database from "libsql";
import { existsSync } from "node:fs";

/*
 * Databases as SQL text, so that those of earlier schemas can be kept beside the tests. Made with
 * `bun test/store/dump.ts DATABASE > test/store/upgrades/vN-COMMIT.sql` from one that the program of that commit wrote;
 * tables that it left empty get a row first, so that none goes through an upgrade untried.
 */

type Value = string | number | bigint | null;

/** Everything in a database, as statements in an order in which they can be carried out. */
export function dump(path: string): string {
  const database = new Database(path);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const lines: string[] = [];
  const made = rowsOf(
    database,
    "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
  );
  const of = (...types: string[]) => made.filter(({ type }) => types.includes(String(type)));
  for (const { sql } of of("table")) lines.push(`${String(sql)};`);
  for (const { name } of of("table")) {
    const table = String(name);
    fillEmpty(database, table);
    const columns = columnsOf(database, table).map((column) => quoted(column.name));
    for (const row of rowsOf(database, `SELECT ${columns.join(", ")} FROM ${quoted(table)}`)) {
      const values = Object.values(row).map(literal);
      lines.push(
        `INSERT INTO ${quoted(table)} (${columns.join(", ")}) VALUES (${values.join(", ")});`,
      );
    }
  }
  for (const { sql } of of("index", "view", "trigger")) lines.push(`${String(sql)};`);
  database.close();
  return `${lines.join("\n--> next\n")}\n`;
}

/** Makes a database of what dump() said. */
export function load(path: string, text: string): void {
  const database = new Database(path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("BEGIN");
  for (const statement of text.split("\n--> next\n")) database.exec(statement);
  database.exec("COMMIT");
  database.close();
}

/** Rows of each table. */
export function counts(path: string): Record<string, number> {
  const database = new Database(path);
  try {
    const tables = rowsOf(
      database,
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    return Object.fromEntries(
      tables.map(({ name }) => {
        const [row] = rowsOf(database, `SELECT count(*) AS n FROM ${quoted(String(name))}`);
        return [String(name), Number(row?.["n"])];
      }),
    );
  } finally {
    database.close();
  }
}

function fillEmpty(database: Database.Database, table: string): void {
  const [counted] = rowsOf(database, `SELECT count(*) AS n FROM ${quoted(table)}`);
  if (Number(counted?.["n"]) > 0) return;
  const needed = columnsOf(database, table).filter((one) => one.isNeeded);
  const values = needed.map(({ isText }) => (isText ? "'x'" : "0"));
  const names = needed.map(({ name }) => quoted(name));
  database.exec("PRAGMA foreign_keys = OFF");
  database.exec(`INSERT INTO ${quoted(table)} (${names.join(", ")}) VALUES (${values.join(", ")})`);
}

function columnsOf(database: Database.Database, table: string) {
  // Generated columns are no part of it.
  return rowsOf(database, `PRAGMA table_info(${quoted(table)})`).map((row) => ({
    name: String(row["name"]),
    isText: !/int|real|num/i.test(String(row["type"])),
    isNeeded: (row["notnull"] === 1 || Number(row["pk"]) > 0) && row["dflt_value"] === null,
  }));
}

function rowsOf(database: Database.Database, sql: string): Record<string, Value>[] {
  const found: unknown[] = database.prepare(sql).all([]);
  return found.map((row) => Object.fromEntries(Object.entries(Object(row))));
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(value: Value): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}

if (import.meta.main) {
  const path = process.argv[2] ?? "";
  if (!existsSync(path)) throw new Error(`Cannot dump "${path}": there is no such database`);
  process.stdout.write(dump(path));
}
