import type { Output } from "#src/cli/output.ts";
import type { Config } from "#src/config/load.ts";
import { type FiledRow, openFiledRows } from "#src/ledger/spool-filed.ts";
import type { Store } from "#src/store/store.ts";

/** Rows in the data directory that a database elsewhere does not have yet. */
export async function unsentRows(store: Store, { dataDir }: Config): Promise<FiledRow[]> {
  return store.kind === "file" ? [] : openFiledRows(dataDir, store).missing(new Set());
}

/** Says beside what a command prints how many requests that leaves out; of one account, where one is given. Read them before anything else. */
export function tellUncounted(
  rows: readonly FiledRow[],
  output: Output,
  accountId?: string | undefined,
): void {
  const count = rows.filter((row) => accountId === undefined || row.accountId === accountId).length;
  if (count === 0) return;
  const words =
    count === 1
      ? "1 request of this machine is not counted yet: the database does not have it"
      : `${count} requests of this machine are not counted yet: the database does not have them`;
  output.err(`${words}\n`);
}
