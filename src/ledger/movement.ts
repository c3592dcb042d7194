import type { AllowanceKind } from "#src/allowance/allowance.ts";
import type { Movement } from "#src/allowance/allowance.ts";
import type { Statement } from "#src/store/store.ts";

const moveUsed = `INSERT INTO allowance (kind, owner, window_start, used) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET used = used + excluded.used`;

// What leaves the lease is what is really in it: after a long pause others may have given the lease back.
// Read among the values: not every engine behind a network takes a subquery in what an upsert sets.
const moveLeased = `INSERT INTO allowance (kind, owner, window_start, used, leased) VALUES (?1, ?2, ?3, ?4, -min(?5,
coalesce((SELECT amount FROM lease WHERE process = ?6 AND kind = ?1 AND owner = ?2 AND window_start = ?3), 0)))
ON CONFLICT DO UPDATE SET used = used + excluded.used, leased = leased + excluded.leased`;

const shrinkLease = `UPDATE lease SET amount = amount - min(amount, ?1)
WHERE process = ?2 AND kind = ?3 AND owner = ?4 AND window_start = ?5`;

/** Statements that write movements, one or two per allowance however many requests moved it. */
export function writeMovements(movements: readonly Movement[], processId: string): Statement[] {
  const sums = new Map<string, Required<Movement>>();
  let last: Required<Movement> | undefined;
  for (const { kind, owner, windowStart, used, fromLease = 0 } of movements) {
    // Those that end together are often of one account.
    if (last?.owner !== owner || last.kind !== kind || last.windowStart !== windowStart) {
      const name = `${kind} ${owner} ${windowStart}`;
      last = sums.get(name);
      if (last === undefined)
        sums.set(name, (last = { kind, owner, windowStart, used: 0, fromLease: 0 }));
    }
    last.used += used;
    last.fromLease += fromLease;
  }
  const statements: Statement[] = [];
  for (const { kind, owner, windowStart, used, fromLease } of sums.values()) {
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
