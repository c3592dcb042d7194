import type { Kit } from "#src/account/people/kit.ts";
import { sha256Hex } from "#src/lib/bytes.ts";

/** Longer than the library takes a code: its own half minute and those before and after. */
const keptMs = 120_000;

/**
 * Takes a code of an authenticator app for a try. False where it was tried before: whoever saw one typed does not come in with
 * it, whichever gateway on the database is asked (RFC 6238, 5.2).
 */
export async function takeCode(
  { store, clock }: Pick<Kit, "store" | "clock">,
  personId: string,
  code: string,
): Promise<boolean> {
  const now = clock.now();
  const id = `otp_${sha256Hex(`${personId} ${code}`)}`;
  const [rows = []] = await store.write([
    {
      sql: `INSERT INTO person_verification (id, identifier, value, expires_at, created_at, updated_at)
        VALUES (?1, ?1, '', ?2, ?3, ?3) ON CONFLICT (id) DO UPDATE SET expires_at = ?2 WHERE expires_at <= ?3 RETURNING id`,
      args: [id, now + keptMs, now],
    },
  ]);
  return rows.length > 0;
}
