import { sha256Hex } from "#src/lib/bytes.ts";
import { generationColumns } from "#src/ledger/row.ts";
import { numberIn, textOf, type Row, type Store, type Value } from "#src/store/store.ts";

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

export interface ChainReport {
  chains: number;
  rows: number;
  faults: ChainFault[];
}

const pageRows = 1000;
const rowsAfter = `SELECT ${generationColumns.join(", ")}, chain, sequence, previous, hash FROM generation
WHERE chain = ? AND sequence > ? ORDER BY sequence LIMIT ${pageRows}`;

/** What the first row of a chain follows. */
export function chainStart(processId: string): string {
  return sha256Hex(processId);
}

/** The hash of a row that follows another. */
export function linkHash(previous: string, values: readonly Value[]): string {
  return sha256Hex(previous + JSON.stringify(values));
}

/** Recomputes every chain and names each row that was changed, removed, reordered or inserted. */
export async function verifyChain(store: Store): Promise<ChainReport> {
  const heads = await store.read(
    `SELECT id, sequence, head FROM process UNION ALL
     SELECT DISTINCT chain, 0, '' FROM generation WHERE chain NOT IN (SELECT id FROM process)`,
    [],
  );
  const report: ChainReport = { chains: 0, rows: 0, faults: [] };
  for (const head of heads) {
    const id = textOf(head, "id") ?? "";
    report.chains++;
    report.rows += await verifyOne(store, id, head, report.faults);
  }
  return report;
}

async function verifyOne(
  store: Store,
  chain: string,
  head: Row,
  faults: ChainFault[],
): Promise<number> {
  const length = numberIn(head, "sequence") ?? 0;
  let rows = 0;
  let sequence = 0;
  let previous = chainStart(chain);
  while (true) {
    const page = await store.read(rowsAfter, [chain, sequence]);
    for (const row of page) {
      const at = numberIn(row, "sequence") ?? 0;
      for (let missing = sequence + 1; missing < at; missing++)
        faults.push(removed(chain, missing));
      const isGapless = at === sequence + 1;
      const fault = await judge(store, row, at > length, isGapless ? previous : undefined);
      const isOtherEnd = at === length && textOf(row, "hash") !== textOf(head, "head");
      if (fault !== undefined) faults.push(named(fault, chain, at, row));
      else if (isOtherEnd) faults.push(named("changed", chain, at, row));
      sequence = at;
      previous = textOf(row, "hash") ?? "";
      rows++;
    }
    if (page.length < pageRows) break;
    // A file answers without a pause: let requests run between pages.
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let missing = sequence + 1; missing <= length; missing++)
    faults.push(removed(chain, missing));
  return rows;
}

/** `expected` is the hash of the row before, absent when that row is gone. */
async function judge(
  store: Store,
  row: Row,
  isBeyondEnd: boolean,
  expected: string | undefined,
): Promise<ChainFault["fault"] | undefined> {
  const previous = textOf(row, "previous") ?? "";
  if (isBeyondEnd) return "inserted";
  const values = generationColumns.map((column) => row[column] ?? null);
  if (linkHash(previous, values) !== textOf(row, "hash")) return "changed";
  if (expected === undefined || previous === expected) return undefined;
  const chain = textOf(row, "chain") ?? "";
  if (previous === chainStart(chain)) return "reordered";
  const elsewhere = await store.read(
    "SELECT 1 AS found FROM generation WHERE chain = ? AND hash = ? LIMIT 1",
    [chain, previous],
  );
  return elsewhere.length > 0 ? "reordered" : "inserted";
}

function named(fault: ChainFault["fault"], chain: string, sequence: number, row: Row): ChainFault {
  const generationId = textOf(row, "id");
  const message = `Row ${sequence} of chain ${chain} (${generationId}) was ${fault}`;
  return { fault, chain, sequence, generationId, message };
}

function removed(chain: string, sequence: number): ChainFault {
  const message = `Row ${sequence} of chain ${chain} was removed`;
  return { fault: "removed", chain, sequence, generationId: undefined, message };
}
