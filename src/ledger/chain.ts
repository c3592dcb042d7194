import { sha256Hex } from "#src/lib/bytes.ts";
import { numberIn, textOf, type Row, type Statement, type Store } from "#src/store/store.ts";

/** How the ledger was tampered with, and at which row. */
export interface ChainFault {
  fault: "changed" | "removed" | "reordered" | "inserted";
  /** The process that wrote the chain. */
  chain: string;
  sequence: number;
  /** Absent for a removed row, which can only be named by its place. */
  generationId: string | undefined;
  message: string;
}

/** Where a chain begins: behind the rows that were removed because they were old. */
export interface ChainStart {
  sequence: number;
  /** Of the last removed row. */
  hash: string;
}

/** The ledger as it was at one moment: what is written while it is checked is left for the next time. */
export interface Moment {
  /** Rows of `process`: how long each chain is recorded to be, and its end. */
  heads: readonly Row[];
  /** Position of the last row. */
  position: number;
  /** Of the chains of which rows were removed. */
  starts: ReadonlyMap<string, ChainStart>;
}

/** What a check may be handed besides. */
export interface ChainOptions {
  moment?: Moment;
  /** Told of the record of each row, as it stands. */
  onRecord?: (record: string) => void;
  /** Told of the hash of each row, by its place. */
  onHash?: (chain: string, sequence: number, hash: string) => void;
}

/** Read a moment, for `Store.snapshot` with what else has to be of it. */
export const momentStatements: readonly Statement[] = [
  { sql: "SELECT id, sequence, head FROM process", args: [] },
  { sql: "SELECT coalesce(max(position), 0) AS position FROM generation_record", args: [] },
  {
    sql: `SELECT chain, last, hash FROM removal
WHERE (chain, first) IN (SELECT chain, max(first) FROM removal GROUP BY chain)`,
    args: [],
  },
];

/** What those statements found. */
export function momentOf([heads = [], last = [], ends = []]: readonly Row[][]): Moment {
  const starts = ends.map(
    (row) =>
      [
        textOf(row, "chain") ?? "",
        { sequence: numberIn(row, "last") ?? 0, hash: textOf(row, "hash") ?? "" },
      ] as const,
  );
  return { heads, position: numberIn(last[0], "position") ?? 0, starts: new Map(starts) };
}

export interface ChainReport {
  chains: number;
  rows: number;
  faults: ChainFault[];
}

const pageRows = 1000;
const rowsAfter = `SELECT position, id, account_id, record, chain, sequence, previous, hash FROM generation_record
WHERE position > coalesce(?, -1e30) AND position <= ? ORDER BY position LIMIT ${pageRows}`;

/** What the first row of a chain follows. */
export function chainStart(processId: string): string {
  return sha256Hex(processId);
}

/** The hash of a row that follows another: SHA-256 of the hash before it and the record as it is stored. */
export function linkHash(previous: string, record: string): string {
  return sha256Hex(previous + record);
}

/** A row as it is checked. */
interface Link {
  id: string;
  chain: string;
  sequence: number;
  previous: string;
  hash: string;
  /** False when the row is not what its hash was made of. */
  isWhole: boolean;
}

/** How far a chain was followed. */
interface Progress {
  /** Number of rows that the chain is recorded to have, and the hash of the last. */
  length: number;
  head: string;
  sequence: number;
  hash: string;
  /** Places that were passed over; a row may still come that belongs there. */
  missing: Set<number>;
}

/**
 * Recomputes every chain and names each row that was changed, removed, reordered or inserted. Reads the rows once, in
 * the order in which they were committed, which is the order of every chain in them.
 */
