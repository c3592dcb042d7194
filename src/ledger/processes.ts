import { numberIn, textOf, type Store } from "#src/store/store.ts";

/** A gateway on this database, running or gone: its leases, and the end of its hash chain. */
export interface ProcessRow {
  /** `proc_…` */
  id: string;
  pid: number;
  host: string;
  startedAt: number;
  /** Until when its leases hold: in the future while it runs. */
  expiresAt: number;
  /** Rows of its chain, and the hash of the last. */
  sequence: number;
  head: string;
  leases: number;
}

/** Processes of a database. */
export interface Processes {
  /** The newest, and all that run. */
  rows: ProcessRow[];
  /** How many there ever were. */
  total: number;
  /** Ledger rows of all of them. */
  ledgerRows: number;
  /** Leases that hold something, by what is leased. */
  leases: ReadonlyMap<string, number>;
}

/** Reads them; `most` of those that are gone. */
export async function listProcesses(store: Store, most: number): Promise<Processes> {
  const [rows, sums, leases] = await Promise.all([
    store.read(
      `SELECT one.*, (SELECT count(*) FROM lease WHERE lease.process = one.id AND amount > 0) AS leases
        FROM process AS one ORDER BY expires_at DESC, id DESC LIMIT ?`,
      [most],
    ),
    store.read("SELECT count(*) AS total, sum(sequence) AS ledger_rows FROM process", []),
    store.read("SELECT kind, count(*) AS held FROM lease WHERE amount > 0 GROUP BY kind", []),
  ]);
  return {
    rows: rows.map((row) => ({
      id: textOf(row, "id") ?? "",
      pid: numberIn(row, "pid") ?? 0,
      host: textOf(row, "host") ?? "",
      startedAt: numberIn(row, "started_at") ?? 0,
      expiresAt: numberIn(row, "expires_at") ?? 0,
      sequence: numberIn(row, "sequence") ?? 0,
      head: textOf(row, "head") ?? "",
      leases: numberIn(row, "leases") ?? 0,
    })),
    total: numberIn(sums[0], "total") ?? 0,
    ledgerRows: numberIn(sums[0], "ledger_rows") ?? 0,
    leases: new Map(leases.map((row) => [textOf(row, "kind") ?? "", numberIn(row, "held") ?? 0])),
  };
}

/** The other processes that run on a database, and what they told of last. */
export interface Others {
  count: number;
  /** Requests that they had under way at providers when they last told; undefined where none did within the last minute. */
  inFlight: number | undefined;
}

const toldMs = 60_000;
// A process tells the same count with every model and region of a provider.
const countOthers = `WITH known AS (SELECT value AS id FROM json_each(?1))
SELECT (SELECT count(*) FROM process WHERE id NOT IN (SELECT id FROM known) AND expires_at > ?2) AS others,
(SELECT sum(under_way) FROM (SELECT max(in_flight) AS under_way FROM provider_health
  WHERE process NOT IN (SELECT id FROM known) AND updated_at > ?3 GROUP BY process, provider)) AS in_flight`;

/** Counts them; `known` are the process that asks and those that it knows all of. */
export async function otherProcesses(
  store: Store,
  known: readonly string[],
  now: number,
): Promise<Others> {
  const [row] = await store.read(countOthers, [JSON.stringify(known), now, now - toldMs]);
  if (row === undefined) return { count: 0, inFlight: undefined };
  return { count: numberIn(row, "others") ?? 0, inFlight: numberIn(row, "in_flight") };
}
