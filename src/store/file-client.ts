import type { Client, InArgs, InStatement, ResultSet, Row } from "@libsql/client/web";
import { createDrizzleClient } from "#src/store/drizzle-client.ts";
import { StoreError } from "#src/store/error.ts";
import type { Answer, Asked, Runner } from "#src/store/runner.ts";

/** Statements that write. What begins otherwise only reads, or is nothing for a transaction. */
const writes = /^\s*(insert|update|delete|replace|with|create|alter|drop)\b/i;

/** The one connection of a file as the client that drizzle wants: it waits for locks like all else does. */
export function createFileClient(runner: Pick<Runner, "change" | "look">): Client {
  return createDrizzleClient("file", async (statement, args) => {
    const asked = askedOf(statement, args);
    const isWrite = writes.test(asked.sql);
    return resultOf(await (isWrite ? runner.change(asked) : runner.look(asked)));
  });
}

function askedOf(statement: InStatement, args: InArgs | undefined = []): Asked {
  if (typeof statement !== "string") return askedOf(statement.sql, statement.args);
  if (!Array.isArray(args))
    throw new StoreError(
      "other",
      "Cannot bind arguments by name: give them as a list, for ? in the statement",
    );
  return { sql: statement, args: args.map(plain) };
}

function plain(value: unknown): unknown {
  if (typeof value === "boolean") return Number(value);
  return value instanceof Date ? value.getTime() : value;
}

function resultOf({ columns, rows, changes, lastId }: Answer): ResultSet {
  return {
    columns,
    columnTypes: [],
    rows: rows.map((values) => rowOf(values, columns)),
    rowsAffected: changes,
    lastInsertRowid: lastId === undefined ? undefined : BigInt(lastId),
    toJSON: () => ({ columns, rows }),
  };
}

/** A row by position, and by name where a name is enumerated. */
function rowOf(values: unknown, columns: readonly string[]): Row {
  const row: Row = { length: columns.length };
  Object.defineProperty(row, "length", { enumerable: false });
  if (!Array.isArray(values)) return row;
  for (const [at, name] of columns.entries()) {
    Object.defineProperty(row, at, { value: values[at] });
    if (!Object.hasOwn(row, name)) row[name] = values[at];
  }
  return row;
}
