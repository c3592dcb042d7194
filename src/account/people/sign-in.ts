import { auditing, record } from "#src/account/people/audit.ts";
import type { Auth } from "#src/account/people/auth.ts";
import type { People } from "#src/account/people/people.ts";
import { addressHeader, type Knock } from "#src/account/people/person.ts";
import { removeExpired } from "#src/account/people/sessions.ts";
import { tellingFaults } from "#src/account/people/told-faults.ts";
import { throttled, type Throttles, tryOf } from "#src/account/people/throttles.ts";

/** How a try to sign in ended. Cookies are Set-Cookie headers for the browser. */
export type SignIn =
  | { state: "in"; cookies: string[] }
  /** A code of the authenticator app is wanted. */
  | { state: "second_step"; cookies: string[] }
  | { state: "refused"; cookies: string[] }
  | { state: "throttled"; seconds: number };

/** The headers that the library sees of a request; only what it needs, and no session where a new one is wanted. */
export function headersOf(knock: Knock, options: { withSession: boolean }): Headers {
  const cookies = knock.cookie
    .split("; ")
    .filter((pair) => options.withSession || !pair.includes("lowrouter.session_token="));
  return new Headers({
    cookie: cookies.join("; "),
    "user-agent": knock.userAgent.slice(0, 300),
    origin: knock.origin,
    [addressHeader]: knock.address,
  });
}

/** Signs in by password. An unknown name costs and answers the same as a wrong password. */
export async function signIn(
  people: People,
  throttles: Throttles,
  { email, password }: { email: string; password: string },
  knock: Knock,
): Promise<SignIn> {
  const name = email.trim().toLowerCase();
  const seconds = throttled(throttles, name, knock);
  if (seconds > 0) {
    await record(people, { action: "sign_in.throttled", address: knock.address });
    return { state: "throttled", seconds };
  }
  const auth = await people.authOf(knock.origin);
  const tried = await attempt(async () =>
    auth.api.signInEmail({
      body: { email: name, password },
      headers: headersOf(knock, { withSession: false }),
      returnHeaders: true,
    }),
  );
  if (tried === undefined) {
    // No name: what was typed there may be a password.
    await record(people, {
      action: "sign_in.failed",
      actor: await idOf(people, name),
      address: knock.address,
    });
    return { state: "refused", cookies: [] };
  }
  throttles.pair.forgive(tryOf(name, knock));
  const { headers, response } = tried;
  const cookies = headers.getSetCookie();
  if (!("user" in response)) return { state: "second_step", cookies };
  await signedIn(people, auth, knock, response.user.id, "password");
  return { state: "in", cookies };
}

/** The second step: a code of the authenticator app, or a recovery code. */
export async function signInByCode(
  people: People,
  throttles: Throttles,
  code: string,
  knock: Knock,
): Promise<SignIn> {
  const seconds = throttles.address.take(knock.address);
  if (seconds > 0) return { state: "throttled", seconds };
  const auth = await people.authOf(knock.origin);
  const plain = code.replace(/\s/g, "");
  const headers = headersOf(knock, { withSession: false });
  const tried = await attempt(async () =>
    /^\d{6}$/.test(plain)
      ? auth.api.verifyTOTP({ body: { code: plain }, headers, returnHeaders: true })
      : auth.api.verifyBackupCode({ body: { code: plain }, headers, returnHeaders: true }),
  );
  if (tried === undefined) {
    await record(people, { action: "sign_in.code_failed", address: knock.address });
    return { state: "refused", cookies: [] };
  }
  await signedIn(people, auth, knock, tried.response.user.id, "code");
  return { state: "in", cookies: tried.headers.getSetCookie() };
}

/** Ends the session that the browser brings. Returns the cookies that forget it. */
export async function signOut(people: People, knock: Knock): Promise<string[]> {
  const visitor = await people.visitorOf(knock);
  const auth = await people.authOf(knock.origin);
  // The library would have the browser forget a session that it could not end.
  if (visitor)
    await people.store.write([
      { sql: "DELETE FROM person_session WHERE id = ?", args: [visitor.sessionId] },
      auditing(people, {
        action: "sign_in.ended",
        actor: visitor.person.id,
        accountId: visitor.account.id,
        address: knock.address,
      }),
    ]);
  const { headers } = await auth.api.signOut({
    headers: headersOf(knock, { withSession: true }),
    returnHeaders: true,
  });
  return headers.getSetCookie();
}

/** Notes a sign-in, and ends the session that the browser had before. */
export async function signedIn(
  people: People,
  auth: Auth,
  knock: Knock,
  personId: string,
  by: string,
): Promise<void> {
  const before = await auth.api.getSession({ headers: headersOf(knock, { withSession: true }) });
  if (before !== null)
    await people.store.write([
      { sql: "DELETE FROM person_session WHERE id = ?", args: [before.session.id] },
    ]);
  await removeExpired(people);
  const [row] = await people.store.read("SELECT account_id FROM person WHERE id = ?", [personId]);
  await record(people, {
    action: "sign_in.done",
    actor: personId,
    accountId: row && String(row["account_id"]),
    address: knock.address,
    detail: { by },
  });
}

/** What the library answers; undefined where it refuses. Throws what is a fault of ours. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  const { isAPIError } = await import("better-auth/api");
  try {
    return await tellingFaults(work);
  } catch (thrown) {
    if (isAPIError(thrown) && thrown.statusCode < 500) return undefined;
    throw thrown;
  }
}

async function idOf({ store }: People, email: string): Promise<string | undefined> {
  const [row] = await store.read("SELECT id FROM person WHERE email = ?", [email]);
  return row && String(row["id"]);
}
