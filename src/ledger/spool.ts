import type { Movement } from "#src/allowance/allowance.ts";
import {
  canPass,
  createLedger,
  type Entry,
  type Ledger,
  type LedgerOptions,
} from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { isAsked } from "#src/ledger/generations.ts";
import { createSpoolFile, type SpoolFile, spoolFolder } from "#src/ledger/spool-file.ts";
import { lineOf } from "#src/ledger/spool-line.ts";
import { refuseRow } from "#src/ledger/spool-refused.ts";
import { withdrawn } from "#src/ledger/withdrawn.ts";
import { toStoreError, type StoreError } from "#src/store/error.ts";

/*
 * The ledger of a gateway whose database is elsewhere. A row is kept as soon as it stands in a file here, so that an answer
 * waits for no network and none is lost while the database is away; from the file, rows are sent in their order, each once.
 */

/** A ledger that keeps rows here until the database has them. */
export interface Spool extends Ledger {
  /** A request of this process that the database may not have yet, by its id or that of its completion. */
  find(accountId: string | undefined, id: string): Generation | undefined;
  /** True when no more may be kept here: the database has been away for too long. */
  isFull(): boolean;
  /** Rows that were recorded, ever. */
  recorded(): number;
  /** How many of these the database may not have yet. Walks all that wait: not for the way of a request. */
  count(isMeant: (generation: Generation) => boolean): number;
  waiting(): Waiting;
}

/** Rows that the database does not have yet. */
export interface Waiting {
  rows: number;
  bytes: number;
  /** Bytes that may wait: beyond them nothing is admitted. */
  mostBytes: number;
  /** When the request ended that has waited longest, Unix milliseconds. */
  oldest: number | undefined;
}

export interface SpoolOptions extends LedgerOptions {
  dataDir: string;
  /** `full` waits for the disk with each write: it survives a power cut. */
  synchronous: "normal" | "full";
  /** Told of what the database has, or will never have. */
  onWritten?(movements: readonly Movement[]): void;
  /** Told of rows that could not be kept here, or that the database refuses for good. */
  onTrouble(event: string, rows: number, cause: unknown): void;
  /** Bytes that may wait; beyond them the spool is full. */
  mostBytes?: number;
  /** Bytes after which another file is begun. */
  fileBytes?: number;
}

interface Part {
  file: SpoolFile;
  unsent: number;
}

/** A row on its way. */
interface Kept {
  entry: Entry;
  /** Counted from 1, in the order of the requests' ends. */
  number: number;
  bytes: number;
  /** Where it stands; absent where the disk did not take it. */
  part?: Part;
  /** How often the database refused it, and how many rows it had taken before that. */
  refusals: number;
  takenBefore: number;
  resolve(): void;
  reject(error: StoreError): void;
}

/** Rows that are sent at a time. */
const mostRows = 500;
/** Beyond it a file in which nothing is needed any more is emptied. */
const clearBytes = 64 * 1024;
const longestPauseMs = 2000;
/** Refusals after which it is the row that is wrong, where others were taken meanwhile. */
const mostRefusals = 5;

