import type { Account, Plan } from "#src/account/account.ts";
import { bumpAccess } from "#src/account/settings.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import { numberIn, textOf, type Row, type Statement, type Store } from "#src/store/store.ts";

const columns = "id, name, plan, disabled, created_at";

/** Opens an account. */
export async function createAccount(
  store: Store,
  { clock, ids }: { clock: Clock; ids: Ids },
  { name, plan }: { name: string; plan: Plan },
): Promise<Account> {
  const account = { id: ids.next("acc"), name, plan, disabled: false, createdAt: clock.now() };
  await store.write([inserting(account)]);
  return account;
}

/** The statement that opens an account, for the transaction of what it comes with. */
export function inserting({ id, name, plan, disabled, createdAt }: Account): Statement {
  return {
    sql: `INSERT INTO account (${columns}) VALUES (?, ?, ?, ?, ?)`,
    args: [id, name, plan, disabled ? 1 : 0, createdAt],
  };
}

/** All accounts, oldest first. */
export async function listAccounts(store: Store): Promise<Account[]> {
  const rows = await store.read(`SELECT ${columns} FROM account ORDER BY id`, []);
  return rows.map((row) => accountOf(row));
}

/** One account, or undefined. */
export async function findAccount(store: Store, id: string): Promise<Account | undefined> {
  const [row] = await store.read(`SELECT ${columns} FROM account WHERE id = ?`, [id]);
  return row && accountOf(row);
}

/** The statements that change an account, for the transaction of what goes with it. Then `KeyCache.invalidate()`. */
export function replacing({ id, name, plan, disabled }: Account): Statement[] {
  return [
    {
      sql: "UPDATE account SET name = ?, plan = ?, disabled = ? WHERE id = ?",
      args: [name, plan, disabled ? 1 : 0, id],
    },
    bumpAccess,
  ];
}

/** An account from its row; `prefix` when it was joined to another. */
export function accountOf(row: Row, prefix: "" | "account_" = ""): Account {
  return {
    id: textOf(row, prefix === "" ? "id" : "account_id") ?? "",
    name: textOf(row, `${prefix}name`) ?? "",
    plan: textOf(row, `${prefix}plan`) === "metered" ? "metered" : "prepaid",
    disabled: numberIn(row, `${prefix}disabled`) === 1,
    createdAt: numberIn(row, `${prefix}created_at`) ?? 0,
  };
}
