import { record } from "#src/account/people/audit.ts";
import type { Kit } from "#src/account/people/kit.ts";
import type { People } from "#src/account/people/people.ts";
import type { Knock, Visitor } from "#src/account/people/person.ts";
import { attempt, headersOf, signedIn } from "#src/account/people/sign-in.ts";
import { numberIn, textOf } from "#src/store/store.ts";

/** What a browser's dialog is opened with, and the cookie that knows the question. */
export interface PasskeyQuestion {
  options: unknown;
  cookies: string[];
}

/** What a browser's dialog gives at a sign-in, binary values in base64url. */
export interface PasskeyAnswer {
  id: string;
  rawId: string;
  type: "public-key";
  clientExtensionResults: Record<string, never>;
  response: {
    clientDataJSON: string;
    authenticatorData: string;
    signature: string;
    userHandle?: string;
  };
}

/** Passkeys of the visitor, oldest first. */
export async function listPasskeys({ store }: Pick<Kit, "store">, { person }: Visitor) {
  const rows = await store.read(
    "SELECT id, name, created_at FROM person_passkey WHERE person_id = ? ORDER BY id",
    [person.id],
  );
  return rows.map((row) => ({
    id: textOf(row, "id") ?? "",
    name: textOf(row, "name") ?? "passkey",
    createdAt: numberIn(row, "created_at"),
  }));
}

/** Removes one of the visitor's. False where there is none of that id. */
export async function removePasskey(
  kit: Kit,
  { person }: Visitor,
  id: string,
  { address }: Knock,
): Promise<boolean> {
  const [rows = []] = await kit.store.write([
    {
      sql: "DELETE FROM person_passkey WHERE id = ? AND person_id = ? RETURNING id",
      args: [id, person.id],
    },
  ]);
  if (rows.length === 0) return false;
  await record(kit, { action: "passkey.removed", actor: person.id, target: id, address });
  return true;
}

/** Begins a sign-in, for whoever it may be. */
export async function askForPasskey(people: People, knock: Knock): Promise<PasskeyQuestion> {
  const auth = await people.authOf(knock.origin);
  const { headers, response } = await auth.api.generatePasskeyAuthenticationOptions({
    headers: headersOf(knock, { withSession: false }),
    returnHeaders: true,
  });
  return { options: response, cookies: headers.getSetCookie() };
}

/** Ends it: the cookies of a session, or undefined. */
export async function signInByPasskey(
  people: People,
  knock: Knock,
  response: PasskeyAnswer,
): Promise<string[] | undefined> {
  const auth = await people.authOf(knock.origin);
  const tried = await attempt(() =>
    auth.api.verifyPasskeyAuthentication({
      body: { response },
      headers: headersOf(knock, { withSession: false }),
      returnHeaders: true,
    }),
  );
  if (tried === undefined) {
    await record(people, { action: "sign_in.passkey_failed", address: knock.address });
    return undefined;
  }
  await signedIn(people, auth, knock, tried.response.user.id, "passkey");
  return tried.headers.getSetCookie();
}

/** Begins a new passkey. Undefined where the sign-in was too long ago. */
export async function offerPasskey(
  people: People,
  knock: Knock,
): Promise<PasskeyQuestion | undefined> {
  const auth = await people.authOf(knock.origin);
  const tried = await attempt(() =>
    auth.api.generatePasskeyRegistrationOptions({
      headers: headersOf(knock, { withSession: true }),
      returnHeaders: true,
    }),
  );
  return tried && { options: tried.response, cookies: tried.headers.getSetCookie() };
}

/** Keeps a new passkey. False where the browser's answer does not hold. */
export async function addPasskey(
  people: People,
  { person }: Visitor,
  knock: Knock,
  { name, response }: { name: string; response: Record<string, unknown> },
): Promise<boolean> {
  const auth = await people.authOf(knock.origin);
  const tried = await attempt(() =>
    auth.api.verifyPasskeyRegistration({
      body: { response, name },
      headers: headersOf(knock, { withSession: true }),
    }),
  );
  if (tried === undefined) return false;
  await record(people, {
    action: "passkey.added",
    actor: person.id,
    target: tried.id,
    address: knock.address,
  });
  return true;
}
