import {
  auditEnd,
  type AuditEvent,
  type AuditFilter,
  listAudit,
} from "#src/account/people/audit.ts";
import { dayOf as dayIn } from "#src/http/query.ts";
import { AppError } from "#src/lib/error.ts";
import { auditNames, idsIn } from "#src/web/dashboard/audit-names.ts";
import type { NamedEvent } from "#src/web/dashboard/audit-table.tsx";
import { mostInFile } from "#src/web/dashboard/file.ts";
import type { Store } from "#src/store/store.ts";

/** What the audit log was asked for, as its URL says it; empty: any. */
export interface AuditAsk {
  /** First and last day, YYYY-MM-DD, UTC. */
  start: string;
  end: string;
  action: string;
  actor: string;
  /** Only what is older than this entry. */
  before: string;
}

const dayMs = 86_400_000;
const strideRows = 1000;

/** Reads the filters of a URL. Throws `invalid_value` for what none can be. */
export function auditAskOf(query: URLSearchParams): AuditAsk {
  const text = (name: string) => (query.get(name) ?? "").trim().slice(0, 100);
  const day = (name: string) => {
    const found = dayIn(query, name) ?? "";
    if (/^(?:(?:19[7-9]|20|21)\d+-\d\d-\d\d)?$/.test(found)) return found;
    throw wrong(name, `Cannot use ${found} for ${name}: a day such as 2026-01-31 is needed`);
  };
  const [start, end, before] = [day("start"), day("end"), text("before")];
  if (start !== "" && end !== "" && start > end)
    throw wrong("start", `Cannot show entries from ${start} to ${end}: start is after end`);
  if (!/^(?:evt_[0-9A-Z]{26})?$/.test(before))
    throw wrong("before", "Cannot continue from there: use the address of the page before");
  return { start, end, action: text("action"), actor: text("actor"), before };
}

/** The filters as the query of an address, with what stays there besides; `before` is left to the caller. */
export function queryOf(
  { start, end, action, actor }: AuditAsk,
  keep: Readonly<Record<string, string>>,
): URLSearchParams {
  const pairs = { start, end, action, actor, ...keep };
  return new URLSearchParams(Object.entries(pairs).filter(([, value]) => value !== ""));
}

/** The entries that are asked for, within an account, or of all. */
export function filterOf(
  { start, end, action, actor }: AuditAsk,
  accountId: string | undefined,
): AuditFilter {
  return {
    accountId,
    ...(start === "" ? {} : { from: Date.parse(start) }),
    ...(end === "" ? {} : { until: Date.parse(end) + dayMs }),
    ...(action === "" ? {} : { action }),
    ...(actor === "" ? {} : { actor }),
  };
}

/** One page of entries with their names. */
export async function auditPage(
  store: Store,
  filter: AuditFilter,
  { before, pageSize }: { before: string; pageSize: number },
): Promise<{ rows: NamedEvent[]; next: string | undefined }> {
  const { items, nextPageToken } = await listAudit(store, {
    ...filter,
    pageSize,
    ...(before === "" ? {} : { pageToken: before }),
  });
  return { rows: await named(store, items, filter.accountId), next: nextPageToken };
}

/** All entries that fit in a file, some at a time, and where it is cut. */
export async function auditFile(
  store: Store,
  filter: AuditFilter,
  before: string,
  most = mostInFile,
): Promise<{ strides: AsyncIterable<readonly NamedEvent[]>; cut: string | undefined }> {
  const from = before === "" ? undefined : before;
  const [last, beyond] = [
    await auditEnd(store, { ...filter, pageToken: from }, most - 1),
    await auditEnd(store, { ...filter, pageToken: from }, most),
  ];
  return { cut: beyond === undefined ? undefined : last, strides: strides(most) };

  async function* strides(rows: number): AsyncGenerator<readonly NamedEvent[]> {
    let left = rows;
    let next = from;
    do {
      const page = await auditPage(store, filter, {
        before: next ?? "",
        pageSize: Math.min(strideRows, left),
      });
      yield page.rows;
      left -= page.rows.length;
      next = page.next;
    } while (next !== undefined && left > 0);
  }
}

async function named(
  store: Store,
  events: readonly AuditEvent[],
  accountId: string | undefined,
): Promise<NamedEvent[]> {
  const names = await auditNames(store, idsIn(events), accountId);
  return events.map((event) => ({ event, names }));
}

function wrong(param: string, message: string): AppError {
  return new AppError("invalid_value", message, { param });
}
