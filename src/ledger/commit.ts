import type { Movement } from "#src/allowance/allowance.ts";
import type { Clock } from "#src/lib/clock.ts";
import { chainStart, linkHash } from "#src/ledger/chain.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { writeMovements } from "#src/ledger/movement.ts";
import { writeRollups } from "#src/ledger/rollup.ts";
import { recordOf } from "#src/ledger/row.ts";
import type { Watch } from "#src/ledger/watch.ts";
import { toStoreError, type StoreError } from "#src/store/error.ts";
import { numberIn, textOf, type Statement, type Store } from "#src/store/store.ts";

/** What ended: the row to keep and what it took from the allowances. */
export interface Entry {
  generation: Generation;
  movements: readonly Movement[];
}

/** Keeps what happened. */
export interface Ledger {
  /** Resolves when the row is durable. Rejects when it could not be kept within the time of the retries. */
  record(entry: Entry): Promise<void>;
  /** Resolves when everything recorded so far is durable or rejected. */
  flush(): Promise<void>;
  /** Flushes and accepts nothing more. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  store: Store;
  clock: Clock;
  /** Id of this process, the name of its hash chain; never used before. */
  processId: string;
  /** Told of each failed commit; `attempt` starts at 1. */
  onFault?: (error: StoreError, attempt: number, rows: number) => void;
  /** Told of each commit, for metrics. */
  onCommit?: (rows: number, milliseconds: number) => void;
  /** Told of each row that is kept. */
  watch?: Watch;
  /** What else belongs into the transaction of a group. Asked again with each try. */
  beside?: (group: readonly Entry[]) => readonly Statement[];
  /** Pauses before each retry; the length of the list is the number of retries. */
  retryMilliseconds?: readonly number[];
  /** Where a chain goes on that was begun before; absent: it begins. */
  head?: Link;
}

interface Waiting extends Entry {
  resolve: () => void;
  reject: (error: StoreError) => void;
}

/** How far a chain goes, and the hash of its last row. */
export interface Link {
  sequence: number;
  hash: string;
}

const insertRow = `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
VALUES (?, ?, ?, ?, ?, ?, ?)`;
const moveHead = `INSERT INTO process (id, started_at, sequence, head) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET sequence = excluded.sequence, head = excluded.head`;

/** Turns that a group may wait for more rows. */
const maxTurns = 8;

