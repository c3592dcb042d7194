import type { KeyPlace } from "#src/account/master-key.ts";
import { auditing } from "#src/account/people/audit.ts";
import type { Auth } from "#src/account/people/auth.ts";
import type { Kit } from "#src/account/people/kit.ts";
import { membershipsOf } from "#src/account/people/members.ts";
import type { IdentityProvider, Knock, Person, Visitor } from "#src/account/people/person.ts";
import { peopleSecret } from "#src/account/people/secret.ts";
import { AppError } from "#src/lib/error.ts";

/** People of this gateway, and who of them is at the door. What it needs is loaded by the first who has a session. */
export interface People extends Kit {
  /** With whom people may sign in besides. */
  oidc: readonly IdentityProvider[];
  /** Sign-in for the address that a browser sees. */
  authOf(origin: string): Promise<Auth>;
  /** Who knocks, and for which account: the one asked for, else the one last chosen. Throws `not_found` for a foreign account. */
  visitorOf(knock: Knock, accountId?: string): Promise<Visitor | undefined>;
  /** Changes which account the visitor's pages are about, now and from the next sign-in on. Throws `not_found`. */
  choose(visitor: Visitor, accountId: string, address?: string): Promise<void>;
}

export interface PeopleOptions extends Kit {
  place: KeyPlace;
  oidc: readonly IdentityProvider[];
  onFault: (message: string) => void;
}

/** Addresses that a gateway is known by, at most: they come from requests. */
const mostOrigins = 8;

/** Wires people, and loads nothing yet. */
export function createPeople({ store, clock, ids, place, oidc, onFault }: PeopleOptions): People {
  const auths = new Map<string, Promise<Auth>>();

  async function load(origin: string): Promise<Auth> {
    // A library below passkeys needs it before anything else, and in the executable its own import of it comes too late.
    await import("reflect-metadata");
    const { createAuth } = await import("#src/account/people/auth.ts");
    const secret = await peopleSecret(store, place);
    return createAuth({ store, clock, ids, origin, oidc, onFault, secret });
  }

  function authOf(origin: string): Promise<Auth> {
    const known = auths.get(origin);
    if (known !== undefined) return known;
    const [oldest] = auths.keys();
    if (auths.size >= mostOrigins && oldest !== undefined) auths.delete(oldest);
    const loading = load(origin).catch((cause: unknown) => {
      // The next request tries again: the operator may have put the master key back.
      auths.delete(origin);
      throw cause;
    });
    auths.set(origin, loading);
    return loading;
  }

  return {
    store,
    clock,
    ids,
    oidc,
    authOf,
    async visitorOf(knock, accountId) {
      if (!hasSession(knock.cookie)) return undefined;
      const auth = await authOf(knock.origin);
      const found = await auth.api.getSession({ headers: new Headers({ cookie: knock.cookie }) });
      if (found === null || found.user.disabled) return undefined;
      const person = personOf(found.user);
      const memberships = await membershipsOf(store, person);
      const of = (id: string) => memberships.find(({ account }) => account.id === id);
      // A membership that ended since is passed over.
      const chosen = found.session.accountId ?? person.personalAccountId;
      const membership = accountId === undefined ? (of(chosen) ?? memberships[0]) : of(accountId);
      if (membership === undefined) throw noAccount();
      return { ...membership, person, memberships, sessionId: found.session.id };
    },
    async choose({ person, sessionId, memberships }, accountId, address) {
      if (!memberships.some(({ account }) => account.id === accountId)) throw noAccount();
      await store.write([
        {
          sql: "UPDATE person_session SET account_id = ? WHERE id = ? AND person_id = ?",
          args: [accountId, sessionId, person.id],
        },
        {
          sql: "UPDATE person SET chosen_account_id = ? WHERE id = ?",
          args: [accountId, person.id],
        },
        auditing(
          { clock, ids },
          { action: "account.chosen", actor: person.id, accountId, address },
        ),
      ]);
    },
  };
}

/** Whether a browser brings a session at all. */
export function hasSession(cookie: string): boolean {
  return cookie.includes("lowrouter.session_token=");
}

/** A person from what the sign-in library knows. */
export function personOf(user: {
  id: string;
  name: string;
  email: string;
  operator?: boolean | null | undefined;
  twoFactorEnabled?: boolean | null | undefined;
  accountId: string;
}): Person {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    operator: user.operator === true,
    twoFactor: user.twoFactorEnabled === true,
    personalAccountId: user.accountId,
  };
}

function noAccount(): AppError {
  return new AppError("not_found", "Cannot find this account: your own are listed at /account");
}
