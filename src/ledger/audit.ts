import {
  type ChainFault,
  type ChainReport,
  type ChainStart,
  momentOf,
  momentStatements,
  verifyChain,
} from "#src/ledger/chain.ts";
import {
  type Head,
  type HeadKey,
  type HeadsLog,
  type HeadVerifier,
  readHeads,
} from "#src/ledger/heads-log.ts";
import { lengthStatement, notedLines } from "#src/ledger/heads.ts";
import {
  checkRemovals,
  keysOf,
  removalsStatement,
  type Removed,
  removedOf,
} from "#src/ledger/removal-check.ts";
import type { Mismatch } from "#src/ledger/mismatch.ts";
import { createTotalsCheck, sumStatements } from "#src/ledger/totals-check.ts";
import { numberIn, type Row, type Store, textOf } from "#src/store/store.ts";

/** Everything that an audit finds. It verifies where all three lists are empty. */
export interface Audit extends ChainReport {
  mismatches: Mismatch[];
  /** What is wrong with the log of published heads, in words. */
  headFaults: string[];
  /** What is not there any more because it was old, and was accounted for. */
  removed: Removed;
  /** What the check of published heads covers. */
  published: {
    lines: number;
    /** Lines that were written and are not there. */
    missing: number;
    keys: readonly { id: string; publicKey: string }[];
    /** Time of the last line; undefined without one. */
    until: string | undefined;
    /** Rows after the last published head of their chain: that these were cut off, nobody could tell. */
    uncovered: number;
  };
}

export interface AuditOptions {
  /** Text of the log; empty where there is none. */
  log: string;
  /** Whether it is this machine's own, of which the database knows how many lines were written. */
  isOwnLog: boolean;
  verifier: HeadVerifier;
  /** Public key that the log has to begin with, 32 bytes in base64url, noted elsewhere. */
  trusted?: string | undefined;
  /** The gateway's keys as the database knows them, to check who removed old rows; without, only what was removed is checked. */
  keys?: readonly HeadKey[] | undefined;
}

/** How often it is begun anew where old rows are removed meanwhile. */
const mostTries = 20;

/**
 * Checks the ledger as it is at one moment: each chain, its published ends, and every sum that is kept beside the rows. Reads
 * all rows once. Throws where so many are being removed meanwhile that it does not come to an end.
 */
export async function auditLedger(store: Store, options: AuditOptions): Promise<Audit> {
  for (let tries = 0; tries < mostTries; tries++) {
    const { audit, position } = await auditOnce(store, options);
    if (isSound(audit)) return audit;
    const [[last] = []] = await store.snapshot([removalsStatement]);
    // What it missed may have been removed by right after it began.
    if (removedOf(last).position === position) return audit;
  }
  throw new Error("Cannot audit the ledger: old rows are being removed. Try again in a while");
}

async function auditOnce(
  store: Store,
  { log: text, isOwnLog, verifier, trusted, keys }: AuditOptions,
): Promise<{ audit: Audit; position: number }> {
  const found = await store.snapshot([
    ...momentStatements,
    ...sumStatements,
    removalsStatement,
    lengthStatement,
  ]);
  const moment = momentOf(found.slice(0, momentStatements.length));
  const check = createTotalsCheck(found.slice(momentStatements.length, -2));
  const { position, ...removed } = removedOf(found.at(-2)?.[0]);
  const log = readHeads(text, verifier, trusted);
  const chains = publishedOf(log.heads);
  const places = Map.groupBy(
    [...chains.values()].flat(),
    ({ head }) => `${head.chain} ${head.sequence}`,
  );
  const onHash = (chain: string, sequence: number, hash: string): void => {
    for (const one of places.get(`${chain} ${sequence}`) ?? []) one.found = hash;
  };
  const removals = await checkRemovals(store, {
    position,
    verifier,
    keys: keys && keysOf(log.keys, keys, verifier, trusted),
    onSum: check.addRemoved,
    onHash,
  });
  const report = await verifyChain(store, { moment, onRecord: check.add, onHash });
  const lengths = new Map(
    moment.heads.map((row) => [textOf(row, "id") ?? "", numberIn(row, "sequence") ?? 0]),
  );
  const known = new Set(report.faults.map(placeOf));
  const more = [...chains].flatMap(([chain, heads]) =>
    headFaults(chain, heads, lengths.get(chain) ?? 0, moment.starts.get(chain)).filter(
      (fault) => !known.has(placeOf(fault)),
    ),
  );
  const length = isOwnLog ? lengthFault(log, found.at(-1)?.[0]) : undefined;
  let uncovered = 0;
  for (const [chain, rows] of lengths)
    uncovered += Math.max(0, rows - (chains.get(chain)?.at(-1)?.head.sequence ?? 0));
  const audit = {
    ...report,
    faults: [...removals, ...report.faults, ...more],
    mismatches: check.mismatches(),
    headFaults: [...log.faults, ...(length === undefined ? [] : [length])],
    removed,
    published: {
      lines: log.lines,
      missing: isOwnLog ? Math.max(0, notedLines(found.at(-1)?.[0]) - log.lines) : 0,
      keys: log.keys,
      until: log.heads.at(-1)?.time,
      uncovered,
    },
  };
  return { audit, position };
}

