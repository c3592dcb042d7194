import { accountOf } from "#src/account/accounts.ts";
import type { Account } from "#src/account/account.ts";
import { auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import { endingManagement } from "#src/account/people/managed-keys.ts";
import {
  isAtLeast,
  type Membership,
  type Role,
  roleOf,
  type Visitor,
} from "#src/account/people/person.ts";
import { bumpAccess } from "#src/account/settings.ts";
import { AppError } from "#src/lib/error.ts";
import { numberIn, type Row, textOf, type Statement, type Store } from "#src/store/store.ts";

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
  return rows.map(memberOf);
}

/** A member from a row with the person's id, name and email. */
export function memberOf(row: Row): Member {
  return {
    personId: textOf(row, "id") ?? "",
    name: textOf(row, "name") ?? "",
    email: textOf(row, "email") ?? "",
    role: roleOf(textOf(row, "role")) ?? "member",
    since: numberIn(row, "created_at") ?? 0,
  };
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
 * Gives a member of the visitor's account another role; management keys that they made end with the role that may manage:
 * then `KeyCache.invalidate()`. Throws `not_found` for whoever is no member, `invalid_value` where
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
  await keepingAnOwner(kit, visitor.account.id, personId, [
    ...asSeen(visitor, member),
    {
      sql: "UPDATE membership SET role = ? WHERE account_id = ? AND person_id = ?",
      args: [role, visitor.account.id, personId],
    },
    ...(isAtLeast(role, "admin")
      ? []
      : endingManagement(kit, {
          accountId: visitor.account.id,
          personId,
          actor: visitor.person.id,
          address,
        })),
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

/**
 * Ends somebody's membership in the visitor's account; see changeRole() for what it throws. Their management keys end with it;
 * the other keys that they made belong to the account and go on working, unless `disableKeys`. Then `KeyCache.invalidate()`.
 */
export async function removeMember(
  kit: Kit,
  visitor: Visitor,
  personId: string,
  address?: string,
  { disableKeys = false }: { disableKeys?: boolean } = {},
): Promise<void> {
  const member = await reachable(kit, visitor, personId);
  const accountId = visitor.account.id;
  await endMembership(kit, accountId, personId, visitor.person.id, address, [
    ...asSeen(visitor, member),
    ...(disableKeys ? disablingKeys(kit, accountId, personId, visitor.person.id, address) : []),
  ]);
}

function disablingKeys(
  kit: Kit,
  accountId: string,
  personId: string,
  actor: string,
  address: string | undefined,
): Statement[] {
  return [
    {
      sql: "UPDATE api_key SET disabled = 1, updated_at = ? WHERE account_id = ? AND created_by = ? AND disabled = 0",
      args: [kit.clock.now(), accountId, personId],
    },
    bumpAccess,
    auditing(kit, { action: "member.keys_disabled", actor, target: personId, accountId, address }),
  ];
}

/**
 * Ends the visitor's own membership in an account that is not the personal one, and their management keys there. Then
 * `KeyCache.invalidate()`.
 */
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

async function endMembership(
  kit: Kit,
  accountId: string,
  personId: string,
  actor: string,
  address: string | undefined,
  before: readonly Statement[] = [],
): Promise<void> {
  await keepingAnOwner(kit, accountId, personId, [
    ...before,
    {
      sql: "DELETE FROM membership WHERE account_id = ? AND person_id = ?",
      args: [accountId, personId],
    },
    ...endingManagement(kit, { accountId, personId, actor, address }),
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

/** Fails, and with it its transaction, where either role is another by now: somebody else changes members too. */
function asSeen({ account, person, role }: Visitor, member: Member): Statement[] {
  const is =
    "EXISTS (SELECT 1 FROM membership WHERE account_id = ? AND person_id = ? AND role = ?)";
  return [
    {
      sql: unless(`${is} AND ${is}`),
      args: [account.id, person.id, role, account.id, member.personId, member.role],
    },
  ];
}

/** Changes members, or nothing where no owner would be left, whoever else changes them at the same moment. */
async function keepingAnOwner(
  { store }: Kit,
  accountId: string,
  personId: string,
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
    const [others] = await store.read(
      "SELECT 1 FROM membership WHERE account_id = ? AND person_id <> ? AND role = 'owner' LIMIT 1",
      [accountId, personId],
    );
    throw new AppError(
      "invalid_value",
      others === undefined
        ? "Cannot leave an account without an owner: make somebody else one first"
        : "Cannot change this member: somebody changed members at the same moment. Look again",
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
