import type { RetentionOptions } from "#src/ledger/retention.ts";
import { removedOf } from "#src/ledger/removal-check.ts";
import { numberIn } from "#src/store/store.ts";

const setting = "retention_noted";
const noted = `SELECT CAST(value AS INTEGER) AS position FROM setting WHERE key = '${setting}'`;
const since = `SELECT max(position) AS position, sum(last - first + 1) AS rows, max(until) AS until FROM removal WHERE position > ?`;
const note = `INSERT INTO setting (key, value) VALUES ('${setting}', ?1)
ON CONFLICT DO UPDATE SET value = ?1 WHERE CAST(value AS INTEGER) < CAST(?1 AS INTEGER)`;

/** Says once what was removed: also what a process that died before it could say so removed. */
export async function noteRun({
  store,
  beside,
  onRemoved,
}: Pick<RetentionOptions, "store" | "beside" | "onRemoved">): Promise<void> {
  const [row] = await store.read(noted, []);
  const [found] = await store.read(since, [numberIn(row, "position") ?? 0]);
  const { position, rows, until } = removedOf(found);
  if (rows === 0 || until === undefined) return;
  const run = { rows, until };
  await store.write([{ sql: note, args: [String(position)] }, ...beside(run)]);
  onRemoved(run);
}
