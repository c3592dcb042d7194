import type { AuditEvent } from "#src/account/people/audit.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { type AuditNames, readable } from "#src/web/dashboard/audit-names.ts";
import { type AuditAsk, queryOf } from "#src/web/dashboard/audit-ask.ts";
import { detailRecord, detailText } from "#src/web/dashboard/audit-detail.ts";
import { mostInFile } from "#src/web/dashboard/file.ts";
import { Moment } from "#src/web/people/form.tsx";
import { type Column, Formats, SheetTable } from "#src/web/sheet.tsx";
import { OneOf, type Option } from "#src/web/dashboard/one-of.tsx";

/** An entry with what its ids are called. */
export interface NamedEvent {
  event: AuditEvent;
  names: AuditNames;
}

/** Columns of the audit log, amounts in the currency; with the account where it is of several. */
export function auditColumns(
  currency: string,
  options: { accountPath?: (id: string) => string } = {},
): Column<NamedEvent>[] {
  const { accountPath } = options;
  return [
    {
      name: "at",
      title: "Time",
      value: ({ event }) => rfc3339(event.at),
      show: ({ event }) => <Moment at={event.at} why="" />,
    },
    { name: "id", value: ({ event }) => event.id },
    {
      name: "actor",
      title: "Who",
      kind: "long",
      why: "Nobody who is known",
      value: ({ event }) => event.actor ?? null,
      show: ({ event: { actor = "" }, names }) => readable(actor, names),
    },
    {
      name: "actor_name",
      value: ({ event: { actor }, names }) => (actor === undefined ? null : readable(actor, names)),
    },
    {
      name: "action",
      title: "What",
      kind: "short",
      value: ({ event }) => event.action,
      show: ({ event }) => <code>{event.action}</code>,
    },
    {
      name: "target",
      title: "To what",
      kind: "long",
      why: "Nothing but what the action says",
      value: ({ event }) => event.target ?? null,
      show: ({ event: { target = "" }, names }) => readable(target, names),
    },
    {
      name: "account",
      ...(accountPath === undefined ? {} : { title: "Account" }),
      why: "The gateway as a whole, or nobody's",
      value: ({ event }) => event.accountId ?? null,
      show: ({ event: { accountId = "" }, names }) =>
        accountPath === undefined ? (
          accountId
        ) : (
          <a href={accountPath(accountId)}>{readable(accountId, names)}</a>
        ),
    },
    {
      name: "address",
      title: "From",
      kind: "list",
      why: "No network address: it was done on the machine, or not told",
      value: ({ event: { address = "" } }) => (address === "" ? null : address),
      // One of IPv6 is long, and may be broken at its colons.
      show: ({ event: { address = "" } }) =>
        address.split(":").map((part, at) => (at === 0 ? part : [":", <wbr />, part])),
    },
    {
      name: "detail",
      title: "Detail",
      kind: "long",
      why: "Nothing more",
      value: ({ event: { detail = {} } }) =>
        Object.keys(detail).length === 0 ? null : JSON.stringify(detailRecord(detail, currency)),
      show: ({ event: { detail = {} } }) => detailText(detail, currency),
    },
  ];
}

/** The filters, the entries that fit them, the way to older ones, and the same for programs. */
export function AuditTable(props: {
  /** Path of the page. */
  path: string;
  ask: AuditAsk;
  /** What stays in the address besides: the account that the page is about. */
  keep: Readonly<Record<string, string>>;
  choices: { actions: readonly string[]; actors: readonly string[] };
  /** What actors are called. */
  names: AuditNames;
  rows: readonly NamedEvent[];
  columns: readonly Column<NamedEvent>[];
  next: string | undefined;
}) {
  const { path, ask, keep, choices, names, rows, columns, next } = props;
  const query = queryOf(ask, keep);
  const older = new URLSearchParams(query);
  if (next !== undefined) older.set("before", next);
  const actors = choices.actors.map((id): Option => [id, readable(id, names)]);
  return (
    <>
      <form class="filters" method="get" action={path}>
        {Object.entries(keep).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <label>
          From, UTC
          <br />
          <input type="date" name="start" value={ask.start} />
        </label>
        <label>
          To
          <br />
          <input type="date" name="end" value={ask.end} />
        </label>
        <OneOf name="actor" title="Who" now={ask.actor} of={actors} />
        <OneOf name="action" title="What" now={ask.action} of={actionsOf(choices.actions)} />
        <button class="primary" type="submit">
          Show
        </button>
        <a class="button" href={addressOf(path, new URLSearchParams(keep))}>
          Clear
        </a>
      </form>
      {rows.length === 0 ? (
        <p>Nothing that fits is recorded.</p>
      ) : (
        <SheetTable
          caption={`What was done, the newest first${ask.before === "" ? "" : ", older entries"}`}
          sheet={{ name: "audit", columns, rows }}
        />
      )}
      <nav class="pages" aria-label="Pages of the log">
        {ask.before === "" ? null : <a href={addressOf(path, query)}>Newest</a>}
        {next === undefined ? null : (
          <a rel="next" href={addressOf(path, older)}>
            Older
          </a>
        )}
      </nav>
      <Formats path={path} query={query} />
      <p class="small soft">
        {`Everything that the filters pick, at most ${mostInFile.toLocaleString("en-US")} entries: a CSV file that was cut is called audit-cut.csv, and JSON says is_cut, with next_before to go on from.`}
      </p>
    </>
  );
}

/** Each thing that something can happen to, then what happens to it. */
function actionsOf(actions: readonly string[]): Option[] {
  const things = [...new Set(actions.map((action) => action.split(".")[0] ?? ""))];
  return things.flatMap((thing): Option[] => [
    [thing, `${thing}, all of it`],
    ...actions
      .filter((action) => action.startsWith(`${thing}.`))
      .map((action): Option => [action, action]),
  ]);
}

function addressOf(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query}`;
}
