import { type Chunk, nameOf } from "#src/allowance/chunk.ts";
import { then, type Soon } from "#src/lib/soon.ts";
import {
  numberIn,
  type Row,
  textOf,
  type Statement,
  type Store,
  type Value,
} from "#src/store/store.ts";

/** What the clock of the database shows, Unix milliseconds: one for all processes, whatever theirs show. */
export const databaseNow = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

const arrive = `INSERT INTO process (id, started_at) VALUES (?, ?) ON CONFLICT DO NOTHING`;
// Done once at most, and not after one that was sent later.
const join = `UPDATE process SET pid = ?2, host = ?3, expires_at = NOW + ?4, epoch = ?5 WHERE id = ?1 AND epoch < ?5`;
const raise = `UPDATE process SET epoch = ?2 WHERE id = ?1 AND epoch < ?2`;
const renew = `UPDATE process SET expires_at = NOW + ?2 WHERE id = ?1 AND expires_at >= NOW RETURNING id`;
const addRow = `INSERT INTO allowance (kind, owner, window_start) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`;
const take = `UPDATE allowance SET leased = leased + ?4 WHERE kind = ?1 AND owner = ?2 AND window_start = ?3
AND used + leased + ?4 <= coalesce(?5, granted, 0)`;
// Only when the statement before took: changes() is what it changed.
const note = `INSERT INTO lease (process, kind, owner, window_start, amount)
SELECT ?1, ?2, ?3, ?4, ?5 WHERE changes() = 1
ON CONFLICT DO UPDATE SET amount = amount + excluded.amount RETURNING amount`;
const look = `SELECT granted, used, leased FROM allowance WHERE kind = ?1 AND owner = ?2 AND window_start = ?3`;
const lookBoth = look.replace(
  "leased FROM",
  "leased, (SELECT epoch FROM process WHERE id = ?4) AS epoch FROM",
);
const giveUsed = `UPDATE allowance SET leased = leased - min(?4, coalesce((SELECT amount FROM lease
WHERE process = ?5 AND kind = ?1 AND owner = ?2 AND window_start = ?3), 0))
WHERE kind = ?1 AND owner = ?2 AND window_start = ?3`;
const giveLease = `UPDATE lease SET amount = amount - min(?5, amount)
WHERE process = ?1 AND kind = ?2 AND owner = ?3 AND window_start = ?4`;
const dead = `SELECT id, pid, host, expires_at < NOW AS is_over FROM process
WHERE id <> ?1 AND id IN (SELECT process FROM lease)`;
const returnAll = `UPDATE allowance SET leased = leased - (SELECT amount FROM lease WHERE process = ?1
AND lease.kind = allowance.kind AND lease.owner = allowance.owner AND lease.window_start = allowance.window_start)
WHERE (kind, owner, window_start) IN (SELECT kind, owner, window_start FROM lease WHERE process = ?1)`;
const forget = "DELETE FROM lease WHERE process = ?1";
// It may have come back since it was found.
const whenOver = " AND (SELECT expires_at FROM process WHERE id = ?1) < NOW";
const takeAnyway = `UPDATE allowance SET leased = leased + ?4 WHERE kind = ?1 AND owner = ?2 AND window_start = ?3`;
const noteAnyway = `INSERT INTO lease (process, kind, owner, window_start, amount) SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?5 > 0`;
const leased = `SELECT kind, owner, window_start, amount FROM lease WHERE process = ?1 AND amount > 0`;
const sweepLeases = `DELETE FROM lease WHERE process = ? AND amount = 0`;
const sweepMinutes = `DELETE FROM allowance WHERE kind IN ('requests_minute', 'tokens_minute', 'provider_minute') AND window_start < NOW - 3600000`;

/** Who leases. */
export interface Lessee {
  id: string;
  pid: number;
  host: string;
}

/**
 * Who sends a statement, and in which epoch of its leases. Over a network it may be carried out long after its sender gave up on
 * it: it then does nothing, once a later epoch was begun. Absent on a file, where it is carried out at once or never.
 */
export interface Sender {
  id: string;
  epoch: number | undefined;
}

/** An allowance as the store has it. */
export interface Snapshot {
  granted: number;
  /** Used and leased by all. */
  committed: number;
  /** False when the limit did not allow what was asked. */
  isTaken: boolean;
  /** The sender's, as the store has it; absent where it was not asked for, or where the store does not know the sender. */
  epoch: number | undefined;
}

/** The time, as a process has it, Unix milliseconds, and for how long from now on its leases are its own. */
export interface Term {
  now: number;
  milliseconds: number;
}

/** On one machine all have its time; over a network that of the database counts. */
function timed(store: Store, now: number, sql: string, args: Value[]): Statement {
  if (store.kind === "remote") return { sql: sql.replaceAll("NOW", databaseNow), args };
  return { sql: sql.replaceAll("NOW", `?${args.length + 1}`), args: [...args, now] };
}

/** A statement, which ends in a condition, with the further one that the epoch is still the sender's. */
function fenced({ id, epoch }: Sender, sql: string, args: Value[]): Statement {
  if (epoch === undefined) return { sql, args };
  const fence = `(SELECT epoch FROM process WHERE id = ?${args.length + 1}) = ?${args.length + 2}`;
  return { sql: `${sql} AND ${fence}`, args: [...args, id, epoch] };
}

