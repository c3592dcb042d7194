import type { CommonOptions } from "#src/cli/program.ts";
import { noted } from "#src/cli/noted.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import { tellUncounted, unsentRows } from "#src/cli/unsent.ts";
import { fromUnits, toUnits } from "#src/ledger/money.ts";
import {
  addCredit,
  balanceOf,
  listTransactions,
  type Transaction,
} from "#src/ledger/transactions.ts";
import { rfc3339, systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import type { Store } from "#src/store/store.ts";

/** The `credit add` command. */
export async function addCreditCommand(
  amount: number,
  options: CommonOptions & { account: string; note?: string },
  output: Output,
): Promise<void> {
  if (amount === 0) throw new CommandError("Cannot add nothing: give an amount such as 5.00", 2);
  await withStore(options, async (store, config) => {
    const account = await accountBy(store, options.account);
    const note = options.note ?? `Credit ${amount > 0 ? "added" : "taken"} by the operator`;
    const transaction = await addCredit(
      store,
      { clock: systemClock, ids: createIds(systemClock) },
      {
        accountId: account.id,
        type: amount > 0 ? "credit" : "adjustment",
        amount: fromUnits(amount),
        description: note,
        by: "cli",
      },
      [
        noted({
          action: amount > 0 ? "credit.added" : "credit.taken",
          target: account.id,
          accountId: account.id,
          detail: { amount_nano: fromUnits(amount), note },
        }),
      ],
    );
    const { balance } = await balanceOf(store, account.id);
    if (options.json)
      printJson(output, {
        data: { id: transaction.id, account: account.id, amount, balance: toUnits(balance) },
      });
    else
      output.out(
        `${amount > 0 ? "Added" : "Took"} ${Math.abs(amount)} ${config.billing.currency} ${amount > 0 ? "to" : "from"} "${account.name}": balance ${toUnits(balance)}\n`,
      );
  });
}

/** The `credit show` command. */
export async function showCreditCommand(
  options: CommonOptions & { account: string; all?: boolean },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const account = await accountBy(store, options.account);
    const unsent = await unsentRows(store, config);
    const { balance, granted, used } = await balanceOf(store, account.id);
    tellUncounted(unsent, output, account.id);
    const { items, isWhole } = await shownTransactions(store, account.id, options.all === true);
    const records = items.map((item) => ({
      id: item.id,
      type: item.type,
      amount: toUnits(item.amount),
      description: item.description,
      created_at: rfc3339(item.createdAt),
    }));
    if (!isWhole)
      output.err(`The last ${items.length} transactions are shown: --all shows every one\n`);
    if (options.json) {
      return printJson(output, {
        data: {
          account: account.id,
          currency: config.billing.currency,
          balance: toUnits(balance),
          granted: toUnits(granted),
          used: toUnits(used),
          transactions: records,
        },
      });
    }
    output.out(
      `Balance of "${account.name}": ${toUnits(balance)} ${config.billing.currency} (granted ${toUnits(granted)}, used ${toUnits(used)})\n\n`,
    );
    printTable(
      output,
      ["time", "type", "amount", "description"],
      records.map((one) => [one.created_at, one.type, decimal(one.amount), one.description]),
    );
  });
}

/** An amount with as many places as it has, six at least: so that the column can be added up. */
function decimal(amount: number): string {
  return amount.toFixed(9).replace(/0{1,3}$/, "");
}

/** The newest transactions of an account, or all of them; whether there are no more. */
async function shownTransactions(store: Store, accountId: string, all: boolean) {
  const items: Transaction[] = [];
  let pageToken: string | undefined;
  do {
    const page = await listTransactions(store, accountId, {
      pageSize: all ? 1000 : 20,
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    for (const item of page.items) items.push(item);
    pageToken = page.nextPageToken;
  } while (all && pageToken !== undefined);
  return { items, isWhole: pageToken === undefined };
}
