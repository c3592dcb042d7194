import type { AllowanceKind } from "#src/allowance/allowance.ts";
import type { Movement } from "#src/allowance/allowance.ts";
import type { Statement } from "#src/store/store.ts";

const moveUsed = `INSERT INTO allowance (kind, owner, window_start, used) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET used = used + excluded.used`;

// What leaves the lease is what is really in it: after a long pause others may have given the lease back.
const moveLeased = `INSERT INTO allowance (kind, owner, window_start, used) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET used = used + excluded.used, leased = leased - min(?5, coalesce((SELECT amount
FROM lease WHERE process = ?6 AND kind = ?1 AND owner = ?2 AND window_start = ?3), 0))`;

const shrinkLease = `UPDATE lease SET amount = amount - min(amount, ?1)
WHERE process = ?2 AND kind = ?3 AND owner = ?4 AND window_start = ?5`;

/** Statements that write movements, one or two per allowance however many requests moved it. */
export function writeMovements(movements: readonly Movement[], processId: string): Statement[] {
  const sums = new Map<string, Movement>();
  for (const movement of movements) {
    const name = `${movement.kind} ${movement.owner} ${movement.windowStart}`;
    const sum = sums.get(name);
    if (sum === undefined) sums.set(name, { ...movement });
    else {
      sum.used += movement.used;
      sum.fromLease = (sum.fromLease ?? 0) + (movement.fromLease ?? 0);
    }
  }
  const statements: Statement[] = [];
  for (const { kind, owner, windowStart, used, fromLease = 0 } of sums.values()) {
    const place: [AllowanceKind, string, number] = [kind, owner, windowStart];
    if (fromLease === 0) {
      statements.push({ sql: moveUsed, args: [...place, used] });
      continue;
    }
    statements.push({ sql: moveLeased, args: [...place, used, fromLease, processId] });
    statements.push({ sql: shrinkLease, args: [fromLease, processId, ...place] });
  }
  return statements;
}
