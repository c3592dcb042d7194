import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { createClient } from "@libsql/client/sqlite3";
import { drizzle } from "drizzle-orm/libsql/sqlite3";
import Database from "libsql";
import * as schema from "#db/schema.ts";
import {
  type Checkpointer,
  commitCheckpointPages,
  startCheckpointer,
} from "#src/store/checkpoint.ts";
import { giveToOwnerOfFolder } from "#src/lib/owner.ts";
import { createAsideReader } from "#src/store/aside.ts";
import { StoreError, toStoreError } from "#src/store/error.ts";
import type { Row, Statement, Store, Value } from "#src/store/store.ts";

const busyMilliseconds = 5000;
/** How long the one thread waits for a lock before it lets others work; a commit of another process takes less. */
const blockedMilliseconds = 25;
/** Between two tries from then on. */
const pauseMilliseconds = 50;

interface FileOptions {
  url: string;
  synchronous?: "normal" | "full";
}

/** Opens a database file, private to its owner, creating it when it is missing. */
export async function openFile({ url, synchronous = "normal" }: FileOptions): Promise<Store> {
  const path = pathOf(url);
  try {
    createPrivate(path);
    // One connection, or pragmas are lost with the next one of the pool.
    const client = createClient({ url: `file:${path}`, timeout: busyMilliseconds, concurrency: 1 });
    await client.execute("PRAGMA journal_mode = WAL");
    await client.execute(`PRAGMA synchronous = ${synchronous}`);
    // The client prepares anew on each call, which is 4 times slower than a kept statement (83 µs against 372 µs
    // for a commit of one row), so the hot path has its own connection of the same addon.
    const connection = new Database(path, { timeout: busyMilliseconds });
    connection.exec(`PRAGMA synchronous = ${synchronous}`);
    await client.execute(`PRAGMA wal_autocheckpoint = ${commitCheckpointPages}`);
    connection.exec(`PRAGMA wal_autocheckpoint = ${commitCheckpointPages}`);
    connection.exec(`PRAGMA busy_timeout = ${blockedMilliseconds}`);
    const checkpointer = startCheckpointer(path);
    const run = createRunner(connection, checkpointer);
    const aside = createAsideReader(path, busyMilliseconds);
    return {
      kind: "file",
      path,
      client,
      db: drizzle(client, { schema }),
      write: run.write,
      read: run.read,
      snapshot: aside.snapshot,
      close() {
        checkpointer.stop();
        aside.stop();
        client.close();
        connection.close();
      },
    };
  } catch (error) {
    throw new StoreError("unavailable", `Cannot open ${path}: ${messageOf(error)}`, error);
  }
}

/** The path of a `file:` URL, in any of its spellings. */
export function pathOf(url: string): string {
  const path = decodeURIComponent(url.slice("file:".length).replace(/[?#].*$/, ""));
  const plain = path.startsWith("//") ? path.slice(2) : path;
  if (plain === "" || plain.startsWith(":memory:")) {
    throw new StoreError("refused", `Cannot open "${url}": a database needs a file`);
  }
  return plain;
}

function createPrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) return;
  closeSync(openSync(path, "a", 0o600));
  giveToOwnerOfFolder(path);
}

interface Prepared {
  isReader: boolean;
  statement: Database.Statement<[readonly Value[]]>;
}

function createRunner(
  connection: Database.Database,
  checkpointer: Checkpointer,
): Pick<Store, "write" | "read"> {
  const kept = new Map<string, Prepared>();
  function prepare(sql: string): Prepared {
    const known = kept.get(sql);
    if (known !== undefined) return known;
    const statement = connection.prepare<[readonly Value[]]>(sql);
    const prepared = { statement, isReader: statement.reader };
    if (kept.size >= 500) kept.clear();
    kept.set(sql, prepared);
    return prepared;
  }
  function run({ sql, args }: Statement): Row[] {
    const { statement, isReader } = prepare(sql);
    // To the end, not `get`: a statement that has not finished keeps its transaction open.
    if (isReader) return rowsOf(statement.all(args));
    statement.run(args);
    return none;
  }
  function writeNow(statements: readonly Statement[]): Row[][] {
    try {
      run({ sql: "BEGIN IMMEDIATE", args: [] });
      const rows = statements.map(run);
      run({ sql: "COMMIT", args: [] });
      checkpointer.note();
      return rows;
    } catch (error) {
      if (connection.open && connection.inTransaction) connection.exec("ROLLBACK");
      throw toStoreError(error);
    }
  }
  function readNow(statement: Statement): Row[] {
    try {
      return run(statement);
    } catch (error) {
      throw toStoreError(error);
    }
  }
  return {
    write(statements) {
      try {
        return writeNow(statements);
      } catch (error) {
        return onceUnlocked(connection, error, () => writeNow(statements));
      }
    },
    read(sql, args) {
      const statement = { sql, args };
      try {
        return readNow(statement);
      } catch (error) {
        return onceUnlocked(connection, error, () => readNow(statement));
      }
    },
  };
}

/**
 * What another process's lock kept from being done, tried again while everything else goes on: the driver would hold up
 * the whole process. Throws what is no lock at once, and rejects when the lock does not go.
 */
function onceUnlocked<T>(
  connection: Database.Database,
  thrown: unknown,
  work: () => T,
): Promise<T> {
  if (!isBusy(thrown)) throw thrown;
  return tryAgain(connection, thrown, work);
}

async function tryAgain<T>(
  connection: Database.Database,
  thrown: unknown,
  work: () => T,
): Promise<T> {
  let last = thrown;
  const tries =
    (busyMilliseconds - blockedMilliseconds) / (pauseMilliseconds + blockedMilliseconds);
  for (let count = 0; count < tries; count++) {
    await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    if (!connection.open) throw last;
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      last = error;
    }
  }
  throw last;
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof StoreError && thrown.fault === "busy";
}

/** What a statement returns that reads nothing. */
const none: Row[] = [];

function rowsOf(rows: unknown[]): Row[] {
  return rows.filter((row): row is Row => typeof row === "object" && row !== null);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