export async function verifyChain(store: Store, options: ChainOptions = {}): Promise<ChainReport> {
  const { onRecord, onHash } = options;
  const {
    heads,
    position: end,
    starts,
  } = options.moment ?? momentOf(await store.snapshot(momentStatements));
  const chains = new Map<string, Progress>();
  // A chain of which rows were removed has an end, too, even if its process is not known any more.
  for (const [id, start] of starts) chains.set(id, startOf(id, 0, "", start));
  for (const head of heads) {
    const id = textOf(head, "id") ?? "";
    const length = numberIn(head, "sequence") ?? 0;
    chains.set(id, startOf(id, length, textOf(head, "head") ?? "", starts.get(id)));
  }
  const report: ChainReport = { chains: 0, rows: 0, faults: [] };
  for (const [id, { sequence, length, hash, head }] of chains)
    if (sequence > length || (sequence > 0 && sequence === length && hash !== head))
      report.faults.push(misplaced(id, sequence));
  // A row that was put before the first may have any position below it.
  for (let position: number | null = null; ;) {
    const page: Row[] = await store.read(rowsAfter, [position, end]);
    for (const row of page) {
      const link = linkOf(row);
      const chain = chains.get(link.chain) ?? startOf(link.chain, 0, "");
      chains.set(link.chain, chain);
      const fault = await follow(store, chain, link);
      if (fault !== undefined) report.faults.push(named(fault, link));
      report.rows++;
      onRecord?.(textOf(row, "record") ?? "");
      onHash?.(link.chain, link.sequence, link.hash);
      position = numberIn(row, "position") ?? position;
    }
    if (page.length < pageRows) break;
    // A file answers without a pause: let requests run between pages.
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const [id, { sequence, length, missing }] of chains) {
    for (let at = sequence + 1; at <= length; at++) missing.add(at);
    for (const at of missing) report.faults.push(removed(id, at));
  }
  report.chains = chains.size;
  report.faults.sort((a, b) => a.sequence - b.sequence);
  return report;
}

function startOf(chain: string, length: number, head: string, start?: ChainStart): Progress {
  const { sequence, hash } = start ?? { sequence: 0, hash: chainStart(chain) };
  return { length, head, sequence, hash, missing: new Set() };
}

function linkOf(row: Row): Link {
  const told = (name: string): string => textOf(row, name) ?? "";
  const record = told("record");
  const [id, , accountId] = membersOf(record);
  return {
    id: told("id"),
    chain: told("chain"),
    sequence: numberIn(row, "sequence") ?? 0,
    previous: told("previous"),
    hash: told("hash"),
    isWhole:
      linkHash(told("previous"), record) === told("hash") &&
      id === told("id") &&
      accountId === told("account_id"),
  };
}

function membersOf(record: string): unknown[] {
  try {
    const members: unknown = JSON.parse(record);
    return Array.isArray(members) ? members : [];
  } catch {
    return [];
  }
}

/** Takes a chain one row further. Returns what is wrong with the row. */
async function follow(
  store: Store,
  chain: Progress,
  link: Link,
): Promise<ChainFault["fault"] | undefined> {
  const { sequence, previous, hash } = link;
  if (sequence > chain.length) return "inserted";
  if (chain.missing.delete(sequence)) return link.isWhole ? "reordered" : "changed";
  if (sequence <= chain.sequence) return "inserted";
  const before = chain.sequence + 1 === sequence ? chain.hash : undefined;
  for (let at = chain.sequence + 1; at < sequence; at++) chain.missing.add(at);
  chain.sequence = sequence;
  chain.hash = hash;
  if (!link.isWhole) return "changed";
  if (sequence === chain.length && hash !== chain.head) return "changed";
  if (before === undefined || previous === before) return undefined;
  if (previous === chainStart(link.chain)) return "reordered";
  const elsewhere = await store.read(
    "SELECT 1 AS found FROM generation_record WHERE chain = ? AND hash = ? LIMIT 1",
    [link.chain, previous],
  );
  return elsewhere.length > 0 ? "reordered" : "inserted";
}

function named(fault: ChainFault["fault"], { chain, sequence, id }: Link): ChainFault {
  const message = `Row ${sequence} of chain ${chain} (${id}) was ${fault}`;
  return { fault, chain, sequence, generationId: id, message };
}

function misplaced(chain: string, sequence: number): ChainFault {
  const message = `The end of chain ${chain} was changed: it is not at row ${sequence} or after, up to which rows were removed because they were old`;
  return { fault: "changed", chain, sequence, generationId: undefined, message };
}

function removed(chain: string, sequence: number): ChainFault {
  const message = `Row ${sequence} of chain ${chain} was removed`;
  return { fault: "removed", chain, sequence, generationId: undefined, message };
}
