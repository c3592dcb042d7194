import type { ApiKey } from "#src/account/account.ts";
import { auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import { bumpAccess } from "#src/account/settings.ts";
import { AppError } from "#src/lib/error.ts";
import type { Statement, Store } from "#src/store/store.ts";

/*
 * A management key reaches no further than who made it: one that works has a maker who is owner or admin of its account, or
 * none, as those of the command line. Every write of keys and of members keeps it so.
 */

const isManager = `EXISTS (SELECT 1 FROM membership WHERE account_id = ? AND person_id = ? AND role <> 'member')`;

/** Writes a key together with `statements`. Throws `invalid_value` where it would work for somebody who may not manage. */
export async function writeManaged(
  store: Store,
  key: Pick<ApiKey, "accountId" | "type" | "disabled" | "createdBy">,
  statements: readonly Statement[],
): Promise<void> {
  const { accountId, type, disabled, createdBy } = key;
  if (type === "regular" || disabled || createdBy === undefined) {
    await store.write(statements);
    return;
  }
  const manager = [accountId, createdBy];
  try {
    await store.write([{ sql: unless(isManager), args: manager }, ...statements]);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    const found = await store.read(`SELECT 1 WHERE ${isManager}`, manager);
    if (found.length > 0) throw thrown;
    throw new AppError(
      "invalid_value",
      "Cannot let this management key work: who made it is no owner or admin of the account. Make another",
      { param: "disabled", cause: thrown },
    );
  }
}

/**
 * Disables the management keys that somebody made in an account, for the transaction in which their role there ends. Nothing
 * is said where there are none. Then `KeyCache.invalidate()`.
 */
export function endingManagement(
  kit: Omit<Kit, "store">,
  said: { accountId: string; personId: string; actor: string; address: string | undefined },
): Statement[] {
  const { accountId, personId, actor, address } = said;
  const those = "account_id = ? AND created_by = ? AND type = 'management' AND disabled = 0";
  const entry = auditing(kit, {
    action: "member.management_keys_disabled",
    actor,
    target: personId,
    accountId,
    address,
  });
  const { args = [] } = entry;
  return [
    {
      // The entry counts them, and is written only where there are some.
      sql: `INSERT INTO audit_event (id, at, actor, action, target, account_id, address, detail)
        SELECT ?, ?, ?, ?, ?, ?, ?, json_object('keys', count(*)) FROM api_key WHERE ${those} HAVING count(*) > 0`,
      args: [...args.slice(0, -1), accountId, personId],
    },
    {
      sql: `UPDATE api_key SET disabled = 1, updated_at = ? WHERE ${those}`,
      args: [kit.clock.now(), accountId, personId],
    },
    bumpAccess,
  ];
}