/** Begins anew, in an epoch that was never sent before: returns what this process had leased, takes what it has to keep, and says for how long. */
export function joinStatements(
  store: Store,
  { id, pid, host }: Lessee,
  epoch: number,
  kept: readonly Leased[],
  { now, milliseconds }: Term,
): Statement[] {
  const sender: Sender = { id, epoch };
  return [
    { sql: arrive, args: [id, now] },
    timed(store, now, join, [id, pid, host, milliseconds, epoch]),
    fenced(sender, returnAll, [id]),
    fenced(sender, forget, [id]),
    // Promised already, whatever the limit says now.
    ...kept.flatMap(({ kind, owner, windowStart, amount }): Statement[] => [
      { sql: addRow, args: [kind, owner, windowStart] },
      fenced(sender, takeAnyway, [kind, owner, windowStart, amount]),
      fenced(sender, noteAnyway, [id, kind, owner, windowStart, amount]),
    ]),
  ];
}

/** Says for how long this process's leases hold; finds a row where they still did, none where they were over. */
export function renewStatement(
  store: Store,
  { id }: Lessee,
  { now, milliseconds }: Term,
): Statement {
  return timed(store, now, renew, [id, milliseconds]);
}

/** Leases `amount` more, if the limit (absent: what was granted) allows; and reads the allowance. 0 only reads. */
export function lease(
  store: Store,
  sender: Sender,
  chunk: Chunk,
  amount: number,
  limit: number | undefined,
): Soon<Snapshot> {
  const place: Value[] = [chunk.kind, chunk.owner, chunk.windowStart];
  const isCredit = chunk.kind === "credit";
  if (amount === 0) {
    return then(store.read(look, place), (rows) => snapshot(rows[0], true));
  }
  const statements: Statement[] = [
    { sql: addRow, args: place },
    fenced(sender, take, [...place, amount, isCredit ? null : (limit ?? null)]),
    { sql: note, args: [sender.id, ...place, amount] },
    sender.epoch === undefined
      ? { sql: look, args: place }
      : { sql: lookBoth, args: [...place, sender.id] },
  ];
  return then(store.write(statements), (results) =>
    snapshot(results[3]?.[0], (results[2]?.length ?? 0) > 0),
  );
}

function snapshot(row: Parameters<typeof numberIn>[0], isTaken: boolean): Snapshot {
  const committed = (numberIn(row, "used") ?? 0) + (numberIn(row, "leased") ?? 0);
  const epoch = numberIn(row, "epoch");
  return { granted: numberIn(row, "granted") ?? 0, committed, isTaken, epoch };
}

/** Statements that return a part of a lease. */
export function returnStatements(
  sender: Sender,
  chunk: Pick<Leased, "kind" | "owner" | "windowStart">,
  amount: number,
): Statement[] {
  const place: Value[] = [chunk.kind, chunk.owner, chunk.windowStart];
  return [
    fenced(sender, giveUsed, [...place, amount, sender.id]),
    fenced(sender, giveLease, [sender.id, ...place, amount]),
  ];
}

/** Statements that return everything that processes had leased which are gone. */
export function abandonStatements(
  store: Store,
  processes: readonly DeadProcess[],
  now: number,
): Statement[] {
  return processes.flatMap(({ id, isOver }): Statement[] =>
    isOver
      ? [timed(store, now, returnAll + whenOver, [id]), timed(store, now, forget + whenOver, [id])]
      : [
          { sql: returnAll, args: [id] },
          { sql: forget, args: [id] },
        ],
  );
}

/** Statements that remove empty leases, and rate windows that have been over for an hour. */
export function sweepStatements(store: Store, lessee: Lessee, now: number): Statement[] {
  return [{ sql: sweepLeases, args: [lessee.id] }, timed(store, now, sweepMinutes, [])];
}

/** A process that holds leases and is gone: its time is over, or it ran on this host and does not live. */
export interface DeadProcess {
  id: string;
  isOver: boolean;
}

/** All but this one. */
export function deadProcesses(
  store: Store,
  lessee: Lessee,
  now: number,
  isAlive: (pid: number) => boolean,
  isKin: (id: string) => boolean,
): Soon<DeadProcess[]> {
  const { sql, args } = timed(store, now, dead, [lessee.id]);
  return then(store.read(sql, args), (rows) =>
    rows
      .map((row) => ({ row, id: textOf(row, "id") ?? "", isOver: numberIn(row, "is_over") === 1 }))
      .filter(({ row, id, isOver }) => {
        if (isOver) return true;
        if (isKin(id)) return false;
        if (textOf(row, "host") !== lessee.host) return false;
        const pid = numberIn(row, "pid") ?? 0;
        // A restarted container has the pid of the one before it.
        return pid !== 0 && (pid === lessee.pid || !isAlive(pid));
      })
      .map(({ id, isOver }) => ({ id, isOver })),
  );
}

/** What the store says that this process has leased, by the names of the chunks. */
export function readLeases(store: Store, { id }: Lessee): Soon<Map<string, Leased>> {
  return then(store.read(leased, [id]), byName);
}

/** The same, for good as far as statements of earlier epochs go: begins one that was never sent before. */
export function settleLeases(
  store: Store,
  { id }: Lessee,
  epoch: number,
): Soon<Map<string, Leased>> {
  const statements: Statement[] = [
    { sql: raise, args: [id, epoch] },
    { sql: leased, args: [id] },
  ];
  return then(store.write(statements), ([, rows = []]) => byName(rows));
}

function byName(rows: readonly Row[]): Map<string, Leased> {
  return new Map(rows.map(leasedIn));
}

/** A part of an allowance. */
export interface Leased {
  kind: string;
  owner: string;
  windowStart: number;
  amount: number;
}

function leasedIn(row: Row): [string, Leased] {
  const [kind, owner] = [textOf(row, "kind") ?? "", textOf(row, "owner") ?? ""];
  const windowStart = numberIn(row, "window_start") ?? 0;
  const amount = numberIn(row, "amount") ?? 0;
  return [nameOf({ kind, owner, windowStart }), { kind, owner, windowStart, amount }];
}
