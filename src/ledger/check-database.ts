import { verifyChain } from "#src/ledger/chain.ts";
import { checkBalances } from "#src/ledger/transactions.ts";
import type { Check } from "#src/lib/check.ts";
import { checkIntegrity } from "#src/store/backup.ts";
import type { Store } from "#src/store/store.ts";

/** Whether the database is whole, its ledger untouched, and every balance the sum of its transactions. Reads all of it. */
export async function checkDatabase(store: Store): Promise<Check> {
  await checkIntegrity(store);
  const { rows, faults } = await verifyChain(store);
  const imbalances = await checkBalances(store);
  const ok = faults.length === 0 && imbalances.length === 0;
  return {
    name: "database",
    ok,
    found: ok
      ? `whole; ${rows} ledger rows verify`
      : `${faults.length} chain faults, ${imbalances.length} wrong balances`,
    fix: 'see "lowrouter audit verify"',
  };
}
