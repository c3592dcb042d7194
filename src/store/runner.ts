import Database from "libsql";
import type { Soon } from "#src/lib/soon.ts";
import type { Checkpointer } from "#src/store/checkpoint.ts";
import { toStoreError } from "#src/store/error.ts";
import { createLockQueue, isBusy, type LockQueue } from "#src/store/lock-queue.ts";
import type { Row, Statement, Store } from "#src/store/store.ts";

/** Runs statements on the one connection of a file, and waits for another process's lock without holding up this one. */
export interface Runner extends Pick<Store, "write" | "read"> {
  /** Like `write`, for file-client.ts. */
  change(statement: Asked): Soon<Answer>;
  /** One that changes nothing, or that no transaction may be around. */
  look(statement: Asked): Soon<Answer>;
  /** What waits for a lock is told that it waits in vain. */
  stop(): void;
}

/** A statement with arguments as the driver takes them. */
export interface Asked {
  sql: string;
  args: readonly unknown[];
}

/** What the driver says of one. */
export interface Answer {
  columns: string[];
  /** The values of each row in the order of the columns. */
  rows: unknown[];
  changes: number;
  lastId: number | bigint | undefined;
}

interface Prepared {
  isReader: boolean;
  statement: Database.Statement<[readonly unknown[]]>;
}

/** Statements that are kept; then all are made anew. */
const mostStatements = 500;

/** How a connection waits for locks, milliseconds. */
export interface Patience {
  /** How long the one thread does before it lets others work; a commit of another process takes less. */
  blockedMilliseconds: number;
  busyMilliseconds: number;
}

/** Takes over a connection. */
export function createRunner(
  connection: Database.Database,
  checkpointer: Checkpointer,
  { blockedMilliseconds, busyMilliseconds }: Patience,
): Runner {
  const prepare = createKeeper((sql) => connection.prepare(sql));
  const prepareRaw = createKeeper((sql) => {
    const statement = connection.prepare<[readonly unknown[]]>(sql);
    return statement.reader ? statement.raw() : statement;
  });
  // One for all its tries: a statement that a lock refused is in progress until it is run again or collected, and while one
  // that writes is, whatever else is said to be committed is not. So no other may meet a lock.
  const begin = connection.prepare<[]>("BEGIN IMMEDIATE");
  const commit = connection.prepare<[]>("COMMIT");
  /** Of what needs the one write lock. */
  const locked = createLockQueue(busyMilliseconds);
  /** Of reads, which wait only where another keeps even those out. */
  const unreadable = createLockQueue(busyMilliseconds);
  connection.exec(`PRAGMA busy_timeout = ${blockedMilliseconds}`);

  function run({ sql, args }: Statement): Row[] {
    const { statement, isReader } = prepare(sql);
    // To the end, not `get`: a statement that has not finished keeps its transaction open.
    if (isReader) return rowsOf(statement.all(args));
    statement.run(args);
    return none;
  }
  function runRaw({ sql, args }: Asked): Answer {
    const { statement, isReader } = prepareRaw(sql);
    if (isReader) {
      const columns = statement.columns().map(({ name }) => name);
      return { columns, rows: statement.all(args), changes: 0, lastId: undefined };
    }
    const { changes, lastInsertRowid } = statement.run(args);
    return { columns: [], rows: none, changes, lastId: lastInsertRowid };
  }
  function inTransaction<T>(work: () => T): T {
    try {
      begin.run();
      const result = work();
      commit.run();
      checkpointer.note();
      return result;
    } catch (error) {
      if (connection.open && connection.inTransaction) connection.exec("ROLLBACK");
      throw toStoreError(error);
    }
  }
  function alone<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error);
    }
  }
  /** Without a wait where no lock is in the way: the driver's own would hold up the whole process. */
  function soon<T>(queue: LockQueue, work: () => T): Soon<T> {
    if (queue.isWaiting()) return queue.wait(() => unblocked(work));
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      return queue.wait(() => unblocked(work));
    }
  }
  function unblocked<T>(work: () => T): T {
    if (!connection.open) return work();
    connection.exec("PRAGMA busy_timeout = 0");
    try {
      return work();
    } finally {
      connection.exec(`PRAGMA busy_timeout = ${blockedMilliseconds}`);
    }
  }
  return {
    write: (statements) => soon(locked, () => inTransaction(() => statements.map(run))),
    read: (sql, args) => soon(unreadable, () => alone(() => run({ sql, args }))),
    change: (statement) => soon(locked, () => inTransaction(() => runRaw(statement))),
    look: (statement) => soon(unreadable, () => alone(() => runRaw(statement))),
    stop() {
      locked.close();
      unreadable.close();
    },
  };
}

/** Prepares each statement once. */
function createKeeper(
  make: (sql: string) => Database.Statement<[readonly unknown[]]>,
): (sql: string) => Prepared {
  const kept = new Map<string, Prepared>();
  return (sql) => {
    const known = kept.get(sql);
    if (known !== undefined) return known;
    const statement = make(sql);
    const prepared = { statement, isReader: statement.reader };
    if (kept.size >= mostStatements) kept.clear();
    kept.set(sql, prepared);
    return prepared;
  };
}

/** What a statement returns that reads nothing. */
const none: Row[] = [];

function rowsOf(rows: unknown[]): Row[] {
  return rows.filter((row): row is Row => typeof row === "object" && row !== null);
}
