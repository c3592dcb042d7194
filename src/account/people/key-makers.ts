import { type Member, memberOf } from "#src/account/people/members.ts";
import type { Page, PageRequest } from "#src/ledger/transactions.ts";
import { numberIn, type Row, type Store } from "#src/store/store.ts";

/** A member, and how many keys of the account that person made. */
export interface KeyMaker extends Member {
  keys: number;
  /** Of them, those that work. */
  enabledKeys: number;
  /** Of those that work, management keys: they end with the role of an owner or admin. */
  managementKeys: number;
  /** Whether it is that person's personal account, so that the membership stays as it is. */
  isPersonal: boolean;
}

const rank = "instr('owner admin member', membership.role)";
// Keys are counted once for all members: for each alone, a thousand members would read a thousand keys each.
const keyMakers = `SELECT person.id, person.name, person.email, membership.role, membership.created_at,
coalesce(made.keys, 0) AS keys, coalesce(made.enabled_keys, 0) AS enabled_keys,
coalesce(made.management_keys, 0) AS management_keys,
person.account_id = membership.account_id AS personal
FROM membership JOIN person ON person.id = membership.person_id
LEFT JOIN (SELECT created_by, count(*) AS keys, count(*) FILTER (WHERE disabled = 0) AS enabled_keys,
  count(*) FILTER (WHERE disabled = 0 AND type = 'management') AS management_keys
  FROM api_key WHERE account_id = ?1 GROUP BY created_by) AS made ON made.created_by = person.id
WHERE membership.account_id = ?1`;

/** Members of an account with their keys, owners first; the token is the id of the last person of the page before. */
export async function listKeyMakers(
  store: Store,
  accountId: string,
  { pageSize, pageToken }: PageRequest,
): Promise<Page<KeyMaker>> {
  const place = `(${rank}, membership.created_at, membership.person_id)`;
  const rows = await store.read(
    `${keyMakers} AND (?2 IS NULL OR ${place} > (SELECT ${rank}, created_at, person_id FROM membership
      WHERE account_id = ?1 AND person_id = ?2))
      ORDER BY ${rank}, membership.created_at, membership.person_id LIMIT ?3`,
    [accountId, pageToken ?? null, pageSize + 1],
  );
  const items = rows.slice(0, pageSize).map(keyMakerOf);
  return { items, nextPageToken: rows.length > pageSize ? items.at(-1)?.personId : undefined };
}

/** A member of an account; undefined for whoever is none. */
export async function findKeyMaker(
  store: Store,
  accountId: string,
  personId: string,
): Promise<KeyMaker | undefined> {
  const [row] = await store.read(`${keyMakers} AND membership.person_id = ?2`, [
    accountId,
    personId,
  ]);
  return row && keyMakerOf(row);
}

function keyMakerOf(row: Row): KeyMaker {
  return {
    ...memberOf(row),
    keys: numberIn(row, "keys") ?? 0,
    enabledKeys: numberIn(row, "enabled_keys") ?? 0,
    managementKeys: numberIn(row, "management_keys") ?? 0,
    isPersonal: numberIn(row, "personal") === 1,
  };
}
