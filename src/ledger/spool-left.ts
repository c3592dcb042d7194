import { rmSync } from "node:fs";
import { abandonStatements, databaseNow } from "#src/allowance/lease.ts";
import {
  canPass,
  createLedger,
  type Entry,
  type LedgerOptions,
  type Link,
} from "#src/ledger/commit.ts";
import {
  claim,
  isBehindOther,
  isSharedWithOther,
  leftFiles,
  type LeftFile,
  letGo,
  linesOf,
  ownersIn,
  spoolFolder,
} from "#src/ledger/spool-file.ts";
import { idsIn } from "#src/ledger/spool-filed.ts";
import { entryOf, lineOf } from "#src/ledger/spool-line.ts";
import { refuseRow } from "#src/ledger/spool-refused.ts";
import { type StoreError, toStoreError } from "#src/store/error.ts";
import { numberIn, textOf } from "#src/store/store.ts";

export interface LeftOptions extends Omit<LedgerOptions, "processId" | "head"> {
  dataDir: string;
  onTrouble(event: string, rows: number, cause: unknown): void;
  /** Told of rows of a dead process that the database has now. */
  onSent(processId: string, rows: number): void;
}

/** What processes that died left in this data directory. */
export interface LeftSpools {
  /** Sends it, each row once, under the chain of its own process, and gives that process's leases back. Throws StoreError where the database is away. */
  send(): Promise<void>;
  /** Whether rows of a process still wait here, so that what it had leased is not free yet. */
  isOwed(processId: string): boolean;
  /** Leaves to others what it had taken upon itself and could not send. */
  close(): Promise<void>;
}

/** Rows that are sent at a time. */
const mostRows = 500;

/** The database answers, and refused every row. */
class TakesNone extends Error {
  override readonly name = "TakesNone";
  constructor(
    readonly rows: number,
    cause: StoreError,
  ) {
    super(cause.message, { cause });
  }
}

