import { listDeletedKeys } from "#src/account/deleted-keys.ts";
import { listKeys } from "#src/account/keys.ts";
import { listMembers } from "#src/account/people/members.ts";
import { isAtLeast, type Visitor } from "#src/account/people/person.ts";
import type { Store } from "#src/store/store.ts";
import type { Names } from "#src/web/dashboard/usage-words.tsx";

/** Keys whose names are read; the rest are shown by their hashes. */
const mostKeys = 1000;

/** Names of the keys and people that a visitor may know of. */
export async function namesOf(store: Store, { account, person, role }: Visitor): Promise<Names> {
  const seesAll = isAtLeast(role, "admin");
  const whose = { accountId: account.id, createdBy: seesAll ? undefined : person.id };
  const [keys, deleted] = await Promise.all([
    listKeys(store, { ...whose, includeDisabled: true, pageSize: mostKeys }),
    listDeletedKeys(store, { ...whose, most: mostKeys }),
  ]);
  const people = seesAll ? await listMembers(store, account.id) : [];
  return {
    keys: new Map(keys.map((key) => [key.hash, key])),
    deleted: new Map(deleted.map((key) => [key.hash, key])),
    people: new Map([
      [person.id, person.name],
      ...people.map(({ personId, name }) => [personId, name] as const),
    ]),
  };
}
