import type { Child } from "hono/jsx";
import { liveScript } from "#src/web/assets.ts";
import type { Others } from "#src/ledger/processes.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Cell, LiveColumn, LiveRow } from "#src/web/dashboard/live-rows.ts";
import type { Guest } from "#src/web/dashboard/room.ts";
import { Table, Unknown } from "#src/web/layout.tsx";

export const livePath = "/dashboard/live";
const refreshSeconds = 5;

/** A table of the live view: what it is called, what stands in it, and what is said where nothing does. */
export interface LiveTable {
  title: string;
  none: string;
  columns: readonly LiveColumn[];
  rows: readonly LiveRow[];
}

/** Requests under way and just ended. Its script keeps it fresh; without one it is loaded again and again until told to stop. */
export function LivePage(props: {
  guest: Guest;
  isOwnOnly: boolean;
  isStill: boolean;
  /** How many workers it shows, and how many there are to be; undefined where the gateway is one process. */
  workers: { watched: number; all: number } | undefined;
  /** Its id, and the others on the database. */
  processId: string;
  others: Others;
  total: number;
  open: LiveTable;
  ended: LiveTable;
}) {
  const { guest, isOwnOnly, isStill, workers, total, open, ended } = props;
  const account = `account=${encodeURIComponent(guest.visitor.account.id)}`;
  return (
    <Desktop
      guest={guest}
      title="Live"
      lead={`Requests${isOwnOnly ? " of the keys that you made" : ""} as they begin and end, in ${placeOf(workers)}.`}
      head={
        isStill ? null : (
          <noscript>
            <meta http-equiv="refresh" content={String(refreshSeconds)} />
          </noscript>
        )
      }
    >
      <p
        id="live"
        role="status"
        data-events={isStill ? undefined : `${livePath}/events?${account}`}
      >
        {isStill ? "This page stands still." : "As of when it was loaded."}
      </p>
      {isStill ? (
        <p>
          <a href={`${livePath}?${account}`}>Watch</a>
        </p>
      ) : (
        <>
          <noscript>
            <p>{`Without JavaScript this page is loaded again every ${refreshSeconds} seconds.`}</p>
          </noscript>
          <p>
            <a href={`${livePath}?still=1&${account}`}>Stop</a>
          </p>
        </>
      )}
      <OtherProcesses
        others={props.others}
        processId={props.processId}
        watched={workers?.watched ?? 1}
        isOperator={guest.visitor.person.operator}
      />
      <h2>
        {`${open.title}: `}
        <span id="live-total">{total}</span>
      </h2>
      <Rows id="live-open" table={open} />
      <h2>{ended.title}</h2>
      <Rows id="live-ended" table={ended} />
      <p>
        <a href={`/dashboard/transactions?${account}`}>All requests</a>
      </p>
      {isStill ? null : <script src={liveScript.path} defer></script>}
    </Desktop>
  );
}

/** Where the requests are that it shows. */
function placeOf(workers: { watched: number; all: number } | undefined): string {
  if (workers === undefined) return "this process of the gateway";
  const { watched, all } = workers;
  return watched < all
    ? `${watched} of the ${all} workers of the gateway on this machine: the others did not answer in time`
    : `all ${watched} workers of the gateway on this machine`;
}

/** What this page cannot watch, where there is any of it. How much others do in all is told to who runs the gateway. */
function OtherProcesses(props: {
  others: Others;
  processId: string;
  watched: number;
  isOperator: boolean;
}) {
  const { others, processId, watched, isOperator } = props;
  const { count, inFlight } = others;
  if (count === 0) return null;
  return (
    <p class="notice">
      {`The gateway runs in ${count + watched} processes. `}
      {watched === 1 ? (
        <>
          {"This page watches one of them, "}
          <code>{processId}</code>
        </>
      ) : (
        `This page watches the ${watched} of this machine`
      )}
      {", which need not be the same when it is loaded again. "}
      {isOperator && inFlight !== undefined
        ? `The other${count === 1 ? "" : "s"} had ${inFlight} ${inFlight === 1 ? "request" : "requests"} of all accounts under way when ${count === 1 ? "it" : "they"} last told. `
        : ""}
      {`What ended in ${count === 1 ? "the other" : "the others"} is among what just ended each time that the page is loaded.`}
    </p>
  );
}

function Rows({ id, table }: { id: string; table: LiveTable }) {
  const { title, none, columns, rows } = table;
  return (
    <div id={id}>
      <Table
        caption={`${title}, newest first`}
        head={
          <tr>
            {columns.map(({ title: name, kind }) => (
              <th scope="col" class={kind === "n" ? "n" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        }
      >
        {rows.length === 0 ? (
          <tr>
            <td colspan={columns.length}>{none}</td>
          </tr>
        ) : (
          rows.map((row) => <Row columns={columns} cells={row.cells} href={row.href} />)
        )}
      </Table>
      {/* What the script makes rows of. */}
      <template data-none={none}>
        <Row columns={columns} cells={columns.map(() => "")} href={null} />
      </template>
    </div>
  );
}

function Row(props: {
  columns: readonly LiveColumn[];
  cells: readonly Cell[];
  href: string | null;
}) {
  const { columns, cells, href } = props;
  return (
    <tr>
      {cells.map((cell, at) => {
        const text = shown(cell);
        return at === 0 ? (
          <th scope="row" class="short">
            {href === null ? text : <a href={href}>{text}</a>}
          </th>
        ) : (
          <td class={columns[at]?.kind}>{text}</td>
        );
      })}
    </tr>
  );
}

function shown(cell: Cell): Child {
  return typeof cell === "string" ? cell : <Unknown why={cell.why} />;
}
