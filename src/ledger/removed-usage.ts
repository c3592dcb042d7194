import { numberIn, type Store } from "#src/store/store.ts";

/** When the newest removed request came in, of one account or of any, Unix milliseconds; undefined where none was removed. */
export async function removedUntil(
  store: Pick<Store, "snapshot">,
  accountId: string | undefined,
): Promise<number | undefined> {
  const where = accountId === undefined ? "" : " WHERE account_id = ?";
  const args = accountId === undefined ? [] : [accountId];
  const [[row] = []] = await store.snapshot([
    { sql: `SELECT max(last_at) AS until FROM removed_usage${where}`, args },
  ]);
  return numberIn(row, "until");
}
