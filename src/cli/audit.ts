import { headVerifier } from "#src/account/head-signer.ts";
import { publicKeys } from "#src/account/signing-key.ts";
import { auditRecord } from "#src/cli/audit-record.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { withKeptStore } from "#src/cli/runtime.ts";
import { type Audit, auditLedger, isSound } from "#src/ledger/audit.ts";
import { headsFile, headsText } from "#src/ledger/heads.ts";
import { checkBalances, type Imbalance } from "#src/ledger/transactions.ts";
import { rfc3339 } from "#src/lib/clock.ts";

/** The `audit verify` command. Fails when anything was tampered with. */
export async function verifyCommand(
  options: CommonOptions & {
    heads?: string;
    key?: string;
    withoutHeads?: boolean;
    ledger?: boolean;
  },
  output: Output,
): Promise<void> {
  if (options.ledger)
    throw new CommandError(
      'Cannot use --ledger without a statement: give its file, as in "lowrouter audit verify statement.json --ledger"',
      2,
    );
  await withKeptStore(options, async (store, config) => {
    const isLeftOut = options.withoutHeads === true;
    if (isLeftOut && options.heads !== undefined)
      throw new CommandError("Cannot use --heads with --without-heads: give one of them", 2);
    const file = options.heads ?? headsFile(config.dataDir);
    const log = isLeftOut ? "" : headsText(file);
    if (options.heads !== undefined && log === "")
      throw new CommandError(
        `Cannot read ${options.heads}: there is no log of published heads. Give a copy of ledger-heads.log`,
      );
    const isOwnLog = options.heads === undefined && !isLeftOut;
    const audit = await auditLedger(store, {
      log,
      isOwnLog,
      verifier: headVerifier,
      trusted: options.key,
      keys: await publicKeys(store),
    });
    const imbalances = await checkBalances(store);
    const ok = isSound(audit) && imbalances.length === 0;
    if (options.json) printJson(output, { data: auditRecord(audit, imbalances, ok) });
    else {
      printFindings(audit, imbalances, output);
      if (isLeftOut) output.err(`The published heads were left out: ${untold}\n`);
      else printPublished(audit, file, options.key, output);
    }
    if (!ok) throw new CommandError("The ledger does not verify");
    if (!options.json)
      output.out(
        "The ledger verifies: no row was changed, removed, reordered or inserted, and every balance and daily total is the sum of its rows\n",
      );
  });
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

const untold = "nothing tells whether the newest rows of a chain were cut off";

function printFindings(audit: Audit, imbalances: readonly Imbalance[], output: Output): void {
  output.out(`${counted(audit.rows, "row")} in ${counted(audit.chains, "chain")}\n`);
  const { rows, until } = audit.removed;
  if (until !== undefined)
    output.out(
      `${rows} rows before them were removed because they were old, the last of ${rfc3339(until)}; what they came to is signed\n`,
    );
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
    const hint =
      published.missing === 0
        ? "Give a copy of it with --heads"
        : "Put it back, or give a copy of it with --heads. Where it cannot be had, as on a database file that was copied alone, --without-heads checks all else";
    output.err(`No published heads in ${file}: ${untold}. ${hint}\n`);
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
