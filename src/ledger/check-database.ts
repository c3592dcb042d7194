import { auditLedger, isSound } from "#src/ledger/audit.ts";
import type { Check } from "#src/lib/check.ts";
import { checkIntegrity } from "#src/store/backup.ts";
import type { Store } from "#src/store/store.ts";

/** Whether the database is whole, its ledger untouched, and every sum what its rows say. Reads all of it. */
export async function checkDatabase(store: Store): Promise<Check> {
  await checkIntegrity(store);
  // The log of published heads is the machine's, not the database's.
  const log = {
    log: "",
    isOwnLog: false,
    verifier: { verify: () => false, isVouchedFor: () => false },
  };
  const audit = await auditLedger(store, log);
  const { rows, faults, mismatches, removed } = audit;
  const ok = isSound(audit);
  return {
    name: "database",
    ok,
    found: ok
      ? `whole; ${rows} ledger rows verify${removed.rows === 0 ? "" : `, ${removed.rows} before them were removed because they were old`}`
      : `${faults.length} chain faults, ${mismatches.length} wrong sums`,
    fix: 'see "lowrouter audit verify"',
  };
}
