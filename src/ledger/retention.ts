import { databaseNow } from "#src/allowance/lease.ts";
import type { HeadSigner } from "#src/ledger/heads.ts";
import type { Head } from "#src/ledger/heads-log.ts";
import { type Old, oldRows } from "#src/ledger/old-rows.ts";
import { signRemoval } from "#src/ledger/removal.ts";
import { removalsStatement, removedOf } from "#src/ledger/removal-check.ts";
import { createRemovalLock } from "#src/ledger/removal-lock.ts";
import { noteRun } from "#src/ledger/retention-note.ts";
import { createBreath } from "#src/lib/breath.ts";
import type { Clock } from "#src/lib/clock.ts";
import { toStoreError } from "#src/store/error.ts";
import { numberIn, type Row, type Statement, type Store } from "#src/store/store.ts";

/** What a run removed. */
export interface RetentionRun {
  rows: number;
  /** When the newest of them came in, Unix milliseconds. */
  until: number;
}

export interface RetentionOptions {
  store: Store;
  clock: Clock;
  processId: string;
  /** Days for which rows are kept; 0 keeps all. */
  usageDays: number;
  /** Asked only when there is something to remove. */
  signer(): Promise<HeadSigner>;
  /** The published heads, asked likewise: what they do not confirm is evidence, and stays. */
  heads(): readonly Head[];
  /** What else belongs into the transaction that notes what a run removed. */
  beside(run: RetentionRun): readonly Statement[];
  /** Told of each run that removed something. */
  onRemoved(run: RetentionRun): void;
  /** Told of a chain from which nothing is removed, because its rows are not what was written. */
  onStopped(message: string): void;
  /** Between two batches. */
  pauseMs?: number;
}

