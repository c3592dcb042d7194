import type { Kit } from "#src/account/people/kit.ts";
import { createLink } from "#src/account/people/links.ts";

/** How long the link that sets a gateway up works. */
export const setupSeconds = 30 * 60;

/**
 * The token by which the first administrator comes in; undefined once there is anybody. Who takes it owns the oldest
 * account: the one that was made with the database. Each new token ends the one before.
 */
export async function setupToken(
  kit: Kit,
  { by = "serve", seconds = setupSeconds }: { by?: "serve" | "demo"; seconds?: number } = {},
): Promise<string | undefined> {
  const [row] = await kit.store.read(
    `SELECT EXISTS (SELECT 1 FROM person) AS somebody, (SELECT min(id) FROM account) AS account`,
    [],
  );
  if (row?.["somebody"] !== 0) return undefined;
  const oldest = row["account"];
  const { token } = await createLink(kit, {
    purpose: "setup",
    createdBy: by,
    operator: true,
    seconds,
    ...(typeof oldest === "string" ? { accountId: oldest, role: "owner" } : {}),
  });
  return token;
}
