import type { ApiKey } from "#src/account/account.ts";
import { getKey, listKeys } from "#src/account/keys.ts";
import { keyStandings } from "#src/account/carbon-budget.ts";
import { type KeySpend, noUsage } from "#src/account/key-usage.ts";
import type { KeyStanding } from "#src/report/key-record.ts";
import { isAtLeast, type Visitor } from "#src/account/people/person.ts";
import { type Store, textOf } from "#src/store/store.ts";

/** A key, what it spent, and who made it. */
export interface ListedKey extends KeyStanding {
  key: ApiKey;
  /** Name of the person who made it; undefined where no person did, or one who is gone. */
  maker: string | undefined;
}

/** Keys that a visitor may see: admins all of the account, members the API keys that they made. */
export async function keysOf(
  store: Store,
  visitor: Visitor,
  spend: KeySpend,
  { pageSize, after, now }: { pageSize: number; after: string | undefined; now: number },
): Promise<{ keys: ListedKey[]; next: string | undefined }> {
  const isAdmin = isAtLeast(visitor.role, "admin");
  const found = await listKeys(store, {
    accountId: visitor.account.id,
    ...(isAdmin ? {} : { createdBy: visitor.person.id, type: "regular" }),
    includeDisabled: true,
    pageSize: pageSize + 1,
    ...(after === undefined ? {} : { pageToken: after }),
  });
  const keys = await listed(store, spend, found.slice(0, pageSize), now);
  return { keys, next: found.length > pageSize ? keys.at(-1)?.key.hash : undefined };
}

/** One key that a visitor may see; undefined also where it is somebody else's. */
export async function keyOf(
  store: Store,
  visitor: Visitor,
  hash: string,
): Promise<ApiKey | undefined> {
  const key = await getKey(store, visitor.account.id, hash);
  if (key === undefined || isAtLeast(visitor.role, "admin")) return key;
  return key.createdBy === visitor.person.id && key.type === "regular" ? key : undefined;
}

/** Keys with what belongs to them. */
export async function listed(
  store: Store,
  spend: KeySpend,
  keys: readonly ApiKey[],
  now: number,
): Promise<ListedKey[]> {
  if (keys.length === 0) return [];
  const hashes = keys.map(({ hash }) => hash);
  const makers = new Set(keys.flatMap(({ createdBy }) => createdBy ?? []));
  const [usages, carbon, people] = await Promise.all([
    spend.of(hashes),
    keyStandings(store, keys, now),
    store.read("SELECT id, name FROM person WHERE id IN (SELECT value FROM json_each(?))", [
      JSON.stringify([...makers]),
    ]),
  ]);
  const names = new Map(people.map((row) => [textOf(row, "id"), textOf(row, "name")]));
  return keys.map((key, at) => ({
    key,
    usages: usages[at] ?? noUsage,
    carbon: carbon[at],
    maker: key.createdBy === undefined ? undefined : names.get(key.createdBy),
  }));
}
