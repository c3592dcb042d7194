import { type ChainFault, chainStart } from "#src/ledger/chain.ts";
import type { HeadKey, HeadVerifier } from "#src/ledger/heads-log.ts";
import { readRemoval, type RemovedSum, sumIn } from "#src/ledger/removal.ts";
import { numberIn, type Row, type Statement, type Store, textOf } from "#src/store/store.ts";

/** What retention removed from a ledger. */
export interface Removed {
  rows: number;
  /** When the newest of them came in, Unix milliseconds; undefined where nothing was removed. */
  until: number | undefined;
}

/** Reads how far the records of removals go, for a snapshot. */
export const removalsStatement: Statement = {
  sql: `SELECT coalesce(max(position), 0) AS position, coalesce(sum(last - first + 1), 0) AS rows,
max(until) AS until FROM removal`,
  args: [],
};

/** What that statement found, and the position of the last record. */
export function removedOf(row: Row | undefined): Removed & { position: number } {
  return {
    position: numberIn(row, "position") ?? 0,
    rows: numberIn(row, "rows") ?? 0,
    until: numberIn(row, "until"),
  };
}

/** How removals are checked. */
export interface RemovalCheck {
  /** Position of the last record that is looked at. */
  position: number;
  verifier: HeadVerifier;
  /** Who may have signed; undefined: whether they are signed is not looked at. */
  keys: readonly HeadKey[] | undefined;
  /** Told of each sum. */
  onSum(sum: RemovedSum): void;
  /** Told of the hash of each last removed row, by its place. */
  onHash(chain: string, sequence: number, hash: string): void;
}

const pageRecords = 100;
const recordsAfter = `SELECT position, chain, first, last, hash, until, record, signature FROM removal
WHERE position > ? AND position <= ? ORDER BY position LIMIT ${pageRecords}`;

/**
 * Checks every removal: that the gateway signed it, that it says what stands beside it, and that of each chain the first begins with the
 * first row, and each other where the one before it ended.
 */
export async function checkRemovals(store: Store, check: RemovalCheck): Promise<ChainFault[]> {
  const ends = new Map<string, { sequence: number; hash: string }>();
  const faults: ChainFault[] = [];
  for (let position = -Number.MAX_SAFE_INTEGER; ;) {
    const page: Row[] = await store.read(recordsAfter, [position, check.position]);
    for (const row of page) {
      const chain = textOf(row, "chain") ?? "";
      const fault = checkOne(row, ends.get(chain), check);
      const [first, last] = [numberIn(row, "first") ?? 0, numberIn(row, "last") ?? 0];
      ends.set(chain, { sequence: last, hash: textOf(row, "hash") ?? "" });
      if (fault !== undefined) faults.push(faultOf(chain, first, last, fault));
      position = numberIn(row, "position") ?? position;
    }
    if (page.length < pageRecords) return faults;
    // A file answers without a pause: let requests run between pages.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What is wrong with a record that follows another. */
function checkOne(
  row: Row,
  before: { sequence: number; hash: string } | undefined,
  { verifier, keys, onSum, onHash }: RemovalCheck,
): string | undefined {
  const text = textOf(row, "record") ?? "";
  const removal = readRemoval(text);
  if (removal === undefined) return "is no record of it: it was changed";
  for (const sum of removal.sums) onSum(sum);
  onHash(removal.chain, removal.last, removal.hash);
  if (keys !== undefined) {
    const key = keys.find(({ id }) => id === removal.key);
    if (key === undefined) return `is signed by the key ${removal.key}, which is not the gateway's`;
    if (!verifier.verify(key.publicKey, text, textOf(row, "signature") ?? ""))
      return "was changed: its signature does not verify";
  }
  const { chain, first, last, previous, hash, until } = removal;
  const told = [chain, first, last, hash, until];
  if (["chain", "first", "last", "hash", "until"].some((name, at) => row[name] !== told[at]))
    return "was changed: it does not say what stands beside it";
  const rows = removal.sums.reduce((sum, one) => sum + sumIn(one, "requests"), 0n);
  if (rows !== BigInt(last - first + 1)) return `sums up ${rows} rows, and not all of them`;
  const follows = before ?? { sequence: 0, hash: chainStart(chain) };
  if (first !== follows.sequence + 1)
    return `does not begin where the removal before it ended, at row ${follows.sequence}`;
  return previous === follows.hash ? undefined : "does not follow the row before it";
}

function faultOf(chain: string, first: number, last: number, what: string): ChainFault {
  const message = `The removal of rows ${first} to ${last} of chain ${chain} ${what}`;
  return { fault: "changed", chain, sequence: last, generationId: undefined, message };
}

/** Keys that the log of heads names, and those that follow from them; without a log, from the first that the database knows. */
export function keysOf(
  logged: readonly HeadKey[],
  known: readonly HeadKey[],
  verifier: HeadVerifier,
  trusted: string | undefined,
): HeadKey[] {
  const keys = [...logged];
  for (const key of known) {
    if (keys.some(({ id }) => id === key.id)) continue;
    const isFirst = keys.length === 0 && (trusted === undefined || key.publicKey === trusted);
    if (!isFirst && key.endorsement === undefined) continue;
    if (verifier.isVouchedFor(key, keys)) keys.push(key);
  }
  return keys;
}
