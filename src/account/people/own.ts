import { record } from "#src/account/people/audit.ts";
import type { People } from "#src/account/people/people.ts";
import type { Knock, Visitor } from "#src/account/people/person.ts";
import { attempt, headersOf } from "#src/account/people/sign-in.ts";
import { takeCode } from "#src/account/people/take-code.ts";

/** What goes into an authenticator app. Exists only where it is made. */
export interface Codes {
  secret: string;
  /** The same for apps: `otpauth://…` */
  uri: string;
  recovery: string[];
}

const asSelf = { withSession: true };

/** Whether it is the password of who knocks. */
export async function isPassword(people: People, knock: Knock, password: string): Promise<boolean> {
  const auth = await people.authOf(knock.origin);
  const headers = headersOf(knock, asSelf);
  const tried = await attempt(() => auth.api.verifyPassword({ body: { password }, headers }));
  return tried?.status === true;
}

/** Changes the password and ends every session; the cookies are of a new one. Undefined where the old one is wrong. */
export async function changePassword(
  people: People,
  { person }: Visitor,
  knock: Knock,
  { now, next }: { now: string; next: string },
): Promise<string[] | undefined> {
  const auth = await people.authOf(knock.origin);
  const tried = await attempt(() =>
    auth.api.changePassword({
      body: { currentPassword: now, newPassword: next, revokeOtherSessions: true },
      headers: headersOf(knock, asSelf),
      returnHeaders: true,
    }),
  );
  await note(people, person.id, knock, tried ? "password.changed" : "password.refused");
  return tried?.headers.getSetCookie();
}

/** Makes a secret for an authenticator app; nothing is on before confirmCodes(). Undefined for a wrong password. */
export async function startCodes(
  people: People,
  knock: Knock,
  password: string,
): Promise<Codes | undefined> {
  const auth = await people.authOf(knock.origin);
  const headers = headersOf(knock, asSelf);
  const made = await attempt(() => auth.api.enableTwoFactor({ body: { password }, headers }));
  if (made === undefined || !("totpURI" in made)) return undefined;
  const { totpURI, backupCodes } = made;
  return {
    secret: new URL(totpURI).searchParams.get("secret") ?? "",
    uri: totpURI,
    recovery: backupCodes,
  };
}

/** Switches codes on, with the first of them. Undefined where it is wrong, or was tried before. */
export async function confirmCodes(
  people: People,
  { person }: Visitor,
  knock: Knock,
  code: string,
): Promise<string[] | undefined> {
  const plain = code.replace(/\s/g, "");
  if (!(await takeCode(people, person.id, plain))) return undefined;
  const auth = await people.authOf(knock.origin);
  const tried = await attempt(() =>
    auth.api.verifyTOTP({
      body: { code: plain },
      headers: headersOf(knock, asSelf),
      returnHeaders: true,
    }),
  );
  if (tried) await note(people, person.id, knock, "codes.on");
  return tried?.headers.getSetCookie();
}

/** Switches codes off. Undefined for a wrong password. */
export async function stopCodes(
  people: People,
  { person }: Visitor,
  knock: Knock,
  password: string,
): Promise<string[] | undefined> {
  const auth = await people.authOf(knock.origin);
  const tried = await attempt(() =>
    auth.api.disableTwoFactor({
      body: { password },
      headers: headersOf(knock, asSelf),
      returnHeaders: true,
    }),
  );
  if (tried) await note(people, person.id, knock, "codes.off");
  return tried?.headers.getSetCookie();
}

function note(people: People, actor: string, { address }: Knock, action: `${string}.${string}`) {
  return record(people, { action, actor, target: actor, address });
}
