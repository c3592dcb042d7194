import type { Account } from "#src/account/account.ts";

/** What somebody may do for an account. Owners and admins see billing and all keys; members see and make their own. */
export const roles = ["owner", "admin", "member"] as const;
export type Role = (typeof roles)[number];

/** A human being who signs in. */
export interface Person {
  /** `per_…` */
  id: string;
  name: string;
  email: string;
  /** Administers the gateway, whatever the role in an account. */
  operator: boolean;
  twoFactor: boolean;
  /** The personal account: the one that cannot be left. */
  personalAccountId: string;
}

/** An account that somebody may act for. */
export interface Membership {
  account: Account;
  role: Role;
}

/** Who looks at a page, and for which account. */
export interface Visitor extends Membership {
  person: Person;
  /** `ses_…`; never the token. */
  sessionId: string;
  /** All accounts to switch between, the personal one first. */
  memberships: readonly Membership[];
}

/** An OpenID provider that people may sign in with. */
export interface IdentityProvider {
  /** Part of the address that it sends browsers back to: /login/api/callback/ID */
  id: string;
  /** As people know it. */
  name: string;
  /** Its address, where /.well-known/openid-configuration is found. */
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
}

/** A browser that knocks: what of its request matters here. */
export interface Knock {
  /** Address that the browser sees, such as https://gateway.example: decides the names of cookies. */
  origin: string;
  /** The Cookie header. */
  cookie: string;
  userAgent: string;
  /** Network address, for throttling and the audit log. */
  address: string;
}

/** Whether a role is at least another: owner, then admin, then member. */
export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(least);
}

/** A role by its name; undefined for anything else. */
export function roleOf(text: string | undefined): Role | undefined {
  return roles.find((role) => role === text);
}

/** Header by which the sign-in library is told the address; it is never taken from a browser. */
export const addressHeader = "x-lowrouter-address";

/** Whether somebody can sign in with an address. As the sign-in library has it: no marks beyond ASCII, no host of one word. */
export function isEmail(text: string): boolean {
  return (
    text.length <= 200 &&
    /^(?:[\w'+-]+\.)*[\w'+-]*[\w+-]@(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/.test(text)
  );
}
