import type { Statement } from "#src/statement/statement.ts";
import { numberIn, type Store, textOf } from "#src/store/store.ts";

/** Heads of a statement that a ledger does not have, as `chain place`. Empty where it has all. */
export async function findHeads(
  store: Store,
  heads: Statement["ledger"]["heads"],
): Promise<string[]> {
  // One pass over the rows, however many heads: no index is kept for so rare a question.
  const rows = await store.read(
    "SELECT chain, sequence, hash FROM generation_record WHERE hash IN (SELECT value FROM json_each(?))",
    [JSON.stringify(heads.map(({ hash }) => hash))],
  );
  const known = new Set(
    rows.map(
      (row) => `${textOf(row, "hash")} ${textOf(row, "chain")} ${numberIn(row, "sequence")}`,
    ),
  );
  return heads.flatMap(({ chain, sequence, hash }) =>
    known.has(`${hash} ${chain} ${sequence}`) ? [] : [`${chain} ${sequence}`],
  );
}
