import { auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import { endingManagement } from "#src/account/people/managed-keys.ts";
import type { Visitor } from "#src/account/people/person.ts";
import { bumpAccess } from "#src/account/settings.ts";
import { AppError } from "#src/lib/error.ts";
import { textOf } from "#src/store/store.ts";

/**
 * Ends a person: no sign-in, no membership, no management key of theirs; the ledger and the audit log stay. Accounts of which
 * nobody is left are disabled, with their keys. Then `KeyCache.invalidate()`. Throws `invalid_value` where others would be
 * without an owner, or the gateway without an operator.
 */
export async function deletePerson(
  kit: Kit,
  { person }: Pick<Visitor, "person">,
  address?: string,
): Promise<void> {
  const of = [person.id];
  const managed = await kit.store.read(
    "SELECT account_id FROM membership WHERE person_id = ? AND role <> 'member'",
    of,
  );
  const orphaned = `SELECT 1 FROM membership AS other WHERE other.account_id IN (SELECT account_id FROM membership
    WHERE person_id = ? AND role = 'owner') GROUP BY other.account_id
    HAVING count(*) > 1 AND sum(other.role = 'owner') = 1`;
  try {
    await kit.store.write([
      { sql: unless(`NOT EXISTS (${orphaned})`), args: of },
      {
        sql: unless(
          "NOT EXISTS (SELECT 1 FROM person WHERE id = ? AND operator = 1) OR (SELECT count(*) FROM person WHERE operator = 1 AND disabled = 0) > 1",
        ),
        args: of,
      },
      {
        sql: `UPDATE account SET disabled = 1 WHERE id IN (SELECT account_id FROM membership
          WHERE account_id IN (SELECT account_id FROM membership WHERE person_id = ?)
          GROUP BY account_id HAVING count(*) = 1)`,
        args: of,
      },
      ...managed.flatMap((row) =>
        endingManagement(kit, {
          accountId: textOf(row, "account_id") ?? "",
          personId: person.id,
          actor: person.id,
          address,
        }),
      ),
      bumpAccess,
      { sql: "DELETE FROM membership WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_session WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_login WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_two_factor WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_passkey WHERE person_id = ?", args: of },
      // Also what they came by: it has their address. The audit log keeps who invited and who joined.
      { sql: "DELETE FROM one_use_link WHERE person_id = ?1 OR used_by = ?1", args: of },
      { sql: "DELETE FROM mail WHERE to_address = ?", args: [person.email] },
      { sql: "DELETE FROM person WHERE id = ?", args: of },
      auditing(kit, {
        action: "person.deleted",
        actor: person.id,
        target: person.id,
        accountId: person.personalAccountId,
        address,
      }),
    ]);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    throw new AppError(
      "invalid_value",
      "Cannot delete this person: an account with other members would be without an owner, or the gateway without an operator. Make somebody else one first",
      { cause: thrown },
    );
  }
}
