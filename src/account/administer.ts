import type { Account, Plan } from "#src/account/account.ts";
import { accountOf, findAccount, inserting, replacing } from "#src/account/accounts.ts";
import { auditing } from "#src/account/people/audit.ts";
import type { Kit } from "#src/account/people/kit.ts";
import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { creditStatements, type Page, writeCredit } from "#src/ledger/transactions.ts";
import { AppError } from "#src/lib/error.ts";
import { numberIn, textOf, type Store } from "#src/store/store.ts";

/** Who does something to accounts that need not be their own: an operator, and from where. */
export interface Administrator {
  /** `per_…`, or `cli`. */
  actor: string;
  /** Network address; none on the machine itself. */
  address?: string | undefined;
}

/** An account among others. Money in nano-units. */
export interface AccountSummary extends Account {
  balance: NanoUnits;
  keys: number;
  members: number;
  /** Charged since the day that was asked for. */
  spent: NanoUnits;
}

/** Which accounts. */
export interface AccountSearch {
  /** Part of the name or of a member's address, or the beginning of the id; empty for all. */
  text: string;
  state: "active" | "disabled" | undefined;
  /** Id of the last account of the page before. */
  before: string | undefined;
  most: number;
  /** First day of what is counted as spent, UTC, `2026-01-01`. */
  sinceDay: string;
}

const summary = `SELECT account.*,
(SELECT coalesce(granted, 0) - used FROM allowance WHERE kind = 'credit' AND owner = account.id AND window_start = 0) AS balance,
(SELECT count(*) FROM api_key WHERE account_id = account.id) AS keys,
(SELECT count(*) FROM membership WHERE account_id = account.id) AS members,
(SELECT sum(cost) FROM rollup WHERE account = account.id AND "day" >= ?1) AS spent
FROM account WHERE id < ?2 AND (?3 IS NULL OR disabled = ?3) AND (?4 = '%%' OR name LIKE ?4 ESCAPE '\\'
OR id LIKE ?5 ESCAPE '\\' OR EXISTS (SELECT 1 FROM membership JOIN person ON person.id = membership.person_id
WHERE membership.account_id = account.id AND person.email LIKE ?4 ESCAPE '\\'))
ORDER BY id DESC LIMIT ?6`;

/** Accounts, newest first. */
export async function searchAccounts(
  store: Store,
  { text, state, before, most, sinceDay }: AccountSearch,
): Promise<Page<AccountSummary>> {
  const literal = text.replace(/[\\%_]/g, "\\$&");
  const disabled = state === undefined ? null : state === "disabled" ? 1 : 0;
  const args = [sinceDay, before ?? "~", disabled, `%${literal}%`, `${literal}%`, most + 1];
  const rows = await store.read(summary, args);
  const items = rows.slice(0, most).map((row) => ({
    ...accountOf(row),
    balance: nano(numberIn(row, "balance") ?? 0),
    keys: numberIn(row, "keys") ?? 0,
    members: numberIn(row, "members") ?? 0,
    spent: nano(numberIn(row, "spent") ?? 0),
  }));
  return { items, nextPageToken: rows.length > most ? items.at(-1)?.id : undefined };
}

/** Opens an account with its first credit. */
export async function openAccount(
  kit: Kit,
  by: Administrator,
  { name, plan, credit }: { name: string; plan: Plan; credit: NanoUnits },
): Promise<Account> {
  const { store, clock, ids } = kit;
  const account = { id: ids.next("acc"), name, plan, disabled: false, createdAt: clock.now() };
  await store.write([
    inserting(account),
    ...(credit === 0 ? [] : crediting(kit, by, account.id, credit, "Opening balance")),
    auditing(kit, {
      action: "account.created",
      target: account.id,
      accountId: account.id,
      ...by,
      detail: { plan, credit_nano: credit },
    }),
  ]);
  return account;
}

/**
 * Gives an account credit, or takes it where the amount is negative. Then `Allowances.refresh(id)`. Throws `not_found`, and
 * `invalid_value` where it would be too much to count.
 */
export async function grantCredit(
  kit: Kit,
  by: Administrator,
  { accountId, amount, note }: { accountId: string; amount: NanoUnits; note: string },
): Promise<void> {
  if ((await findAccount(kit.store, accountId)) === undefined) throw noAccount();
  const taken = amount < 0;
  const words = note === "" ? `Credit ${taken ? "taken" : "added"} by the operator` : note;
  await writeCredit(kit.store, { accountId, amount }, [
    ...crediting(kit, by, accountId, amount, words),
    auditing(kit, {
      action: taken ? "credit.taken" : "credit.added",
      target: accountId,
      accountId,
      ...by,
      detail: { amount_nano: amount, note: words },
    }),
  ]);
}

/** Changes an account's plan, or switches it off and on. Then `KeyCache.invalidate()`. Throws `not_found`. */
export async function changeAccount(
  kit: Kit,
  by: Administrator,
  id: string,
  change: Partial<Pick<Account, "plan" | "disabled">>,
): Promise<void> {
  const account = await findAccount(kit.store, id);
  if (account === undefined) throw noAccount();
  const changed = { ...account, ...change };
  const said = { target: id, accountId: id, ...by };
  await kit.store.write([
    ...replacing(changed),
    ...(changed.disabled === account.disabled
      ? []
      : [
          auditing(kit, {
            action: changed.disabled ? "account.disabled" : "account.enabled",
            ...said,
          }),
        ]),
    ...(changed.plan === account.plan
      ? []
      : [
          auditing(kit, {
            action: "account.plan_changed",
            ...said,
            detail: { from: account.plan, to: changed.plan },
          }),
        ]),
  ]);
}

/** The error of an account that is not there. */
export function noAccount(): AppError {
  return new AppError("not_found", "Cannot find this account: /operator lists them");
}

/** Names of accounts by their ids. */
export async function accountNames(
  store: Store,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await store.read(
    "SELECT id, name FROM account WHERE id IN (SELECT value FROM json_each(?))",
    [JSON.stringify(ids)],
  );
  return new Map(rows.map((row) => [textOf(row, "id") ?? "", textOf(row, "name") ?? ""]));
}

function crediting(
  kit: Kit,
  { actor }: Administrator,
  accountId: string,
  amount: NanoUnits,
  description: string,
) {
  const type = amount < 0 ? "adjustment" : "credit";
  return creditStatements(kit, { accountId, type, amount, description, by: actor });
}