/** A ledger that commits everything that ended in one turn of the event loop as one group. */
export function createLedger(options: LedgerOptions): Ledger {
  const { store, clock, processId, onFault, onCommit, watch, beside } = options;
  const pauses = options.retryMilliseconds ?? [20, 50, 100, 250, 500, 1000, 2000];
  let queue: Waiting[] = [];
  let head: Link = options.head ?? { sequence: 0, hash: chainStart(processId) };
  /** A row of which nobody knows whether the database has it, so that the end of the chain is not known either. */
  let doubtful: string | undefined;
  let running: Promise<void> | undefined;
  let isClosed = false;

  function schedule(): void {
    running ??= drain();
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await gathered();
      const group = queue;
      queue = [];
      await commit(group);
    }
    running = undefined;
  }

  /** Resolves after a turn of the event loop in which nothing more ended, so that a busy process writes large groups. */
  async function gathered(): Promise<void> {
    for (let turns = 0, before = 0; turns < maxTurns && queue.length > before; turns++) {
      before = queue.length;
      await nextTurn();
    }
  }

  /** Resolves with why it is not known whether what follows in the chain can be written; undefined: it can. */
  async function commit(group: readonly Waiting[]): Promise<StoreError | undefined> {
    const from = clock.monotonic();
    const kept = await attempt(group);
    if (typeof kept === "number") {
      const those = kept === group.length ? group : group.slice(0, kept);
      onCommit?.(those.length, clock.monotonic() - from);
      for (const { resolve } of those) resolve();
      if (watch !== undefined && watch.listeners.size > 0) tell(watch, those);
      return kept === group.length ? undefined : commit(group.slice(kept));
    }
    if (group.length === 1 || canPass(kept)) {
      for (const { reject } of group) reject(kept);
      return canPass(kept) ? kept : undefined;
    }
    // One bad row must not take the others with it.
    for (const [at, one] of group.entries()) {
      const away = await commit([one]);
      if (away === undefined) continue;
      // It may have its place in the chain: those behind it must not take that.
      for (const { reject } of group.slice(at + 1)) reject(away);
      return away;
    }
    return undefined;
  }

  /** How many rows the database has now, from the first on; fewer than all where these were there before. */
  async function attempt(group: readonly Waiting[]): Promise<number | StoreError> {
    for (let tries = 1; ; tries++) {
      try {
        const first = group[0]?.generation.id;
        if (doubtful !== undefined && doubtful !== first) head = await recorded();
        const { statements, last } = write(group, head, processId, clock);
        if (beside !== undefined) statements.push(...beside(group));
        // Of a file, what failed is not there.
        if (store.kind === "remote") doubtful = first;
        const written = store.write(statements);
        // Without a wait when there is none: the turn that ended the requests also answers them.
        if (written instanceof Promise) await written;
        head = last;
        doubtful = undefined;
        return group.length;
      } catch (thrown) {
        let error = toStoreError(thrown);
        if (error.fault === "conflict") {
          const kept = await committedBefore(group).catch(toStoreError);
          if (typeof kept !== "number") error = kept;
          else if (kept > 0) return kept;
        }
        onFault?.(error, tries, group.length);
        const pause = pauses[tries - 1];
        if (pause === undefined || !canPass(error)) return error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** Moves the chain on over the rows that the database has already: their commit was done but its answer lost. Throws where that cannot be read. */
  async function committedBefore(group: readonly Waiting[]): Promise<number> {
    const { links } = write(group, head, processId, clock);
    const found = await store.read(
      "SELECT id, hash FROM generation_record WHERE id IN (SELECT value FROM json_each(?))",
      [JSON.stringify(links.map(({ id }) => id))],
    );
    const hashes = new Map(found.map((row) => [textOf(row, "id"), textOf(row, "hash")]));
    let kept = 0;
    for (const { id, hash } of links) {
      if (hashes.get(id) !== hash) break;
      head = { sequence: head.sequence + 1, hash };
      kept++;
    }
    if (kept > 0) doubtful = undefined;
    return kept;
  }

  /** Where the database has the chain end: nobody else writes it. */
  async function recorded(): Promise<Link> {
    const sql = "SELECT sequence, head FROM process WHERE id = ?";
    const [row] = await store.read(sql, [processId]);
    if (row === undefined) return head;
    const sequence = numberIn(row, "sequence") ?? 0;
    return sequence > head.sequence ? { sequence, hash: textOf(row, "head") ?? "" } : head;
  }

  async function flush(): Promise<void> {
    while (running !== undefined) await running;
  }

  return {
    record(entry) {
      if (isClosed) return Promise.reject(toStoreError(new Error("the ledger is closed")));
      return new Promise((resolve, reject) => {
        queue.push({ ...entry, resolve, reject });
        schedule();
      });
    },
    flush,
    async close() {
      isClosed = true;
      await flush();
    },
  };
}

function tell({ listeners }: Watch, group: readonly Entry[]): void {
  for (const listener of listeners) for (const { generation } of group) listener(generation);
}

/** Whether it may go by waiting: no fault of the rows. */
export function canPass(error: StoreError): boolean {
  return error.fault === "busy" || error.fault === "unavailable";
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Writing {
  statements: Statement[];
  links: { id: string; hash: string }[];
  last: Link;
}

function write(group: readonly Entry[], head: Link, processId: string, clock: Clock): Writing {
  const statements: Statement[] = [];
  const links: Writing["links"] = [];
  const movements: Movement[] = [];
  const generations: Generation[] = [];
  let { sequence, hash } = head;
  for (const entry of group) {
    const { generation } = entry;
    const { id, accountId } = generation;
    generations.push(generation);
    const record = recordOf(generation);
    const previous = hash;
    hash = linkHash(previous, record);
    sequence++;
    statements.push({
      sql: insertRow,
      args: [id, accountId, record, processId, sequence, previous, hash],
    });
    links.push({ id, hash });
    for (const movement of balanced(entry)) movements.push(movement);
  }
  statements.push(...writeMovements(movements, processId));
  statements.push(...writeRollups(generations));
  statements.push({ sql: moveHead, args: [processId, clock.now(), sequence, hash] });
  return { statements, links, last: { sequence, hash } };
}

/** The movements, with the account's credit moved by exactly what the row says: the sum of transactions is the balance. */
function balanced({ generation, movements }: Entry): readonly Movement[] {
  const { accountId, cost = 0 } = generation;
  let moved = 0;
  for (const { kind, owner, used } of movements) {
    if (kind === "credit" && owner === accountId) moved += used;
  }
  if (moved === cost) return movements;
  const rest: Movement = { kind: "credit", owner: accountId, windowStart: 0, used: cost - moved };
  return [...movements, rest];
}
