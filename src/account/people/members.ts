import { accountOf } from "#src/account/accounts.ts";
import type { Account } from "#src/account/account.ts";
import { auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import {
  isAtLeast,
  type Membership,
  type Role,
  roleOf,
  type Visitor,
} from "#src/account/people/person.ts";
import { bumpAccess } from "#src/account/settings.ts";
import { AppError } from "#src/lib/error.ts";
import { numberIn, textOf, type Statement, type Store } from "#src/store/store.ts";

/** Somebody who may act for an account. */
export interface Member {
  personId: string;
  name: string;
  email: string;
  role: Role;
  since: number;
}

/** Accounts that a person may act for, the personal one first. */
export async function membershipsOf(
  store: Store,
  person: { id: string; personalAccountId: string },
): Promise<Membership[]> {
  const rows = await store.read(
    `SELECT account.*, membership.role AS role FROM membership JOIN account ON account.id = membership.account_id
      WHERE membership.person_id = ? ORDER BY account.id <> ?, membership.created_at`,
    [person.id, person.personalAccountId],
  );
  return rows.flatMap((row) => {
    const role = roleOf(textOf(row, "role"));
    return role === undefined ? [] : [{ account: accountOf(row), role }];
  });
}

/** Members of an account, owners first. */
export async function listMembers(store: Store, accountId: string): Promise<Member[]> {
  const rows = await store.read(
    `SELECT person.id, person.name, person.email, membership.role, membership.created_at FROM membership
      JOIN person ON person.id = membership.person_id WHERE membership.account_id = ?
      ORDER BY instr('owner admin member', membership.role), membership.created_at`,
    [accountId],
  );
  return rows.map((row) => ({
    personId: textOf(row, "id") ?? "",
    name: textOf(row, "name") ?? "",
    email: textOf(row, "email") ?? "",
    role: roleOf(textOf(row, "role")) ?? "member",
    since: numberIn(row, "created_at") ?? 0,
  }));
}

/** Opens an organisation: a prepaid account, of which the person is the owner. */
export async function createOrganisation(
  kit: Kit,
  { person }: Pick<Visitor, "person">,
  name: string,
  address?: string,
): Promise<Account> {
  const { store, clock, ids } = kit;
  const now = clock.now();
  const account: Account = {
    id: ids.next("acc"),
    name,
    plan: "prepaid",
    disabled: false,
    createdAt: now,
  };
  await store.write([
    {
      sql: "INSERT INTO account (id, name, plan, disabled, created_at) VALUES (?, ?, 'prepaid', 0, ?)",
      args: [account.id, name, now],
    },
    {
      sql: "INSERT INTO membership (account_id, person_id, role, created_at) VALUES (?, ?, 'owner', ?)",
      args: [account.id, person.id, now],
    },
    auditing(kit, {
      action: "organisation.created",
      actor: person.id,
      target: account.id,
      accountId: account.id,
      address,
    }),
  ]);
  return account;
}

/**
 * Gives a member of the visitor's account another role. Throws `not_found` for whoever is no member, `invalid_value` where
 * the visitor's own role does not reach, and where no owner would be left.
 */
export async function changeRole(
  kit: Kit,
  visitor: Visitor,
  personId: string,
  role: Role,
  address?: string,
): Promise<void> {
  const member = await reachable(kit, visitor, personId);
  if (role === "owner" && visitor.role !== "owner")
    throw new AppError("invalid_value", "Cannot make an owner: only owners do", { param: "role" });
  await keepingAnOwner(kit, visitor.account.id, [
    {
      sql: "UPDATE membership SET role = ? WHERE account_id = ? AND person_id = ?",
      args: [role, visitor.account.id, personId],
    },
    auditing(kit, {
      action: "member.role_changed",
      actor: visitor.person.id,
      target: personId,
      accountId: visitor.account.id,
      address,
      detail: { from: member.role, to: role },
    }),
  ]);
}

/** Ends somebody's membership in the visitor's account; see changeRole() for what it throws. */
export async function removeMember(
  kit: Kit,
  visitor: Visitor,
  personId: string,
  address?: string,
): Promise<void> {
  const member = await reachable(kit, visitor, personId);
  await endMembership(kit, visitor.account.id, member.personId, visitor.person.id, address);
}

/** Ends the visitor's own membership in an account that is not the personal one. */
export async function leave(
  kit: Kit,
  { person, memberships }: Visitor,
  accountId: string,
  address?: string,
): Promise<void> {
  if (!memberships.some(({ account }) => account.id === accountId)) throw missing();
  if (accountId === person.personalAccountId)
    throw new AppError(
      "invalid_value",
      "Cannot leave the personal account: delete yourself instead",
    );
  await endMembership(kit, accountId, person.id, person.id, address);
}

/**
 * Ends a person: no sign-in, no membership; the ledger and the audit log stay. Accounts of which nobody is left are
 * disabled, with their keys. Throws `invalid_value` where others would be without an owner, or the gateway without an
 * operator.
 */
export async function deletePerson(
  kit: Kit,
  { person }: Pick<Visitor, "person">,
  address?: string,
): Promise<void> {
  const of = [person.id];
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
      bumpAccess,
      { sql: "DELETE FROM membership WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_session WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_login WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_two_factor WHERE person_id = ?", args: of },
      { sql: "DELETE FROM person_passkey WHERE person_id = ?", args: of },
      { sql: "DELETE FROM one_use_link WHERE person_id = ?", args: of },
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

async function endMembership(
  kit: Kit,
  accountId: string,
  personId: string,
  actor: string,
  address: string | undefined,
): Promise<void> {
  await keepingAnOwner(kit, accountId, [
    {
      sql: "DELETE FROM membership WHERE account_id = ? AND person_id = ?",
      args: [accountId, personId],
    },
    auditing(kit, {
      action: actor === personId ? "member.left" : "member.removed",
      actor,
      target: personId,
      accountId,
      address,
    }),
  ]);
}

/** A member whom the visitor may change: admins all but owners, owners all, members nobody. */
async function reachable({ store }: Kit, visitor: Visitor, personId: string): Promise<Member> {
  if (!isAtLeast(visitor.role, "admin")) throw missing();
  const member = (await listMembers(store, visitor.account.id)).find(
    (one) => one.personId === personId,
  );
  if (member === undefined) throw missing();
  const [personal] = await store.read("SELECT account_id FROM person WHERE id = ?", [personId]);
  if (personal?.["account_id"] === visitor.account.id)
    throw new AppError(
      "invalid_value",
      "Cannot change whose personal account this is: that person stays its owner",
    );
  if (!isAtLeast(visitor.role, member.role))
    throw new AppError("invalid_value", "Cannot change an owner: only owners do");
  return member;
}

/** Changes members, or nothing where no owner would be left, whoever else changes them at the same moment. */
async function keepingAnOwner(
  { store }: Kit,
  accountId: string,
  statements: readonly Statement[],
): Promise<void> {
  try {
    await store.write([
      ...statements,
      {
        sql: unless("EXISTS (SELECT 1 FROM membership WHERE account_id = ? AND role = 'owner')"),
        args: [accountId],
      },
    ]);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    throw new AppError(
      "invalid_value",
      "Cannot leave an account without an owner: make somebody else one first",
      { cause: thrown },
    );
  }
}

function missing(): AppError {
  return new AppError(
    "not_found",
    "Cannot find this member or account: the account's page lists them",
  );
}
