import { randomBytes } from "node:crypto";
import { auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import { linkHash, linkIsOpen, openLink } from "#src/account/people/links.ts";

/** Why a password cannot be taken; undefined where it can. Length alone: rules about signs make worse passwords. */
export function passwordFault(password: string): string | undefined {
  if (password.length < passwordLength.least)
    return `Use at least ${passwordLength.least} characters`;
  if (password.length > passwordLength.most) return `Use at most ${passwordLength.most} characters`;
  if (new Set(password).size < 4) return "Use more than three different characters";
  return undefined;
}

/** How many characters a password has. */
export const passwordLength = { least: 10, most: 128 } as const;

/** A password that nobody has to remember: for who is let in by a link, and chooses none. */
export function madeUpPassword(): string {
  return randomBytes(24).toString("base64url");
}

/** What is kept of a password: scrypt with a salt. */
export async function hashOfPassword(password: string): Promise<string> {
  const { hashPassword } = await import("better-auth/crypto");
  return hashPassword(password);
}

/** Takes a reset link: the new password stands, and every session ends. False where the link works no longer. */
export async function resetPassword(
  kit: Kit,
  token: string,
  passwordHash: string,
  address: string,
): Promise<boolean> {
  const { store, clock, ids } = kit;
  const link = await openLink(kit, token);
  const { personId } = link ?? {};
  if (link?.purpose !== "reset" || personId === undefined) return false;
  const now = clock.now();
  const taken = ids.next("use");
  try {
    await store.write([
      {
        sql: `UPDATE one_use_link SET used_at = ?, used_by = ? WHERE hash = ? AND ${linkIsOpen}`,
        args: [now, taken, linkHash(token), now],
      },
      {
        sql: unless("EXISTS (SELECT 1 FROM one_use_link WHERE id = ? AND used_by = ?)"),
        args: [link.id, taken],
      },
      {
        sql: "DELETE FROM person_login WHERE person_id = ? AND provider = 'credential'",
        args: [personId],
      },
      {
        sql: `INSERT INTO person_login (id, person_id, provider, subject, password, created_at, updated_at)
          SELECT ?, id, 'credential', id, ?, ?, ? FROM person WHERE id = ?`,
        args: [ids.next("log"), passwordHash, now, now, personId],
      },
      { sql: "DELETE FROM person_session WHERE person_id = ?", args: [personId] },
      auditing(kit, { action: "password.reset", actor: personId, target: personId, address }),
    ]);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    return false;
  }
  return true;
}