/** Removes old rows, and says what they were. */
export interface Retention {
  /** Removes what is due. Returns how many rows; none where another process is at it. Throws StoreError and VaultError. */
  run(): Promise<number>;
  /** Looks once an hour whether something is due, however often it is called; what fails is tried again an hour later. */
  tick(): Promise<void>;
  /** Lets the batch that is being removed end, and removes no more. */
  close(): Promise<void>;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** A process that is only just started has better things to do. */
const restMs = 60_000;
/** Rows that are read at a time, by a thread of its own. */
const pageRows = 200;
/**
 * Rows of one chain that are removed in one transaction. On a file it holds up the process, and no other can write meanwhile: of
 * 1,000 such transactions on 2 KB rows half took less than 0.5 ms, nine of ten less than 0.8 ms, on two cores under a load of 19.
 * Looking at rows gives way after 5 ms: between two turns of the event loop were less than 7 ms of processor time in 99 of 100.
 */
const batchRows = 100;
/** So that requests have the database to themselves most of the time. */
const defaultPauseMs = 20;

const rowsFrom = `SELECT position, id, account_id, record, chain, sequence, previous, hash FROM generation_record
WHERE position > ? ORDER BY position LIMIT ${pageRows}`;
const insertRemoval = `INSERT INTO removal (chain, first, last, hash, until, record, signature) VALUES (?, ?, ?, ?, ?, ?, ?)`;
const carryForward = `INSERT INTO removed_usage (account_id, cost, requests, last_id, last_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET cost = cost + excluded.cost, requests = requests + excluded.requests,
last_id = max(last_id, excluded.last_id), last_at = max(last_at, excluded.last_at)`;
const deleteRows = `DELETE FROM generation_record WHERE position IN (SELECT value FROM json_each(?))`;

/** Removes generations older than so many days: whole days, UTC, from the beginning of each chain only. */
export function createRetention(options: RetentionOptions): Retention {
  const { store, clock, usageDays, pauseMs = defaultPauseMs, onStopped } = options;
  const lock = createRemovalLock(options);
  let isClosed = false;
  let running: Promise<number> | undefined;
  let dueAt = clock.monotonic() + restMs;

  async function runAlone(): Promise<number> {
    const before = await cutoff();
    if (before === undefined || !(await hasOld(before))) return 0;
    if (!(await lock.take())) return 0;
    try {
      const removed = await removeAll(before);
      await noteRun(options);
      return removed;
    } finally {
      await lock.letGo();
    }
  }

  /** Rows that came in before it are old. Undefined: none is. */
  async function cutoff(): Promise<number | undefined> {
    if (usageDays === 0) return undefined;
    let now = clock.now();
    if (store.kind === "remote") {
      // A machine with a wrong clock must not remove what others keep.
      const [row] = await store.read(`SELECT ${databaseNow} AS now`, []);
      now = Math.min(now, numberIn(row, "now") ?? now);
    }
    return now - (now % dayMs) - usageDays * dayMs;
  }

  /** Most often nothing is, and then nothing has to be locked. */
  async function hasOld(before: number): Promise<boolean> {
    const [rows = []] = await store.snapshot([
      {
        sql: "SELECT created_at FROM generation ORDER BY position LIMIT 100",
        args: [],
      },
    ]);
    return rows.some((row) => (numberIn(row, "created_at") ?? before) < before);
  }

  async function removeAll(before: number): Promise<number> {
    const signer = await options.signer();
    const old = await oldRows(store, { before, heads: options.heads(), onStopped });
    const breathe = createBreath();
    let removed = 0;
    /** False where it cannot go on. */
    async function removeOne(batch: Old): Promise<boolean> {
      if (isClosed || !(await lock.renew()) || !(await remove(batch, signer))) return false;
      removed += batch.rows.length;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      return true;
    }
    for (let after = -Number.MAX_SAFE_INTEGER; ;) {
      const [page = []] = await store.snapshot([{ sql: rowsFrom, args: [after] }]);
      const picked = await old.pick(page, breathe);
      for (let batch; (batch = old.take(batchRows)) !== undefined;)
        if (!(await removeOne(batch))) return removed;
      // Behind a page of which all is kept, hardly a row is old.
      if (page.length < pageRows || picked === 0) break;
      after = numberIn(page.at(-1), "position") ?? after;
    }
    for (let batch; (batch = old.takeRest()) !== undefined;) if (!(await removeOne(batch))) break;
    return removed;
  }

  /** Takes rows out, and says what they came to, at once. False where another process has taken them. */
  async function remove({ removal, rows, accounts }: Old, signer: HeadSigner): Promise<boolean> {
    const { chain, first, last, hash, until } = removal;
    const { record, signature } = signRemoval(removal, clock.now(), signer);
    const positions = JSON.stringify(rows.map((row) => numberIn(row, "position")));
    try {
      await store.write([
        { sql: insertRemoval, args: [chain, first, last, hash, until, record, signature] },
        ...accounts.map(({ id, cost, requests, lastId, lastAt }) => ({
          sql: carryForward,
          args: [id, cost, requests, lastId, lastAt],
        })),
        { sql: deleteRows, args: [positions] },
      ]);
      return true;
    } catch (thrown) {
      if (toStoreError(thrown).fault === "conflict") return false;
      throw thrown;
    }
  }

  function run(): Promise<number> {
    running ??= runAlone().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    run,
    async tick() {
      if (isClosed || running !== undefined || clock.monotonic() < dueAt) return;
      dueAt = clock.monotonic() + hourMs;
      await run();
    },
    async close() {
      isClosed = true;
      // Whoever started it was told of what failed.
      await running?.catch(() => {});
    },
  };
}

/** What retention did so far, for those who ask. */
export interface RetentionState {
  /** Rows that were removed, ever. */
  rows: number;
  /** When the newest of them came in, Unix milliseconds. */
  until: number | undefined;
  /** When a run last removed something, Unix milliseconds. */
  lastAt: number | undefined;
}

/** Reads it. */
export async function retentionState(store: Store): Promise<RetentionState> {
  const [[all] = [], [last] = []]: Row[][] = await store.snapshot([
    removalsStatement,
    {
      sql: "SELECT record ->> '$.time' AS time FROM removal ORDER BY position DESC LIMIT 1",
      args: [],
    },
  ]);
  const { rows, until } = removedOf(all);
  const time = Date.parse(String(last?.["time"] ?? ""));
  return { rows, until, lastAt: Number.isNaN(time) ? undefined : time };
}
