import * as v from "valibot";
import type { Account, AccountRouting } from "#src/account/account.ts";
import { accountOf } from "#src/account/accounts.ts";
import { carbonBudgetIn } from "#src/account/carbon-budget.ts";
import { bumpAccess, getSetting } from "#src/account/settings.ts";
import { type Row, type Statement, type Store, textOf } from "#src/store/store.ts";

const schema = v.object({
  policy: v.optional(v.string()),
  preferLowCarbon: v.optional(v.boolean()),
  region: v.optional(v.string()),
  allowedProviders: v.optional(v.array(v.string())),
  ignoredProviders: v.optional(v.array(v.string())),
  dataCollection: v.optional(v.literal("deny")),
  zdr: v.optional(v.boolean()),
});

/** An account's wishes for routing; undefined where it has none. */
export async function getAccountRouting(
  store: Store,
  accountId: string,
): Promise<AccountRouting | undefined> {
  return read(await getSetting(store, nameOf(accountId)));
}

/** Puts wishes in the place of those before, and writes `beside` with them; undefined lifts all. Then `KeyCache.invalidate()`. */
export async function setAccountRouting(
  store: Store,
  accountId: string,
  routing: AccountRouting | undefined,
  beside: readonly Statement[] = [],
): Promise<void> {
  const change =
    routing === undefined
      ? { sql: "DELETE FROM setting WHERE key = ?", args: [nameOf(accountId)] }
      : {
          sql: "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
          args: [nameOf(accountId), JSON.stringify(routing)],
        };
  await store.write([change, ...beside, bumpAccess]);
}

/** The account of a row that a key was read with, with its settings from the columns `account_routing` and `account_carbon`. */
export function withSettings(row: Row): Account {
  const account = accountOf(row, "account_");
  const routing = read(textOf(row, "account_routing"));
  const carbonBudget = carbonBudgetIn(row);
  if (routing !== undefined) account.routing = routing;
  if (carbonBudget !== undefined) account.carbonBudget = carbonBudget;
  return account;
}

function nameOf(accountId: string): string {
  return `routing:${accountId}`;
}

/** Throws where the row is not what we wrote: an unread pin would be no pin. */
function read(text: string | undefined): AccountRouting | undefined {
  return text === undefined ? undefined : v.parse(schema, JSON.parse(text));
}
