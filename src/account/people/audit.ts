import type { Kit } from "#src/account/people/kit.ts";
import type { Page, PageRequest } from "#src/ledger/transactions.ts";
import { numberIn, textOf, type Row, type Statement, type Store } from "#src/store/store.ts";

/** Something that somebody did. Names are `thing.what`, such as `key.created`; detail never holds a secret. */
export interface AuditEntry {
  action: `${string}.${string}`;
  /** Id of the person, `cli`, or the hash of a key; absent where nobody is known. */
  actor?: string | undefined;
  /** Id of what it was done to. */
  target?: string | undefined;
  accountId?: string | undefined;
  /** Network address. */
  address?: string | undefined;
  detail?: Readonly<Record<string, string | number | boolean>>;
}

/** An entry as the log has it. */
export interface AuditEvent extends AuditEntry {
  /** `evt_…`, in the order of time. */
  id: string;
  at: number;
}

/** Writes an entry. The log only grows: the database refuses to change or remove one. */
export async function record(kit: Kit, entry: AuditEntry): Promise<void> {
  await kit.store.write([auditing(kit, entry)]);
}

/** The statement that writes an entry, for the transaction of the change itself. */
export function auditing({ clock, ids }: Omit<Kit, "store">, entry: AuditEntry): Statement {
  const { action, actor, target, accountId, address, detail = {} } = entry;
  return {
    sql: `INSERT INTO audit_event (id, at, actor, action, target, account_id, address, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    args: [
      ids.next("evt"),
      clock.now(),
      actor ?? null,
      action,
      target ?? null,
      accountId ?? null,
      address ?? null,
      JSON.stringify(detail),
    ],
  };
}

/** Entries, newest first: those of one account, or all. */
export async function listAudit(
  store: Store,
  { accountId, pageSize, pageToken }: PageRequest & { accountId?: string },
): Promise<Page<AuditEvent>> {
  const before = pageToken ?? "~";
  const rows =
    accountId === undefined
      ? await store.read("SELECT * FROM audit_event WHERE id < ? ORDER BY id DESC LIMIT ?", [
          before,
          pageSize + 1,
        ])
      : await store.read(
          "SELECT * FROM audit_event WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
          [accountId, before, pageSize + 1],
        );
  const items = rows.slice(0, pageSize).map(eventOf);
  return { items, nextPageToken: rows.length > pageSize ? items.at(-1)?.id : undefined };
}

function eventOf(row: Row): AuditEvent {
  const [thing = "", what = ""] = (textOf(row, "action") ?? "").split(".");
  return {
    id: textOf(row, "id") ?? "",
    at: numberIn(row, "at") ?? 0,
    actor: textOf(row, "actor"),
    action: `${thing}.${what}`,
    target: textOf(row, "target"),
    accountId: textOf(row, "account_id"),
    address: textOf(row, "address"),
    detail: JSON.parse(textOf(row, "detail") ?? "{}"),
  };
}
