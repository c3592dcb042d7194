import { accountOf } from "#src/account/accounts.ts";
import { auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import { type Link, linkHash, linkIsOpen, openLink } from "#src/account/people/links.ts";
import type { Knock, Visitor } from "#src/account/people/person.ts";
import { creditStatements } from "#src/ledger/transactions.ts";
import type { Statement } from "#src/store/store.ts";

/** What somebody new says. */
export interface NewPerson {
  name: string;
  /** Lower case. */
  email: string;
  /** Never the password. */
  passwordHash: string;
}

/** How a link was taken: `gone` where it works no longer, `refused` where the address cannot be used with it. */
export type Joined = { state: "joined"; personId: string } | { state: "gone" | "refused" };

/** Takes a link and opens all that it promises, in one transaction or not at all. */
export async function join(
  kit: Kit,
  token: string,
  { name, email, passwordHash }: NewPerson,
  { address }: Pick<Knock, "address">,
): Promise<Joined> {
  const { store, clock, ids } = kit;
  const link = await openLink(kit, token);
  if (link === undefined || link.purpose === "reset") return { state: "gone" };
  if (link.email !== undefined && link.email !== email) return { state: "refused" };
  const now = clock.now();
  const personId = ids.next("per");
  // Who sets the gateway up owns the account that was made with it.
  const adopted = link.purpose === "setup" ? link.accountId : undefined;
  const accountId = adopted ?? ids.next("acc");
  const opened: Statement[] =
    adopted === undefined
      ? [
          {
            sql: "INSERT INTO account (id, name, plan, disabled, created_at) VALUES (?, ?, 'prepaid', 0, ?)",
            args: [accountId, name, now],
          },
        ]
      : [];
  const credited =
    link.credit === 0
      ? []
      : creditStatements(kit, {
          accountId,
          type: "credit",
          amount: link.credit,
          description: "Credit with the invitation",
          by: link.createdBy,
        });
  try {
    await store.write([
      ...taking(link, linkHash(token), personId, now),
      ...(link.purpose === "setup"
        ? [{ sql: unless("NOT EXISTS (SELECT 1 FROM person)"), args: [] }]
        : []),
      {
        sql: `INSERT INTO person (id, name, email, email_verified, created_at, updated_at, two_factor_enabled, operator,
          disabled, account_id) VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?)`,
        // The operator vouches for an address that is invited by name; one that was typed here is anybody's.
        args: [
          personId,
          name,
          email,
          link.email === undefined ? 0 : 1,
          now,
          now,
          link.operator ? 1 : 0,
          accountId,
        ],
      },
      {
        sql: `INSERT INTO person_login (id, person_id, provider, subject, password, created_at, updated_at)
          VALUES (?, ?, 'credential', ?, ?, ?, ?)`,
        args: [ids.next("log"), personId, personId, passwordHash, now, now],
      },
      ...opened,
      membershipOf(accountId, personId, "owner", now),
      ...(adopted === undefined && link.accountId !== undefined
        ? [membershipOf(link.accountId, personId, link.role ?? "member", now)]
        : []),
      ...credited,
      auditing(kit, {
        action: "person.joined",
        actor: personId,
        target: link.id,
        accountId: link.accountId ?? accountId,
        address,
        detail: { role: link.role ?? "owner", ...(link.operator ? { operator: true } : {}) },
      }),
    ]);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    const stillOpen = await openLink(kit, token);
    return { state: stillOpen === undefined ? "gone" : "refused" };
  }
  return { state: "joined", personId };
}

/** Takes an invitation for somebody who is signed in: a membership, and no second personal account. */
export async function joinAccount(
  kit: Kit,
  token: string,
  { person }: Pick<Visitor, "person">,
  { address }: Pick<Knock, "address">,
): Promise<Joined> {
  const { store, clock } = kit;
  const link = await openLink(kit, token);
  if (link?.purpose !== "invitation") return { state: "gone" };
  const { accountId } = link;
  if (accountId === undefined || (link.email !== undefined && link.email !== person.email))
    return { state: "refused" };
  const now = clock.now();
  const taken = `${link.id} ${person.id}`;
  try {
    await store.write([
      ...taking(link, linkHash(token), taken, now),
      membershipOf(accountId, person.id, link.role ?? "member", now),
      auditing(kit, {
        action: "member.joined",
        actor: person.id,
        target: link.id,
        accountId,
        address,
        detail: { role: link.role ?? "member" },
      }),
    ]);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    const stillOpen = await openLink(kit, token);
    return { state: stillOpen === undefined ? "gone" : "refused" };
  }
  return { state: "joined", personId: person.id };
}

/** The name of the account that a link leads into; undefined where it leads to a personal account alone. */
export async function accountOfLink(kit: Pick<Kit, "store">, link: Link) {
  if (link.accountId === undefined) return undefined;
  const [row] = await kit.store.read("SELECT * FROM account WHERE id = ?", [link.accountId]);
  return row && accountOf(row);
}

/** Takes the link, or fails with the whole transaction where another just did. */
function taking({ id }: Link, hash: string, by: string, now: number): Statement[] {
  return [
    {
      sql: `UPDATE one_use_link SET used_at = ?, used_by = ? WHERE hash = ? AND ${linkIsOpen}`,
      args: [now, by, hash, now],
    },
    {
      sql: unless("EXISTS (SELECT 1 FROM one_use_link WHERE id = ? AND used_by = ?)"),
      args: [id, by],
    },
  ];
}

function membershipOf(accountId: string, personId: string, role: string, now: number): Statement {
  return {
    sql: "INSERT INTO membership (account_id, person_id, role, created_at) VALUES (?, ?, ?, ?)",
    args: [accountId, personId, role, now],
  };
}