/** Looks after the files of a data directory that nobody writes any more. */
export function openLeftSpools(options: LeftOptions): LeftSpools {
  const { store, clock, onTrouble, onSent } = options;
  const folder = spoolFolder(options.dataDir);
  /** Ours by now, and not sent yet. */
  const claimed = new Map<string, LeftFile>();
  const strange = new Set<string>();
  let sending: Promise<void> | undefined;

  async function send(): Promise<void> {
    const byProcess = new Map<string, LeftFile[]>();
    for (const file of [...claimed.values(), ...leftFiles(folder)]) {
      const files = byProcess.get(file.processId);
      if (files === undefined) byProcess.set(file.processId, [file]);
      else files.push(file);
    }
    for (const [processId, files] of byProcess) await sendOne(processId, files);
  }

  async function sendOne(processId: string, files: readonly LeftFile[]): Promise<void> {
    const [row] = await store.read(
      // By the clock of the database, as it was written.
      `SELECT expires_at < ${databaseNow} AS is_over FROM process WHERE id = ?`,
      [processId],
    );
    if (row === undefined) {
      // Of another database: it stays for the day when this directory is used with that one again.
      if (!strange.has(processId)) onTrouble("spool_of_another_database", 0, undefined);
      strange.add(processId);
      return;
    }
    const mayLive = files.some(({ isCertain }) => !isCertain);
    if (mayLive && numberIn(row, "is_over") !== 1) return;
    for (const file of files) {
      const ours = claimed.has(file.path) ? file : claim(folder, file);
      if (ours !== undefined) claimed.set(ours.path, ours);
    }
    const mine = [...claimed.values()]
      .filter((file) => file.processId === processId)
      .toSorted((one, other) => one.order - other.order);
    const [first] = mine;
    // Another process on this directory sends them. Of two that have files of one chain, each would follow the same row.
    if (first === undefined || isBehindOther(folder, first)) return;
    const head = await headOf(processId);
    let rows: number;
    try {
      rows = await sendRows(processId, mine, head);
    } catch (thrown) {
      if (!(thrown instanceof TakesNone)) throw thrown;
      // It is the database that has to be mended; the rows stay, and what was leased stays owed.
      onTrouble("spool_not_taken", thrown.rows, thrown.cause);
      return;
    }
    // Whoever sends the last of them gives the leases back.
    if (!isSharedWithOther(folder, first))
      await store.write(abandonStatements(store, [{ id: processId, isOver: false }], clock.now()));
    for (const { path } of mine) {
      rmSync(path, { force: true });
      claimed.delete(path);
    }
    if (rows > 0) onSent(processId, rows);
  }

  /** Read only once its files are ours: who had them may have moved it. */
  async function headOf(processId: string): Promise<Link | undefined> {
    const sql = "SELECT sequence, head FROM process WHERE id = ?";
    const [row] = await store.read(sql, [processId]);
    const sequence = (row && numberIn(row, "sequence")) ?? 0;
    return sequence > 0 ? { sequence, hash: (row && textOf(row, "head")) ?? "" } : undefined;
  }

  async function sendRows(
    processId: string,
    files: readonly LeftFile[],
    head: Link | undefined,
  ): Promise<number> {
    const entries = new Map<string, Entry>();
    for (const line of files.flatMap(linesOf)) {
      const entry = entryOf(line);
      if (entry === undefined) refuse(line, new Error("the line cannot be read"));
      else entries.set(entry.generation.id, entry);
    }
    const found = await idsIn(store, [...entries.keys()]);
    const until = await removedUntilIn(processId);
    const missing = [...entries.values()].filter((entry) => {
      const { generation } = entry;
      if (found.has(generation.id)) return false;
      if (until === undefined || generation.createdAt > until) return true;
      // It may have come through before and been removed since: nobody is charged twice.
      refuse(lineOf(entry), new Error("rows as old were removed"));
      return false;
    });
    const ledger = createLedger({
      ...options,
      processId,
      retryMilliseconds: [50, 500],
      ...(head === undefined ? {} : { head }),
    });
    let taken = 0;
    for (let at = 0; at < missing.length; at += mostRows) {
      const group = missing.slice(at, at + mostRows);
      const outcomes = await Promise.allSettled(group.map((entry) => ledger.record(entry)));
      const failed = group.flatMap((entry, index) => {
        const outcome = outcomes[index];
        return outcome?.status === "rejected"
          ? [{ entry, error: toStoreError(outcome.reason) }]
          : [];
      });
      taken += group.length - failed.length;
      await settleFailed(failed, taken);
    }
    return missing.length;
  }

  /** When the newest row of a chain came in that was removed because it was old. */
  async function removedUntilIn(processId: string): Promise<number | undefined> {
    const sql = "SELECT max(until) AS until FROM removal WHERE chain = ?";
    const [row] = await store.read(sql, [processId]);
    return numberIn(row, "until");
  }

  /** Throws where the database is away or takes no row at all; sets aside what it will never take. */
  async function settleFailed(
    failed: readonly { entry: Entry; error: StoreError }[],
    taken: number,
  ): Promise<void> {
    const away = failed.find(({ error }) => canPass(error));
    if (away !== undefined) throw away.error;
    // The last words of the dead process may have come through only now.
    const ids = failed.map(({ entry }) => entry.generation.id);
    const late = ids.length === 0 ? new Set<string>() : await idsIn(store, ids);
    const refused = failed.filter(({ entry }) => !late.has(entry.generation.id));
    const [first] = refused;
    const isRowsFault =
      taken + late.size > 0 || refused.some(({ error }) => error.fault === "conflict");
    if (first !== undefined && !isRowsFault) throw new TakesNone(refused.length, first.error);
    for (const { entry, error } of refused) refuse(lineOf(entry), error);
  }

  function refuse(line: string, cause: Error): void {
    onTrouble("row_refused", 1, cause);
    refuseRow(folder, line, cause);
  }

  return {
    send() {
      sending ??= send().finally(() => {
        sending = undefined;
      });
      return sending;
    },
    isOwed: (processId) => ownersIn(folder).has(processId) && !strange.has(processId),
    async close() {
      await sending?.catch(() => undefined);
      for (const file of claimed.values()) letGo(folder, file);
      claimed.clear();
    },
  };
}
