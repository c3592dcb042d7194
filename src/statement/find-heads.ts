import type { Statement } from "#src/statement/statement.ts";
import { numberIn, type Store, textOf } from "#src/store/store.ts";

/** Heads of a statement that cannot be found in a ledger, as `chain place`. */
export interface LostHeads {
  /** The ledger does not have them. */
  missing: string[];
  /** Their rows were removed because they were old, and their hashes are not known any more. */
  removed: string[];
}

/** Looks for the heads of a statement in a ledger. */
export async function findHeads(
  store: Store,
  heads: Statement["ledger"]["heads"],
): Promise<LostHeads> {
  // One pass over the rows, however many heads: no index is kept for so rare a question.
  const rows = await store.read(
    `SELECT chain, sequence, hash FROM generation_record WHERE hash IN (SELECT value FROM json_each(?1))
     UNION ALL SELECT chain, last, hash FROM removal WHERE hash IN (SELECT value FROM json_each(?1))`,
    [JSON.stringify(heads.map(({ hash }) => hash))],
  );
  const ends = await store.read("SELECT chain, max(last) AS last FROM removal GROUP BY chain", []);
  const removedUntil = new Map(
    ends.map((row) => [textOf(row, "chain") ?? "", numberIn(row, "last") ?? 0]),
  );
  const known = new Set(
    rows.map(
      (row) => `${textOf(row, "hash")} ${textOf(row, "chain")} ${numberIn(row, "sequence")}`,
    ),
  );
  const lost: LostHeads = { missing: [], removed: [] };
  for (const { chain, sequence, hash } of heads) {
    if (known.has(`${hash} ${chain} ${sequence}`)) continue;
    const isRemoved = sequence <= (removedUntil.get(chain) ?? 0);
    (isRemoved ? lost.removed : lost.missing).push(`${chain} ${sequence}`);
  }
  return lost;
}
