import type { Client } from "@libsql/client/web";
import type { LibSQLDatabase } from "drizzle-orm/libsql/driver-core";
import type * as schema from "#db/schema.ts";
import type { Soon } from "#src/lib/soon.ts";

/** What a statement can bind and a row can hold. */
export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

export interface Statement {
  sql: string;
  args: readonly Value[];
}

/** The open database. One per process. */
export interface Store {
  readonly kind: "file" | "remote";
  /** The file, absent when the database is remote. */
  readonly path: string | undefined;
  readonly client: Client;
  /** For the library that keeps people and their sessions; all else uses `write`, `read` and `snapshot`. */
  readonly db: LibSQLDatabase<typeof schema>;
  /** All statements in one write transaction, or none. On a file prepared once and synchronous. */
  write(statements: readonly Statement[]): Soon<Row[][]>;
  read(sql: string, args: readonly Value[]): Soon<Row[]>;
  /** For reports: rows of each statement, all of the same moment. On a file by a thread of its own, so that nobody waits. */
  snapshot(statements: readonly Statement[]): Promise<Row[][]>;
  close(): void;
}

/** A column as text; undefined when null. */
export function textOf(row: Row, column: string): string | undefined {
  const value = row[column];
  return value === null || value === undefined ? undefined : String(value);
}

/** A column as a number; undefined when null. */
export function numberIn(row: Row | undefined, column: string): number | undefined {
  const value = row?.[column];
  return typeof value === "number" ? value : undefined;
}
