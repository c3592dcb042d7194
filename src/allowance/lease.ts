import type { Chunk } from "#src/allowance/chunk.ts";
import { then, type Soon } from "#src/lib/soon.ts";
import { numberIn, textOf, type Statement, type Store, type Value } from "#src/store/store.ts";

const join = `INSERT INTO process (id, pid, host, started_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET pid = ?2, host = ?3, expires_at = ?5`;
const addRow = `INSERT INTO allowance (kind, owner, window_start) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`;
const take = `UPDATE allowance SET leased = leased + ?4 WHERE kind = ?1 AND owner = ?2 AND window_start = ?3
AND used + leased + ?4 <= coalesce(?5, granted, 0)`;
// Only when the statement before took: changes() is what it changed.
const note = `INSERT INTO lease (process, kind, owner, window_start, amount)
SELECT ?1, ?2, ?3, ?4, ?5 WHERE changes() = 1
ON CONFLICT DO UPDATE SET amount = amount + excluded.amount RETURNING amount`;
const look = `SELECT granted, used, leased FROM allowance WHERE kind = ? AND owner = ? AND window_start = ?`;
const giveUsed = `UPDATE allowance SET leased = leased - min(?4, coalesce((SELECT amount FROM lease
WHERE process = ?5 AND kind = ?1 AND owner = ?2 AND window_start = ?3), 0))
WHERE kind = ?1 AND owner = ?2 AND window_start = ?3`;
const giveLease = `UPDATE lease SET amount = amount - min(?5, amount)
WHERE process = ?1 AND kind = ?2 AND owner = ?3 AND window_start = ?4`;
const dead = `SELECT id, pid, host, expires_at FROM process
WHERE id <> ? AND id IN (SELECT process FROM lease)`;
const returnAll = `UPDATE allowance SET leased = leased - (SELECT amount FROM lease WHERE process = ?1
AND lease.kind = allowance.kind AND lease.owner = allowance.owner AND lease.window_start = allowance.window_start)
WHERE (kind, owner, window_start) IN (SELECT kind, owner, window_start FROM lease WHERE process = ?1)`;
const forget = "DELETE FROM lease WHERE process = ?";
const sweepLeases = `DELETE FROM lease WHERE process = ? AND amount = 0`;
const sweepMinutes = `DELETE FROM allowance WHERE kind IN ('requests_minute', 'tokens_minute', 'provider_minute') AND window_start < ?`;

/** Who leases. */
export interface Lessee {
  id: string;
  pid: number;
  host: string;
}

/** An allowance as the store has it. */
export interface Snapshot {
  granted: number;
  /** Used and leased by all. */
  committed: number;
  /** False when the limit did not allow what was asked. */
  isTaken: boolean;
}

/** Says until when this process's leases hold. */
export function joinStatement({ id, pid, host }: Lessee, now: number, until: number): Statement {
  return { sql: join, args: [id, pid, host, now, until] };
}

/** Leases `amount` more, if the limit (absent: what was granted) allows; and reads the allowance. 0 only reads. */
export function lease(
  store: Store,
  lessee: Lessee,
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
    { sql: take, args: [...place, amount, isCredit ? null : (limit ?? null)] },
    { sql: note, args: [lessee.id, ...place, amount] },
    { sql: look, args: place },
  ];
  return then(store.write(statements), (results) =>
    snapshot(results[3]?.[0], (results[2]?.length ?? 0) > 0),
  );
}

function snapshot(row: Parameters<typeof numberIn>[0], isTaken: boolean): Snapshot {
  const committed = (numberIn(row, "used") ?? 0) + (numberIn(row, "leased") ?? 0);
  return { granted: numberIn(row, "granted") ?? 0, committed, isTaken };
}

/** Statements that return a part of a lease. */
export function returnStatements(lessee: Lessee, chunk: Chunk, amount: number): Statement[] {
  const place: Value[] = [chunk.kind, chunk.owner, chunk.windowStart];
  return [
    { sql: giveUsed, args: [...place, amount, lessee.id] },
    { sql: giveLease, args: [lessee.id, ...place, amount] },
  ];
}

/** Statements that return everything a process had leased. */
export function abandonStatements(processId: string): Statement[] {
  return [
    { sql: returnAll, args: [processId] },
    { sql: forget, args: [processId] },
  ];
}

/** Statements that remove empty leases and rate windows that are over. */
export function sweepStatements(lessee: Lessee, now: number): Statement[] {
  return [
    { sql: sweepLeases, args: [lessee.id] },
    { sql: sweepMinutes, args: [now - 3_600_000] },
  ];
}

/** Other processes that hold leases and are gone: their time is over, or they ran on this host and do not live. */
export function deadProcesses(
  store: Store,
  lessee: Lessee,
  now: number,
  isAlive: (pid: number) => boolean,
): Soon<string[]> {
  return then(store.read(dead, [lessee.id]), (rows) =>
    rows
      .filter((row) => {
        if ((numberIn(row, "expires_at") ?? 0) < now) return true;
        if (textOf(row, "host") !== lessee.host) return false;
        const pid = numberIn(row, "pid") ?? 0;
        // A restarted container has the pid of the one before it.
        return pid !== 0 && (pid === lessee.pid || !isAlive(pid));
      })
      .map((row) => textOf(row, "id") ?? ""),
  );
}