/** Whether an audit found nothing. */
export function isSound({ faults, mismatches, headFaults: heads }: Audit): boolean {
  return faults.length + mismatches.length + heads.length === 0;
}

/** A published head, and the hash of the row that is there now. */
interface Published {
  head: Head;
  found: string | undefined;
}

function publishedOf(heads: readonly Head[]): Map<string, Published[]> {
  const chains = new Map<string, Published[]>();
  for (const head of heads.toSorted((a, b) => a.sequence - b.sequence)) {
    const one = { head, found: undefined };
    const list = chains.get(head.chain);
    if (list === undefined) chains.set(head.chain, [one]);
    else list.push(one);
  }
  return chains;
}

/** What of a chain is not as it was published: the first head that does not fit, and what came after the end. */
function headFaults(
  chain: string,
  heads: readonly Published[],
  length: number,
  start: ChainStart | undefined,
): ChainFault[] {
  const faults: ChainFault[] = [];
  let sound = 0;
  for (const { head, found } of heads) {
    // Of most removed rows there is no hash any more: that they were what they were, who signed their removal saw.
    const isGone = head.sequence === 0 || head.sequence <= (start?.sequence ?? 0);
    if (found === head.hash || (isGone && found === undefined)) {
      sound = head.sequence;
      continue;
    }
    const rows = rowsOf(chain, Math.min(sound, head.sequence - 1) + 1, head.sequence);
    faults.push(
      found === undefined
        ? cut(chain, head, length)
        : faultAt(
            "changed",
            chain,
            head.sequence,
            `${rows} changed: the hash that was published on ${head.time} is another`,
          ),
    );
    break;
  }
  const end = heads.find(({ head }) => head.isEnd)?.head;
  if (end !== undefined && length > end.sequence) {
    const rows = rowsOf(chain, end.sequence + 1, length);
    const message = `${rows} inserted: it was published on ${end.time} that the chain ended before`;
    faults.push(faultAt("inserted", chain, end.sequence + 1, message));
  }
  return faults;
}

function cut(chain: string, { sequence, time }: Head, length: number): ChainFault {
  const rows = rowsOf(chain, Math.min(length + 1, sequence), sequence);
  const message = `${rows} removed: the end of the chain was published on ${time}`;
  return faultAt("removed", chain, sequence, message);
}

/** Rows as the subject of a sentence: `Row 7 of chain proc_… was`. */
function rowsOf(chain: string, from: number, to: number): string {
  return from === to
    ? `Row ${to} of chain ${chain} was`
    : `Rows ${from} to ${to} of chain ${chain} were`;
}

function faultAt(
  fault: ChainFault["fault"],
  chain: string,
  sequence: number,
  message: string,
): ChainFault {
  return { fault, chain, sequence, generationId: undefined, message };
}

function placeOf({ chain, sequence, fault }: ChainFault): string {
  return `${chain} ${sequence} ${fault}`;
}

/** Whether the log is as long as it was when it was last written; more lines may be those of a write that was not noted. */
function lengthFault(log: HeadsLog, row: Row | undefined): string | undefined {
  const lines = notedLines(row);
  if (log.lines >= lines) return undefined;
  return log.lines === 0
    ? `The log of published heads is missing: ${lines} lines were written to it`
    : `The log of published heads was cut off: it has ${log.lines} lines, and ${lines} were written`;
}
