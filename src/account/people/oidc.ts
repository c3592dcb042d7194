import { record } from "#src/account/people/audit.ts";
import type { Kit } from "#src/account/people/kit.ts";
import type { People } from "#src/account/people/people.ts";
import type { IdentityProvider, Knock, Visitor } from "#src/account/people/person.ts";
import { attempt, headersOf, signedIn } from "#src/account/people/sign-in.ts";

/** Where a browser goes on, and the cookies that know it when it comes back. */
export interface WayOut {
  url: string;
  cookies: string[];
}

/** Where the browser is led that is not known. */
const failed = "/login?unknown=1";

/** Begins a sign-in at an OpenID provider. Undefined where it does not answer. */
export async function beginSignIn(
  people: People,
  { id }: Pick<IdentityProvider, "id">,
  next: string,
  knock: Knock,
): Promise<WayOut | undefined> {
  const auth = await people.authOf(knock.origin);
  const begun = await attempt(() =>
    auth.api.signInSocial({
      body: { provider: id, callbackURL: next, errorCallbackURL: failed, disableRedirect: true },
      headers: headersOf(knock, { withSession: false }),
      returnHeaders: true,
    }),
  );
  return wayOut(begun);
}

/** Begins to connect an identity of the visitor's. Undefined where the provider does not answer. */
export async function beginConnecting(
  people: People,
  { person }: Visitor,
  { id }: Pick<IdentityProvider, "id">,
  knock: Knock,
): Promise<WayOut | undefined> {
  const auth = await people.authOf(knock.origin);
  const begun = await attempt(() =>
    auth.api.linkSocialAccount({
      body: {
        provider: id,
        callbackURL: "/account?done=connected",
        errorCallbackURL: "/account",
        disableRedirect: true,
      },
      headers: headersOf(knock, { withSession: true }),
      returnHeaders: true,
    }),
  );
  await record(people, {
    action: "identity.connecting",
    actor: person.id,
    target: id,
    address: knock.address,
  });
  return wayOut(begun);
}

/** Ends what was begun: the provider led the browser back. The answer leads it on, signed in or not. */
export async function comeBack(people: People, request: Request, knock: Knock): Promise<Response> {
  const auth = await people.authOf(knock.origin);
  const { pathname, search } = new URL(request.url);
  const response = await auth.handler(
    new Request(knock.origin + pathname + search, {
      headers: headersOf(knock, { withSession: true }),
    }),
  );
  const cookies = response.headers.getSetCookie();
  const made = cookies.map((line) => line.split(";")[0] ?? "").join("; ");
  const found = await auth.api.getSession({ headers: new Headers({ cookie: made }) });
  if (found !== null) await signedIn(people, auth, knock, found.user.id, "oidc");
  return response;
}

/** Ids of the providers by which the visitor is known. */
export async function connectedProviders(
  { store }: Pick<Kit, "store">,
  { person }: Visitor,
): Promise<string[]> {
  const rows = await store.read(
    "SELECT DISTINCT provider FROM person_login WHERE person_id = ? AND provider <> 'credential'",
    [person.id],
  );
  return rows.map((row) => String(row["provider"]));
}

/** Forgets the visitor's identity at a provider. False where there is none. */
export async function disconnect(
  kit: Kit,
  { person }: Visitor,
  id: string,
  { address }: Knock,
): Promise<boolean> {
  const [rows = []] = await kit.store.write([
    {
      sql: "DELETE FROM person_login WHERE person_id = ? AND provider = ? AND provider <> 'credential' RETURNING id",
      args: [person.id, id],
    },
  ]);
  if (rows.length === 0) return false;
  await record(kit, { action: "identity.disconnected", actor: person.id, target: id, address });
  return true;
}

function wayOut(
  begun: { headers: Headers; response: { url?: string | undefined } } | undefined,
): WayOut | undefined {
  const url = begun?.response.url;
  return begun && url !== undefined ? { url, cookies: begun.headers.getSetCookie() } : undefined;
}
