import { firstMasterKey, type KeyPlace, readMasterKeys } from "#src/account/master-key.ts";
import {
  type ProviderKey,
  type ProviderKeyChange,
  type ProviderKeyPolicy,
  type Secret,
  shownOf,
} from "#src/account/provider-key.ts";
import {
  providerKeyColumns,
  providerKeyOf,
  providerKeyValues,
  secretOf,
} from "#src/account/provider-key-row.ts";
import { bumpAccess, getSetting } from "#src/account/settings.ts";
import { type MasterKey, seal, unseal, VaultError } from "#src/account/vault.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import { type Soon, then } from "#src/lib/soon.ts";
import { type Row, type Statement, type Store, textOf, type Value } from "#src/store/store.ts";

/** A key to be kept, with its secret. */
export type NewProviderKey = Pick<ProviderKey, "accountId" | "provider" | "label"> &
  Partial<ProviderKeyPolicy> & { secret: Secret };

/** A key and its secret, as the gateway uses it. */
export interface OpenedKey {
  key: ProviderKey;
  secret: Secret;
}

const columns = providerKeyColumns.join(", ");
const placeholders = providerKeyColumns.map(() => "?").join(", ");
/** Which master key seals; rotation changes it with the rows, so that nothing is sealed under one that goes. */
const sealedBy = "(SELECT value FROM setting WHERE key = 'master_key')";
const nameFirst: string = `INSERT INTO setting (key, value) SELECT 'master_key', ?
WHERE NOT EXISTS (SELECT 1 FROM provider_key) ON CONFLICT DO UPDATE SET value = excluded.value`;
const insert = `INSERT INTO provider_key (${columns}, envelope) SELECT ${placeholders}, ?
WHERE ${sealedBy} = ? RETURNING id`;
const replace = `UPDATE provider_key SET envelope = ?, kind = ?, shown = ?, updated_at = ?
WHERE id = ? AND ${sealedBy} = ? RETURNING id`;
const update = `UPDATE provider_key SET ${providerKeyColumns
  .filter((column) => column !== "last_used_at")
  .map((column) => `${column} = ?`)
  .join(", ")} WHERE id = ?`;
const lastUsedAt = providerKeyColumns.indexOf("last_used_at");
const touch =
  "UPDATE provider_key SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?";
const countVersion: Statement = {
  sql: `INSERT INTO setting (key, value) VALUES ('provider_key_version', '1')
    ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1`,
  args: [],
};
/** Part of every change: the caches of all processes hear of it. */
export const providerKeysChanged: readonly Statement[] = [countVersion, bumpAccess];
const attempts = 5;

/** Counts the changes of provider keys. */
export function providerKeyVersion(store: Store): Soon<string | undefined> {
  return then(
    store.read("SELECT value FROM setting WHERE key = 'provider_key_version'", []),
    ([row]) => row && textOf(row, "value"),
  );
}

/** Seals a secret and keeps it. Throws VaultError where there is no master key to seal it with. */
export async function addProviderKey(
  store: Store,
  { clock, ids, place }: { clock: Clock; ids: Ids; place: KeyPlace },
  { secret, ...policy }: NewProviderKey,
): Promise<ProviderKey> {
  const key: ProviderKey = {
    weight: 1,
    supportedModels: [],
    alwaysUse: false,
    isFallback: false,
    disabled: false,
    allowedModels: [],
    allowedApiKeyHashes: [],
    ...policy,
    id: ids.next("pk"),
    kind: secret.kind,
    shown: shownOf(secret),
    createdAt: clock.now(),
  };
  for (let left = attempts; left > 0; left--) {
    const master = await sealingKey(store, place);
    const envelope = seal(JSON.stringify(secret), key, master);
    const [, rows = []] = await store.write([
      { sql: nameFirst, args: [master.id] },
      { sql: insert, args: [...providerKeyValues(key), envelope, master.id] },
      ...providerKeysChanged,
    ]);
    // Another master key seals since: that of a rotation that just ended.
    if (rows.length > 0) return key;
  }
  throw new VaultError("Cannot keep the provider key: the master key is being rotated. Try again");
}

/** The master key that seals now: what the database names, or, before the first row, whatever there is. */
async function sealingKey(store: Store, place: KeyPlace): Promise<MasterKey> {
  const { all } = readMasterKeys(place);
  const [row] = await store.read(
    `SELECT count(*) AS rows, ${sealedBy} AS named FROM provider_key`,
    [],
  );
  if (row?.["rows"] === 0) return firstMasterKey(place);
  const named = row && textOf(row, "named");
  const found = all.find(({ id }) => id === named);
  if (found !== undefined) return found;
  throw new VaultError(
    `Cannot keep another provider key: those there are sealed under the master key ${named ?? "of another program"}, which is not at hand. Set LOWROUTER_MASTER_KEY to it and start again`,
  );
}

/** Which keys: those of an account, or the operator's. Absent: all. */
export type KeyOwner = { accountId: string } | "operator";

