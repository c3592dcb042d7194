import { headVerifier } from "#src/account/head-signer.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { type Audit, auditLedger, isSound } from "#src/ledger/audit.ts";
import { headsFile, headsText } from "#src/ledger/heads.ts";
import { checkBalances, type Imbalance } from "#src/ledger/transactions.ts";

/** The `audit verify` command. Fails when anything was tampered with. */
export async function verifyCommand(
  options: CommonOptions & { heads?: string; key?: string },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const file = options.heads ?? headsFile(config.dataDir);
    const log = headsText(file);
    if (options.heads !== undefined && log === "")
      throw new CommandError(
        `Cannot read ${options.heads}: there is no log of published heads. Give a copy of ledger-heads.log`,
      );
    const isOwnLog = options.heads === undefined;
    const audit = await auditLedger(store, {
      log,
      isOwnLog,
      verifier: headVerifier,
      trusted: options.key,
    });
    const imbalances = await checkBalances(store);
    const ok = isSound(audit) && imbalances.length === 0;
    if (options.json) printJson(output, { data: { ...audit, imbalances, ok } });
    else {
      printFindings(audit, imbalances, output);
      printPublished(audit, file, options.key, output);
    }
    if (!ok) throw new CommandError("The ledger does not verify");
    if (!options.json)
      output.out(
        "The ledger verifies: no row was changed, removed, reordered or inserted, and every balance and daily total is the sum of its rows\n",
      );
  });
}

function printFindings(audit: Audit, imbalances: readonly Imbalance[], output: Output): void {
  output.out(`${audit.rows} rows in ${audit.chains} chains\n`);
  for (const { fault, message } of audit.faults) output.out(`${fault}: ${message}\n`);
  for (const { accountId, balance, sum } of imbalances)
    output.out(
      `account ${accountId}: balance ${balance} is not the sum of its transactions ${sum}\n`,
    );
  for (const { message } of audit.mismatches) output.out(`mismatch: ${message}\n`);
  for (const message of audit.headFaults) output.out(`published: ${message}\n`);
}

function printPublished(
  { published }: Audit,
  file: string,
  key: string | undefined,
  output: Output,
): void {
  if (published.lines === 0) {
    output.err(
      `No published heads in ${file}${published.missing === 0 ? "" : `, to which ${published.missing} lines were written`}: nothing tells whether the newest rows of a chain were cut off. Give a copy of it with --heads\n`,
    );
    return;
  }
  const first = published.keys[0]?.publicKey ?? "none";
  output.out(
    `${published.lines} lines of published heads in ${file}, until ${published.until ?? "never"}; ${published.uncovered} newer rows are in none yet\n`,
  );
  output.out(
    key === undefined
      ? `signed by ${first}: the key that the file itself names; give --key with the one that was noted elsewhere\n`
      : `signed by ${first}, the key that was given\n`,
  );
}