/** Opens a spool in the data directory. Throws StoreError where it cannot be written. */
export function openSpool(options: SpoolOptions): Spool {
  const { dataDir, processId, synchronous, onTrouble, onWritten } = options;
  const { mostBytes = 64 * 1024 * 1024, fileBytes = 8 * 1024 * 1024 } = options;
  const folder = spoolFolder(dataDir);
  const ledger = createLedger({ ...options, retryMilliseconds: [] });
  const byId = new Map<string, Generation>();
  const waiters: { number: number; resolve: () => void }[] = [];
  let arrived: Kept[] = [];
  let unsent: Kept[] = [];
  let unsentBytes = 0;
  let recorded = 0;
  let taken = 0;
  let files = 0;
  let part: Part | undefined;
  let appending: Promise<void> | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;
  const closing = Promise.withResolvers<void>();

  /** One write for all that ended in a turn of the event loop. */
  async function append(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    appending = undefined;
    const rows = arrived;
    arrived = [];
    const lines = rows.map(({ entry }) => lineOf(entry));
    try {
      const into = partFor();
      into.file.append(lines.join(""));
      for (const [at, row] of rows.entries()) {
        row.part = into;
        row.bytes = lines[at]?.length ?? 0;
        into.unsent++;
        unsentBytes += row.bytes;
        byId.set(row.entry.generation.id, row.entry.generation);
        row.resolve();
      }
    } catch (cause) {
      // These wait for the database, as they would without a spool.
      onTrouble("spool_failed", rows.length, cause);
    }
    unsent.push(...rows);
    sending ??= send();
  }

  function partFor(): Part {
    if (part !== undefined && part.file.bytes < fileBytes) return part;
    const isSynced = synchronous === "full";
    part = { file: createSpoolFile(folder, processId, ++files, { isSynced }), unsent: 0 };
    return part;
  }

  async function send(): Promise<void> {
    let failures = 0;
    while (unsent.length > 0 && !(isClosed && failures > 0)) {
      const group = unsent.slice(0, mostRows);
      const outcomes = await Promise.allSettled(group.map(({ entry }) => ledger.record(entry)));
      const again: Kept[] = [];
      for (const [at, row] of group.entries()) {
        const outcome = outcomes[at];
        if (outcome?.status === "fulfilled") {
          taken++;
          sent(row);
        } else if (!failed(row, toStoreError(outcome?.reason))) again.push(row);
      }
      unsent.splice(0, group.length, ...again);
      tellWaiters();
      failures = again.length === 0 ? 0 : failures + 1;
      if (failures > 0) await pause(Math.min(longestPauseMs, 25 * 2 ** failures));
    }
    sending = undefined;
  }

  /** The end of a row that the database has, or will never have. */
  function sent(row: Kept): void {
    row.resolve();
    onWritten?.(row.entry.movements);
    byId.delete(row.entry.generation.id);
    unsentBytes -= row.bytes;
    if (row.part === undefined || --row.part.unsent > 0) return;
    try {
      if (row.part !== part) row.part.file.remove();
      else if (part.file.bytes > clearBytes) part.file.clear();
    } catch (cause) {
      // Whoever reads it again finds that the database has these rows.
      onTrouble("spool_failed", 0, cause);
    }
  }

  /** Whether a row that was not taken is done with. */
  function failed(row: Kept, error: StoreError): boolean {
    if (row.part === undefined) {
      row.reject(error);
      if (canPass(error)) {
        // Nobody knows whether it is there, or comes late. What goes in its place has its id, so only one of both can be.
        row.entry = withdrawn(row.entry);
        return false;
      }
      onWritten?.(row.entry.movements);
      return true;
    }
    if (canPass(error) || !isItsFault(row, error)) return false;
    try {
      refuseRow(folder, lineOf(row.entry), error);
    } catch (cause) {
      // It stays where it is until it can be set aside.
      onTrouble("spool_failed", 1, cause);
      return false;
    }
    onTrouble("row_refused", 1, error);
    sent(row);
    return true;
  }

  /** A database that takes no row at all is what has to be mended; the rows stay. */
  function isItsFault(row: Kept, { fault }: StoreError): boolean {
    if (fault === "conflict") return true;
    if (row.refusals === 0) row.takenBefore = taken;
    row.refusals++;
    return row.refusals >= mostRefusals && taken > row.takenBefore;
  }

  function pause(milliseconds: number): Promise<unknown> {
    const waited = new Promise((resolve) => setTimeout(resolve, milliseconds));
    return Promise.race([waited, closing.promise]);
  }

  function tellWaiters(): void {
    const first = unsent[0]?.number ?? arrived[0]?.number ?? Number.POSITIVE_INFINITY;
    for (let next = waiters[0]; next !== undefined && next.number < first; next = waiters[0]) {
      waiters.shift();
      next.resolve();
    }
  }

  return {
    record(entry) {
      if (isClosed) return Promise.reject(toStoreError(new Error("the ledger is closed")));
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      arrived.push({
        entry,
        number: ++recorded,
        bytes: 0,
        refusals: 0,
        takenBefore: 0,
        resolve,
        reject,
      });
      appending ??= append();
      return promise;
    },
    flush() {
      if (arrived.length === 0 && unsent.length === 0) return Promise.resolve();
      return new Promise((resolve) => void waiters.push({ number: recorded, resolve }));
    },
    find(accountId, id) {
      const found = byId.get(`gen_${id.slice(-26)}`);
      return found !== undefined && isAsked(found, accountId, id) ? found : undefined;
    },
    isFull: () => unsentBytes >= mostBytes,
    recorded: () => recorded,
    count(isMeant) {
      const fits = ({ entry }: Kept) => isMeant(entry.generation);
      return arrived.filter(fits).length + unsent.filter(fits).length;
    },
    waiting: () => ({
      rows: arrived.length + unsent.length,
      bytes: unsentBytes,
      mostBytes,
      oldest: (unsent[0] ?? arrived[0])?.entry.generation.completedAt,
    }),
    async close() {
      isClosed = true;
      closing.resolve();
      await appending;
      await sending;
      await ledger.close();
      const left = unsent.flatMap((row) => row.part ?? []);
      if (left.length > 0) onTrouble("rows_left_in_spool", left.length, undefined);
      const parts = new Set(left);
      for (const one of parts) one.file.leave();
      if (part !== undefined && !parts.has(part)) part.file.remove();
    },
  };
}