/** Keys without their secrets, oldest first. */
export async function listProviderKeys(store: Store, owner?: KeyOwner): Promise<ProviderKey[]> {
  const [where, args] = conditionOf(owner);
  const sql = `SELECT ${columns} FROM provider_key WHERE ${where} ORDER BY id`;
  return (await store.read(sql, args)).map(providerKeyOf);
}

/** Some of an owner's keys, oldest first, from after an id on. */
export async function pageOfProviderKeys(
  store: Store,
  owner: KeyOwner,
  { pageSize, after = "" }: { pageSize: number; after?: string | undefined },
): Promise<{ keys: ProviderKey[]; next: string | undefined }> {
  const [where, args] = conditionOf(owner);
  const sql = `SELECT ${columns} FROM provider_key WHERE ${where} AND id > ? ORDER BY id LIMIT ?`;
  const rows = await store.read(sql, [...args, after, pageSize + 1]);
  const keys = rows.slice(0, pageSize).map(providerKeyOf);
  return { keys, next: rows.length > pageSize ? keys.at(-1)?.id : undefined };
}

/** One key of an owner; undefined also where it is another's. */
export async function getProviderKey(
  store: Store,
  id: string,
  owner?: KeyOwner,
): Promise<ProviderKey | undefined> {
  const [where, args] = conditionOf(owner);
  const sql = `SELECT ${columns} FROM provider_key WHERE id = ? AND ${where}`;
  const [row] = await store.read(sql, [id, ...args]);
  return row && providerKeyOf(row);
}

function conditionOf(owner: KeyOwner | undefined): [string, Value[]] {
  if (owner === undefined) return ["true", []];
  if (owner === "operator") return ["account_id IS NULL", []];
  return ["account_id = ?", [owner.accountId]];
}

/** Puts another secret in the place of a key's, for instance after the provider renewed it. */
export async function replaceSecret(
  store: Store,
  { clock, place }: { clock: Clock; place: KeyPlace },
  key: ProviderKey,
  secret: Secret,
): Promise<void> {
  for (let left = attempts; left > 0; left--) {
    const master = await sealingKey(store, place);
    const envelope = seal(JSON.stringify(secret), key, master);
    const args = [envelope, secret.kind, shownOf(secret), clock.now(), key.id, master.id];
    const [rows = []] = await store.write([{ sql: replace, args }, ...providerKeysChanged]);
    if (rows.length > 0) return;
  }
  throw new VaultError("Cannot keep the provider key: the master key is being rotated. Try again");
}

/** Changes what is given and leaves the rest, and writes `beside` with it. Undefined where the owner has no such key. */
export async function updateProviderKey(
  store: Store,
  clock: Clock,
  id: string,
  change: ProviderKeyChange,
  owner?: KeyOwner,
  beside: readonly Statement[] = [],
): Promise<ProviderKey | undefined> {
  const key = await getProviderKey(store, id, owner);
  if (key === undefined) return undefined;
  const made: ProviderKey = { ...key, ...change, updatedAt: clock.now() };
  const args = [...providerKeyValues(made).toSpliced(lastUsedAt, 1), id];
  await store.write([{ sql: update, args }, ...beside, ...providerKeysChanged]);
  return made;
}

/** Deletes a key for good, and writes `beside` with that. False where the owner has no such key. */
export async function removeProviderKey(
  store: Store,
  id: string,
  owner?: KeyOwner,
  beside: readonly Statement[] = [],
): Promise<boolean> {
  if ((await getProviderKey(store, id, owner)) === undefined) return false;
  await store.write([
    { sql: "DELETE FROM provider_key WHERE id = ?", args: [id] },
    ...beside,
    ...providerKeysChanged,
  ]);
  return true;
}

/** Writes when keys were last used, by their ids. */
export async function touchProviderKeys(
  store: Store,
  usedAt: ReadonlyMap<string, number>,
): Promise<void> {
  if (usedAt.size > 0)
    await store.write([...usedAt].map(([id, at]) => ({ sql: touch, args: [at, id] })));
}

/** Every key with its secret. Throws VaultError where one does not open. */
export function openProviderKeys(store: Store, place: KeyPlace): Soon<OpenedKey[]> {
  return then(
    store.read(`SELECT ${columns}, envelope FROM provider_key ORDER BY id`, []),
    (rows) => {
      // Without rows nothing needs a master key, and a wrong one harms nobody.
      if (rows.length === 0) return [];
      const { all } = readMasterKeys(place);
      return rows.map((row) => {
        const key = providerKeyOf(row);
        return { key, secret: secretOf(unseal(envelopeOf(row), key, all)) };
      });
    },
  );
}

function envelopeOf(row: Row): string {
  return textOf(row, "envelope") ?? "";
}

/** The master key's id that the database names; undefined before the first provider key. */
export function namedMasterKey(store: Store): Promise<string | undefined> {
  return getSetting(store, "master_key");
}
