import type { AuditEvent } from "#src/account/people/audit.ts";
import { textOf, type Row, type Store } from "#src/store/store.ts";

/** What ids in the audit log are called. */
export interface AuditNames {
  /** A person by the address, a key by its name; undefined for what is not known, or no longer there. */
  of(id: string): string | undefined;
}

/**
 * Names of who did what, and to what. Within one account, an operator who is no member is not named: customers are told
 * that it was the operator, not who works there.
 */
export async function auditNames(
  store: Store,
  ids: readonly string[],
  accountId?: string,
): Promise<AuditNames> {
  const list = JSON.stringify([...new Set(ids)]);
  const among = "IN (SELECT value FROM json_each(?1))";
  const within = accountId ?? null;
  const [people, keys, accounts] = await Promise.all([
    store.read(
      `SELECT id, email AS name, operator = 1 AND NOT EXISTS (SELECT 1 FROM membership
        WHERE person_id = person.id AND account_id = ?2) AS outside FROM person WHERE id ${among}`,
      [list, within],
    ),
    store.read(
      `SELECT hash AS id, name FROM (SELECT hash, name, account_id FROM api_key
        UNION ALL SELECT hash, name || ', deleted', account_id FROM deleted_key WHERE name <> '')
        WHERE hash ${among} AND account_id = coalesce(?2, account_id)`,
      [list, within],
    ),
    store.read(`SELECT id, name FROM account WHERE id ${among} AND id = coalesce(?2, id)`, [
      list,
      within,
    ]),
  ]);
  const names = new Map([
    ...people.map((row): [string, string] => [
      idOf(row),
      within !== null && row["outside"] === 1 ? "the operator" : nameOf(row),
    ]),
    ...keys.map((row): [string, string] => [idOf(row), `key ${nameOf(row)}`]),
    ...accounts.map((row): [string, string] => [idOf(row), nameOf(row)]),
  ]);
  return { of: (id) => names.get(id) ?? fixed[id] };
}

/** All ids that entries name. */
export function idsIn(events: readonly AuditEvent[]): string[] {
  return events.flatMap(({ actor, target, accountId }) =>
    [actor, target, accountId].flatMap((id) => id ?? []),
  );
}

/** An id for who reads: its name, else as much of it as tells it from others. */
export function readable(id: string, names: AuditNames): string {
  const name = names.of(id);
  if (name !== undefined) return name;
  if (/^[0-9a-f]{64}$/.test(id)) return `key ${id.slice(0, 12)}…, which is gone`;
  return id.startsWith("per_") ? `somebody who is gone (${id})` : id;
}

/** Who is no person and no key. */
const fixed: Readonly<Record<string, string>> = {
  cli: "the command line",
  serve: "the gateway at its start",
  demo: "the demonstration",
  stripe: "Stripe",
  retention: "the gateway, by age",
};

function idOf(row: Row): string {
  return textOf(row, "id") ?? "";
}

function nameOf(row: Row): string {
  return textOf(row, "name") ?? "";
}
