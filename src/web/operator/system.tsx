import type { Child } from "hono/jsx";
import type { Processes, ProcessRow } from "#src/ledger/processes.ts";
import type { SpoolState } from "#src/ledger/spool-check.ts";
import { commit, version } from "#src/lib/version.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import { Facts } from "#src/web/operator/fields.tsx";
import type { Finding } from "#src/web/operator/findings.ts";
import type { WorkerState } from "#src/web/operator/workers.ts";
import { Moment, Sheet as Form } from "#src/web/people/form.tsx";
import { moment } from "#src/web/public/words.tsx";
import { type Column, type Sheet, SheetTable } from "#src/web/sheet.tsx";

/** What the system page shows. Sizes in bytes, times in Unix milliseconds. */
export interface SystemView {
  sqlite: string;
  methodologies: readonly string[];
  catalogue: string;
  database: {
    kind: "file" | "remote";
    /** Path, or address without what may be secret in it. */
    at: string;
    bytes: number | undefined;
    schema: number;
  };
  /** What this machine keeps until a database elsewhere has it; absent where it is a file. */
  spool: SpoolState | undefined;
  processId: string;
  processes: Processes;
  /** Every worker of this machine; absent where the gateway is one process. */
  workers: readonly WorkerState[] | undefined;
  inFlight: number;
  memory: { rss: number; heap: number };
  freeBytes: number;
  lastBackup: number | undefined;
  now: number;
  findings: readonly Finding[];
  /** Whether those that take a while are among them. */
  isComplete: boolean;
}

const path = "/operator/system";
const mebibyte = 1_048_576;

function megabytes(bytes: number): string {
  return `${figure(Math.round(bytes / mebibyte))} MiB`;
}

/** How the gateway is: versions, database, processes, and what `lowrouter doctor` finds. */
export function SystemPage(props: { guest: Guest; outcome: Outcome; view: SystemView }) {
  const { guest, outcome, view } = props;
  const { database, processes, memory, now } = view;
  const own = processes.rows.find(({ id }) => id === view.processId);
  const running = processes.rows.filter(({ expiresAt }) => expiresAt > now);
  const bad = view.findings.filter(({ ok }) => !ok).length;
  return (
    <Desktop
      guest={guest}
      title="System"
      lead={
        bad === 0
          ? "Nothing needs fixing."
          : `${bad} of ${view.findings.length} checks ${bad === 1 ? "needs" : "need"} fixing.`
      }
      outcome={outcome}
    >
      <h2 id="checks">Checks</h2>
      <SheetTable
        caption={
          view.isComplete
            ? "Everything that the command doctor looks at"
            : "Checks that cost nothing"
        }
        sheet={{ name: "checks", columns: findingColumns, rows: view.findings }}
      />
      <p>
        The rest reads the whole database, recomputes every hash of the ledger, and asks each
        provider. Requests may wait some tenths of a second meanwhile.
      </p>
      <Form action={`${path}/check`} button="Check the rest" />
      <h2 id="versions">Versions</h2>
      <Facts
        of={[
          ["LowRouter", `${version} (${commit})`],
          ["Bun", Bun.version],
          ["SQLite", view.sqlite],
          ["Methodologies", view.methodologies.join(", ")],
          ["Catalogue of", view.catalogue],
        ]}
      />
      <h2 id="database">Database</h2>
      <Facts
        of={[
          ["Kind", database.kind === "file" ? "a file of this machine" : "remote"],
          ["At", <code>{database.at}</code>],
          [
            "Size",
            database.bytes === undefined
              ? "its server knows"
              : `${megabytes(database.bytes)} with its log`,
          ],
          ["Schema", `version ${database.schema}`],
          [
            "Ledger",
            `${figure(processes.ledgerRows)} rows, a chain for each of ${figure(processes.total)} processes so far`,
          ],
          ...(view.spool === undefined ? [] : [waitingFact(view.spool)]),
          [
            "Leases",
            processes.leases.size === 0
              ? "none"
              : [...processes.leases].map(([kind, held]) => `${held} of ${kind}`).join(", "),
          ],
          [
            "Last backup",
            view.lastBackup === undefined ? (
              <>
                none by <code>lowrouter backup</code>
              </>
            ) : (
              <Moment at={view.lastBackup} why="" />
            ),
          ],
          ["Room on the disk", megabytes(view.freeBytes)],
        ]}
      />
      <h2 id="processes">Processes</h2>
      <Facts
        of={[
          ["Running", `${running.length} on this database`],
          ["This one", <code>{view.processId}</code>],
          ["Up for", own === undefined ? undefined : durationOf(now - own.startedAt)],
          ["In flight here", `${figure(view.inFlight)} requests`],
          ["Memory here", `${megabytes(memory.rss)}, of it ${megabytes(memory.heap)} heap`],
          ["Clock", moment(now)],
        ]}
      />
      {view.workers === undefined ? null : (
        <SheetTable
          caption={`The ${view.workers.length} workers of this gateway on this machine`}
          sheet={{ name: "workers", columns: workerColumns, rows: view.workers }}
        />
      )}
      <SheetTable
        caption={
          processes.total > processes.rows.length
            ? `The last ${processes.rows.length} of ${figure(processes.total)} processes, with the heads of their chains`
            : "Every process of this database, with the head of its chain"
        }
        sheet={processSheet(processes.rows, view.processId, now)}
      />
    </Desktop>
  );
}

