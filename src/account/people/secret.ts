import { hkdfSync } from "node:crypto";
import { firstMasterKey, type KeyPlace, readMasterKeys } from "#src/account/master-key.ts";
import { getSetting } from "#src/account/settings.ts";
import {
  keyIdOf,
  type MasterKey,
  mintMasterKey,
  seal,
  unseal,
  VaultError,
} from "#src/account/vault.ts";
import type { Statement, Store } from "#src/store/store.ts";

const setting = "people_secret";
const seat = { id: setting, provider: "" };

/**
 * What signs cookies and encrypts the secrets of authenticator apps: derived from a random text in the database that is
 * sealed under the master key, so that it survives a rotation of that key and all gateways on a database share it.
 * Throws VaultError where the master key is not at hand.
 */
export async function peopleSecret(store: Store, place: KeyPlace): Promise<string> {
  const envelope = (await getSetting(store, setting)) ?? (await create(store, place));
  try {
    return derive(unseal(envelope, seat, readMasterKeys(place).all));
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    throw new VaultError(
      `Cannot sign anybody in: what signs the sessions is sealed under master key ${keyIdOf(envelope) ?? "unknown"}, which is not at hand. Set LOWROUTER_MASTER_KEY to it, or put its file master.key back into the data directory`,
      { cause },
    );
  }
}

async function create(store: Store, place: KeyPlace): Promise<string> {
  const named = await getSetting(store, "master_key");
  const { all } = readMasterKeys(place);
  const master = all.find(({ id }) => id === named) ?? firstMasterKey(place);
  const envelope = seal(mintMasterKey(), seat, master);
  // Of two processes that start together, the first one's stands.
  const [, [row] = []] = await store.write([
    {
      sql: "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
      args: [setting, envelope],
    },
    { sql: "SELECT value FROM setting WHERE key = ?", args: [setting] },
  ]);
  return String(row?.["value"] ?? envelope);
}

/** Statements that seal the secret under a new master key, for the transaction of a rotation; none before it exists. */
export async function resealingSecret(
  store: Store,
  keys: readonly MasterKey[],
  next: MasterKey,
): Promise<Statement[]> {
  const old = await getSetting(store, setting);
  const moved: Statement[] =
    old === undefined || keyIdOf(old) === next.id
      ? []
      : [
          {
            sql: "UPDATE setting SET value = ? WHERE key = ? AND value = ?",
            args: [seal(unseal(old, seat, keys), seat, next), setting, old],
          },
        ];
  return [...moved, { sql: allMoved, args: [setting, `v1.${next.id}.%`] }];
}

/** Fails, and with it its transaction, where the secret came to be in between. */
const allMoved = `SELECT json(iif(EXISTS (SELECT 1 FROM setting WHERE key = ? AND value NOT LIKE ?), 'not all', '1'))`;

function derive(seed: string): string {
  const bytes = hkdfSync("sha256", seed, "", "lowrouter people v1", 32);
  return Buffer.from(bytes).toString("base64url");
}
