import type { Kit } from "#src/account/people/kit.ts";
import type { Page, PageRequest } from "#src/ledger/transactions.ts";
import { ulidStart } from "#src/lib/id.ts";
import {
  numberIn,
  textOf,
  type Row,
  type Statement,
  type Store,
  type Value,
} from "#src/store/store.ts";

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

const intoLog =
  "INSERT INTO audit_event (id, at, actor, action, target, account_id, address, detail)";

/** The statement that writes an entry, for the transaction of the change itself. */
export function auditing(kit: Omit<Kit, "store">, entry: AuditEntry): Statement {
  return { sql: `${intoLog} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, args: valuesOf(kit, entry) };
}

/** The same, where the statement right before it may change nothing: then nothing is written. */
export function auditingChange(kit: Omit<Kit, "store">, entry: AuditEntry): Statement {
  return {
    sql: `${intoLog} SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE changes() > 0`,
    args: valuesOf(kit, entry),
  };
}

function valuesOf({ clock, ids }: Omit<Kit, "store">, entry: AuditEntry): Value[] {
  const { action, actor, target, accountId, address, detail = {} } = entry;
  return [
    ids.next("evt"),
    clock.now(),
    actor ?? null,
    action,
    target ?? null,
    accountId ?? null,
    address ?? null,
    JSON.stringify(detail),
  ];
}

/** Which entries; what is absent does not matter. */
export interface AuditFilter {
  accountId?: string | undefined;
  /** `thing.what`, or `thing` for all that happens to such things. */
  action?: string | undefined;
  /** Id of a person, `cli`, the hash of a key. */
  actor?: string | undefined;
  /** From this time on, Unix milliseconds. */
  from?: number | undefined;
  /** Before this time, Unix milliseconds. */
  until?: number | undefined;
}

/** Entries, newest first: those of one account, or all. */
export async function listAudit(
  store: Store,
  { pageSize, ...filter }: PageRequest & AuditFilter,
): Promise<Page<AuditEvent>> {
  const { where, args } = conditions(filter);
  const rows = await store.read(`SELECT * FROM audit_event${where} ORDER BY id DESC LIMIT ?`, [
    ...args,
    pageSize + 1,
  ]);
  const items = rows.slice(0, pageSize).map(eventOf);
  return { items, nextPageToken: rows.length > pageSize ? items.at(-1)?.id : undefined };
}

/** Where entries end that are `count` from the newest; undefined where there are not so many. */
export async function auditEnd(
  store: Store,
  filter: AuditFilter & { pageToken?: string | undefined },
  count: number,
): Promise<string | undefined> {
  const { where, args } = conditions(filter);
  const [row] = await store.read(
    `SELECT id FROM audit_event${where} ORDER BY id DESC LIMIT 1 OFFSET ?`,
    [...args, count],
  );
  return row && textOf(row, "id");
}

/** What was done of late in an account, or at all, and by whom: to choose from. */
export async function auditChoices(
  store: Store,
  accountId?: string,
): Promise<{ actions: string[]; actors: string[] }> {
  const { where, args } = conditions({ accountId });
  // The newest entries alone: what was done before them is found by its name in the address.
  const rows = await store.read(
    `SELECT DISTINCT action, actor FROM
      (SELECT action, actor FROM audit_event${where} ORDER BY id DESC LIMIT 2000)`,
    args,
  );
  const distinct = (column: string) =>
    [...new Set(rows.flatMap((row) => textOf(row, column) ?? []))].toSorted();
  return { actions: distinct("action"), actors: distinct("actor") };
}

function conditions({
  accountId,
  action,
  actor,
  from,
  until,
  pageToken,
}: AuditFilter & { pageToken?: string | undefined }): { where: string; args: Value[] } {
  // By the order of the ids, which is the order of time: the index by account has it too.
  const parts: [string, Value | undefined][] = [
    ["account_id = ?", accountId],
    ["id < ?", pageToken],
    ["id >= ?", from === undefined ? undefined : `evt_${ulidStart(from)}`],
    ["id < ?", until === undefined ? undefined : `evt_${ulidStart(until)}`],
    ["actor = ?", actor],
    [
      action?.includes(".") ? "action = ?" : "substr(action, 1, instr(action, '.') - 1) = ?",
      action,
    ],
  ];
  const texts: string[] = [];
  const args: Value[] = [];
  for (const [text, value] of parts) {
    if (value === undefined) continue;
    texts.push(text);
    args.push(value);
  }
  return { where: texts.length === 0 ? "" : ` WHERE ${texts.join(" AND ")}`, args };
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
