import type { Statement, Store } from "#src/store/store.ts";
import { textOf } from "#src/store/store.ts";

/** A setting that all processes share, or undefined. */
export async function getSetting(store: Store, key: string): Promise<string | undefined> {
  const [row] = await store.read("SELECT value FROM setting WHERE key = ?", [key]);
  return row && textOf(row, "value");
}

/** Keeps a setting, in place of the one before. */
export async function setSetting(store: Store, key: string, value: string): Promise<void> {
  await store.write([
    {
      sql: "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      args: [key, value],
    },
  ]);
}

/** Part of every change of accounts and keys: tells the caches of all processes. */
export const bumpAccess: Statement = {
  sql: `INSERT INTO setting (key, value) VALUES ('access_version', '1')
    ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1`,
  args: [],
};

/** Reads what `bumpAccess` counts. */
export const readAccess = "SELECT value FROM setting WHERE key = 'access_version'";
