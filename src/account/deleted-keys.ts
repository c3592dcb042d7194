import { type Statement, type Store, textOf } from "#src/store/store.ts";

/** A key that is gone; requests of it still tell whose it was. */
export interface DeletedKey {
  hash: string;
  name: string;
  /** The person who made it; undefined where none did, or it is not known any more. */
  createdBy: string | undefined;
}

/** Keeps whose a key was, and then deletes it. */
export function deleting(hash: string, now: number): Statement[] {
  return [
    {
      sql: `INSERT OR REPLACE INTO deleted_key (hash, account_id, name, created_by, deleted_at)
        SELECT hash, account_id, name, created_by, ? FROM api_key WHERE hash = ?`,
      args: [now, hash],
    },
    { sql: "DELETE FROM api_key WHERE hash = ?", args: [hash] },
  ];
}

/** A key that is made again, from a secret that somebody kept, is not gone. */
export function undeleting(hash: string): Statement {
  return { sql: "DELETE FROM deleted_key WHERE hash = ?", args: [hash] };
}

/** Keys of an account that are gone, the last deleted first; only those that one person made, where one is given. */
export async function listDeletedKeys(
  store: Store,
  {
    accountId,
    createdBy,
    most,
  }: { accountId: string; createdBy?: string | undefined; most: number },
): Promise<DeletedKey[]> {
  const rows = await store.read(
    `SELECT hash, name, created_by FROM deleted_key WHERE account_id = ?1 AND (?2 IS NULL OR created_by = ?2)
      ORDER BY deleted_at DESC, hash LIMIT ?3`,
    [accountId, createdBy ?? null, most],
  );
  return rows.map((row) => ({
    hash: textOf(row, "hash") ?? "",
    name: textOf(row, "name") ?? "",
    createdBy: textOf(row, "created_by"),
  }));
}
