import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { verifyChain } from "#src/ledger/chain.ts";
import { checkBalances } from "#src/ledger/transactions.ts";

/** The `audit verify` command. Fails when anything was tampered with. */
export async function verifyCommand(options: CommonOptions, output: Output): Promise<void> {
  await withStore(options, async (store) => {
    const report = await verifyChain(store);
    const imbalances = await checkBalances(store);
    if (options.json)
      printJson(output, {
        data: { ...report, imbalances, ok: report.faults.length === 0 && imbalances.length === 0 },
      });
    else {
      output.out(`${report.rows} rows in ${report.chains} chains\n`);
      for (const fault of report.faults) output.out(`${fault.fault}: ${fault.message}\n`);
      for (const { accountId, balance, sum } of imbalances)
        output.out(
          `account ${accountId}: balance ${balance} is not the sum of its transactions ${sum}\n`,
        );
    }
    if (report.faults.length > 0 || imbalances.length > 0)
      throw new CommandError("The ledger does not verify");
    if (!options.json)
      output.out(
        "The ledger verifies: no row was changed, removed, reordered or inserted, and every balance is the sum of its transactions\n",
      );
  });
}
