import type { Job } from "#src/gateway/settle.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { statuses } from "#src/web/dashboard/requests-filter.ts";
import { missing, promptOf, requestPath } from "#src/web/dashboard/requests-sheet.tsx";
import { figure } from "#src/web/format.ts";

/** What stands in a cell, or why nothing does. */
export type Cell = string | { why: string };

/** Characters of a cell: what clients call a model or a user has no end of its own. */
const longestCell = 200;

/** A line of the live view, as the page shows it and as its script is sent it. Holds no prompt and no answer. */
export interface LiveRow {
  id: string;
  /** The page of the request, once there is one. */
  href: string | null;
  cells: readonly Cell[];
}

/** A column of the live view; figures are set to the right. */
export interface LiveColumn {
  title: string;
  kind?: "n" | "long" | "list" | "short";
}

export const openColumns: readonly LiveColumn[] = [
  { title: "Began, UTC", kind: "short" },
  { title: "Running, s", kind: "n" },
  { title: "Asked for", kind: "long" },
  { title: "Key", kind: "list" },
  { title: "User" },
  { title: "Dialect", kind: "list" },
];

export function endedColumns(currency: string): readonly LiveColumn[] {
  return [
    { title: "Began, UTC", kind: "short" },
    { title: "Status", kind: "list" },
    { title: "Model", kind: "long" },
    { title: "Place", kind: "short" },
    { title: "Key, user", kind: "long" },
    { title: "Latency, ms", kind: "n" },
    { title: "Tokens", kind: "n" },
    { title: `Cost, ${currency}`, kind: "n" },
    { title: "g CO2e", kind: "n" },
  ];
}

/** A request under way. */
export function openRow(job: Job, monotonicNow: number): LiveRow {
  const { ask, caller, call, generationId } = job;
  const seconds = Math.max(0, monotonicNow - call.startedAt) / 1000;
  return {
    id: generationId,
    href: null,
    cells: cells([
      timeOf(call.receivedAt),
      seconds.toFixed(1),
      ask.model ?? ask.models[0] ?? { why: "The request named no model" },
      caller.key.name,
      ask.user ?? { why: missing.user },
      `${ask.dialect}${ask.stream ? ", streamed" : ""}`,
    ]),
  };
}

/** A request that ended. */
export function endedRow(row: Generation): LiveRow {
  const { tokens, cost } = row;
  return {
    id: row.id,
    href: requestPath(row.id, row.accountId),
    cells: cells([
      timeOf(row.createdAt),
      row.errorCode === undefined
        ? statuses[row.status]
        : `${statuses[row.status]}: ${row.errorCode}`,
      row.model ?? { why: missing.model },
      placeOf(row) ?? { why: missing.place },
      row.user === undefined ? row.keyName : `${row.keyName}, ${row.user}`,
      figure(row.latencyMs),
      tokens
        ? figure(promptOf(tokens) + tokens.outputVisible + tokens.reasoning)
        : { why: missing.tokens },
      cost === undefined ? { why: missing.cost } : figure(toUnits(cost)),
      row.carbonG === undefined ? { why: missing.eco } : figure(row.carbonG),
    ]),
  };
}

/** The provider and its region. */
function placeOf({ provider, region }: Generation): string | undefined {
  return provider === undefined || region === undefined ? provider : `${provider}, ${region}`;
}

function timeOf(milliseconds: number): string {
  return rfc3339(milliseconds).slice(0, 19).replace("T", " ");
}

function cells(all: readonly Cell[]): Cell[] {
  return all.map((cell) =>
    typeof cell === "string" && cell.length > longestCell ? `${cell.slice(0, longestCell)}…` : cell,
  );
}
