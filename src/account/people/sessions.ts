import { record } from "#src/account/people/audit.ts";
import type { Kit } from "#src/account/people/kit.ts";
import type { Visitor } from "#src/account/people/person.ts";
import { numberIn, textOf } from "#src/store/store.ts";

/** A browser that somebody is signed in with. */
export interface Session {
  /** `ses_…`; the token stays in the store. */
  id: string;
  address: string | undefined;
  userAgent: string | undefined;
  createdAt: number;
  expiresAt: number;
  /** Whether it is the one that asks. */
  isThis: boolean;
}

/** Sessions of the visitor that still last, newest first. */
export async function listSessions(
  { store, clock }: Pick<Kit, "store" | "clock">,
  { person, sessionId }: Pick<Visitor, "person" | "sessionId">,
): Promise<Session[]> {
  const rows = await store.read(
    `SELECT id, address, user_agent, created_at, expires_at FROM person_session
      WHERE person_id = ? AND expires_at > ? ORDER BY id DESC LIMIT 100`,
    [person.id, clock.now()],
  );
  return rows.map((row) => ({
    id: textOf(row, "id") ?? "",
    address: textOf(row, "address") || undefined,
    userAgent: textOf(row, "user_agent") || undefined,
    createdAt: numberIn(row, "created_at") ?? 0,
    expiresAt: numberIn(row, "expires_at") ?? 0,
    isThis: row["id"] === sessionId,
  }));
}

/** Ends one session of the visitor, or all but the one that asks. False where the visitor has none of that id. */
export async function endSessions(
  kit: Kit,
  { person, sessionId }: Pick<Visitor, "person" | "sessionId">,
  which: { id: string } | "others",
  address?: string,
): Promise<boolean> {
  const [rows = []] = await kit.store.write([
    which === "others"
      ? {
          sql: "DELETE FROM person_session WHERE person_id = ? AND id <> ? RETURNING id",
          args: [person.id, sessionId],
        }
      : {
          sql: "DELETE FROM person_session WHERE person_id = ? AND id = ? RETURNING id",
          args: [person.id, which.id],
        },
  ]);
  if (rows.length === 0) return which === "others";
  await record(kit, {
    action: "session.ended",
    actor: person.id,
    target: which === "others" ? "others" : which.id,
    address,
    detail: { count: rows.length },
  });
  return true;
}

/** Removes what has run out: sessions and challenges. */
export async function removeExpired({ store, clock }: Pick<Kit, "store" | "clock">): Promise<void> {
  const now = clock.now();
  await store.write([
    { sql: "DELETE FROM person_session WHERE expires_at <= ?", args: [now] },
    { sql: "DELETE FROM person_verification WHERE expires_at <= ?", args: [now] },
  ]);
}
