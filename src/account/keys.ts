import type { ApiKey } from "#src/account/account.ts";
import { seeding } from "#src/account/carbon-budget.ts";
import { deleting, undeleting } from "#src/account/deleted-keys.ts";
import { keyColumns, keyOf, keyValues } from "#src/account/key-row.ts";
import { writeManaged } from "#src/account/people/managed-keys.ts";
import { bumpAccess } from "#src/account/settings.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Statement, Store, Value } from "#src/store/store.ts";

/** What the maker of a key decides; the rest is without limits. */
export type KeyPolicy = Omit<
  ApiKey,
  "hash" | "accountId" | "label" | "createdAt" | "updatedAt" | "lastUsedAt"
>;
export type NewKey = Pick<ApiKey, "accountId" | "name"> & Partial<KeyPolicy>;

/** A change of a key: absent leaves, undefined removes. */
export type KeyChange = Partial<Omit<KeyPolicy, "type">>;

/** A key and its secret, which exists only here. */
export interface MintedKey {
  key: ApiKey;
  secret: string;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const secretCharacters = 43;
const selectKey = `SELECT ${keyColumns.join(", ")} FROM api_key`;
const insertKey = `INSERT INTO api_key (${keyColumns.join(", ")}) VALUES (${keyColumns.map(() => "?").join(", ")})`;
const updateRow = `UPDATE api_key SET ${keyColumns
  .filter((column) => column !== "last_used_at")
  .map((column) => `${column} = ?`)
  .join(", ")} WHERE hash = ?`;
const lastUsedAt = keyColumns.indexOf("last_used_at");

/** The public id of a key. */
export function hashOf(secret: string): string {
  return sha256Hex(secret);
}

/** A new secret, 256 bits from the operating system. */
export function mintSecret(type: ApiKey["type"]): string {
  let text = type === "management" ? "lr_mgmt_" : "lr_live_";
  const end = text.length + secretCharacters;
  while (text.length < end) {
    for (const byte of crypto.getRandomValues(new Uint8Array(64))) {
      // 248 is the largest multiple of 62 in a byte: the rest would favour the first characters.
      if (byte < 248 && text.length < end) text += alphabet[byte % 62];
    }
  }
  return text;
}

/**
 * Makes a key. `secret` only to keep one that exists already, or to know the hash before; `beside` is written with it. Throws
 * `invalid_value` for a management key of somebody who may not manage the account.
 */
export async function createKey(
  store: Store,
  clock: Clock,
  { type = "regular", ...policy }: NewKey,
  secret = mintSecret(type),
  beside: readonly Statement[] = [],
): Promise<MintedKey> {
  const key: ApiKey = {
    disabled: false,
    allowedProviders: [],
    allowedModels: [],
    preferLowCarbon: false,
    rateLimit: {},
    carbonBudgetAction: "refuse",
    ...policy,
    type,
    hash: hashOf(secret),
    label: `${secret.slice(0, 12)}…${secret.slice(-4)}`,
    createdAt: clock.now(),
  };
  await writeManaged(store, key, [
    { sql: insertKey, args: keyValues(key) },
    undeleting(key.hash),
    ...beside,
    bumpAccess,
  ]);
  return { key, secret };
}

/** Which keys: absent means all. */
export interface KeyListing {
  accountId?: string;
  /** Only those that this person made. */
  createdBy?: string | undefined;
  type?: ApiKey["type"] | undefined;
  includeDisabled: boolean;
  pageSize: number;
  offset?: number;
  /** The last key of the page before: its hash, or pageTokenOf() it, which goes on where that key is gone. */
  pageToken?: string;
}

/** What the list goes on with after a key, whatever becomes of that key. */
export function pageTokenOf({ createdAt, hash }: ApiKey): string {
  return `${createdAt}.${hash}`;
}

/** Keys, newest first. */
export async function listKeys(store: Store, listing: KeyListing): Promise<ApiKey[]> {
  const { accountId, createdBy, type, includeDisabled, pageSize, offset = 0, pageToken } = listing;
  const texts: string[] = [];
  const args: Value[] = [];
  if (accountId !== undefined) {
    texts.push("account_id = ?");
    args.push(accountId);
  }
  if (createdBy !== undefined) {
    texts.push("created_by = ?");
    args.push(createdBy);
  }
  if (type !== undefined) {
    texts.push("type = ?");
    args.push(type);
  }
  if (!includeDisabled) texts.push("disabled = 0");
  const [, createdAt, hash] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(pageToken ?? "") ?? [];
  if (createdAt !== undefined && hash !== undefined) {
    texts.push("(created_at, hash) < (?, ?)");
    args.push(Number(createdAt), hash);
  } else if (pageToken !== undefined) {
    // A key that is not the lister's own tells nothing, not even that it is there: as after one that is gone, the list ends.
    texts.push(`(created_at, hash) < (SELECT created_at, hash FROM api_key WHERE hash = ?
      AND account_id = coalesce(?, account_id) AND created_by IS coalesce(?, created_by))`);
    args.push(pageToken, accountId ?? null, createdBy ?? null);
  }
  const where = texts.length === 0 ? "" : `WHERE ${texts.join(" AND ")}`;
  const rows = await store.read(
    `${selectKey} ${where} ORDER BY created_at DESC, hash DESC LIMIT ? OFFSET ?`,
    [...args, pageSize, offset],
  );
  return rows.map(keyOf);
}

/** A key of an account by its hash; without an account, whoever's it is. */
export async function getKey(
  store: Store,
  accountId: string | undefined,
  hash: string,
): Promise<ApiKey | undefined> {
  const [row] = await store.read(`${selectKey} WHERE hash = ?`, [hash]);
  const key = row && keyOf(row);
  return accountId === undefined || key?.accountId === accountId ? key : undefined;
}

/** Changes a key, and writes `beside` with it. Throws as createKey(). Then `KeyCache.invalidate(hash)` and `Allowances.refresh(hash)`. */
export async function updateKey(
  store: Store,
  clock: Clock,
  accountId: string | undefined,
  hash: string,
  change: KeyChange,
  beside: readonly Statement[] = [],
): Promise<ApiKey | undefined> {
  const key = await getKey(store, accountId, hash);
  if (key === undefined) return undefined;
  const changed: ApiKey = { ...key, ...change, updatedAt: clock.now() };
  const values = keyValues(changed).toSpliced(lastUsedAt, 1);
  const isBudgeted = "carbonBudgetG" in change || "carbonBudgetReset" in change;
  const { carbonBudgetReset: reset = "monthly" } = changed;
  const seeds =
    isBudgeted && changed.carbonBudgetG !== undefined
      ? [seeding("key", hash, reset, clock.now())]
      : [];
  const row = { sql: updateRow, args: [...values, hash] };
  await writeManaged(store, changed, [row, ...seeds, ...beside, bumpAccess]);
  return changed;
}

/** Revokes a key for good, and writes `beside` with that; its history stays, and whose it was. False when there is none. Then `KeyCache.invalidate(hash)`. */
export async function deleteKey(
  store: Store,
  clock: Clock,
  accountId: string | undefined,
  hash: string,
  beside: readonly Statement[] = [],
): Promise<boolean> {
  const key = await getKey(store, accountId, hash);
  if (key === undefined) return false;
  await store.write([...deleting(hash, clock.now()), ...beside, bumpAccess]);
  return true;
}