function waitingFact(spool: SpoolState): [string, Child] {
  const { rows, bytes, mostBytes, oldest } = spool;
  const room = `${megabytes(bytes)} of ${megabytes(mostBytes)}`;
  return [
    "Waits here for the database",
    oldest === undefined ? (
      "nothing"
    ) : (
      <>
        {`${figure(rows)} ${rows === 1 ? "row" : "rows"}, ${room}, the oldest of `}
        <Moment at={oldest} why="" />
      </>
    ),
  ];
}

const findingColumns: readonly Column<Finding>[] = [
  {
    name: "check",
    title: "Check",
    value: ({ name }) => name,
  },
  {
    name: "ok",
    title: "State",
    value: ({ ok }) => ok,
    show: ({ ok, isSkipped }) =>
      isSkipped ? (
        <span class="soft">Not checked</span>
      ) : ok ? (
        <span class="good">Well</span>
      ) : (
        <span class="bad">Fix</span>
      ),
  },
  { name: "found", title: "Found", kind: "long", value: ({ found }) => found },
  {
    name: "fix",
    title: "What to do",
    kind: "long",
    why: "Nothing",
    value: ({ ok, fix }) => (ok ? null : (fix ?? null)),
  },
];

const workerColumns: readonly Column<WorkerState>[] = [
  { name: "worker", title: "Worker", kind: "figure", value: ({ worker }) => worker },
  {
    name: "id",
    title: "Process",
    value: ({ processId }) => processId,
    show: ({ processId }) => <code class="small">{processId}</code>,
  },
  {
    name: "pid",
    title: "Pid",
    kind: "figure",
    value: ({ pid }) => pid,
    show: ({ pid }) => String(pid),
  },
  { name: "in_flight", title: "In flight", kind: "figure", value: ({ inFlight }) => inFlight },
  {
    name: "memory_bytes",
    title: "Memory",
    kind: "figure",
    value: ({ memoryBytes }) => memoryBytes,
    show: ({ memoryBytes }) => megabytes(memoryBytes),
  },
  {
    name: "up_s",
    title: "Up for",
    kind: "figure",
    value: ({ upSeconds }) => upSeconds,
    show: ({ upSeconds }) => durationOf(upSeconds * 1000),
  },
];

function processSheet(rows: readonly ProcessRow[], own: string, now: number): Sheet<ProcessRow> {
  const columns: Column<ProcessRow>[] = [
    {
      name: "id",
      title: "Process",
      value: ({ id }) => id,
      show: ({ id }) => (
        <>
          <code class="small">{id}</code>
          {id === own ? " (this one)" : null}
        </>
      ),
    },
    {
      name: "state",
      title: "State",
      value: ({ expiresAt }) => (expiresAt > now ? "running" : "gone"),
    },
    { name: "host", title: "Machine", kind: "long", value: ({ host }) => host },
    {
      name: "pid",
      title: "Pid",
      kind: "figure",
      value: ({ pid }) => pid,
      show: ({ pid }) => String(pid),
    },
    {
      name: "started_at",
      title: "Started",
      value: ({ startedAt }) => startedAt,
      show: ({ startedAt }) => <Moment at={startedAt} why="" />,
    },
    { name: "leases", title: "Leases", kind: "figure", value: ({ leases }) => leases },
    { name: "rows", title: "Rows", kind: "figure", value: ({ sequence }) => sequence },
    {
      name: "head",
      title: "Head of its chain",
      kind: "long",
      why: "It wrote no row",
      value: ({ head }) => (head === "" ? null : head),
      show: ({ head }) => <code class="small">{head}</code>,
    },
  ];
  return { name: "processes", columns, rows };
}

/** A duration in its two largest units. */
function durationOf(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}
