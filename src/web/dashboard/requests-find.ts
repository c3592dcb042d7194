import { gzip } from "node:zlib";
import type { Generation } from "#src/ledger/generation.ts";
import { type GenerationSearch, searchGenerations } from "#src/ledger/generations.ts";
import { encode } from "#src/lib/bytes.ts";
import { timeOfId } from "#src/lib/id.ts";
import { toCsv } from "#src/report/activity.ts";
import type { Store } from "#src/store/store.ts";
import { takesGzip } from "#src/web/compress.ts";
import type { Column } from "#src/web/sheet.tsx";

/** A page of requests, newest first. */
export interface FoundRequests {
  items: readonly Generation[];
  /** Where the next page begins; undefined where nothing older fits. */
  next: string | undefined;
  /** How far back was looked, Unix milliseconds, where more was left to look at than one page may cost. */
  reached: number | undefined;
}

export const pageRows = 50;
/** Rows that one page looks at before it offers to look further back: half a second of work, at 10 µs each. */
const mostLooked = 50_000;
/** Rows in one step where a filter leaves most of them out: some milliseconds in which nothing else runs. */
const stepRows = 250;

/** Rows of an export. */
export const mostExported = 50_000;
const mostLookedForExport = 1_000_000;

/** The page of requests that a search has below an id. */
export async function findRequests(
  store: Store,
  search: GenerationSearch,
  before: string | undefined,
  most: { rows: number; looked: number } = { rows: pageRows, looked: mostLooked },
): Promise<FoundRequests> {
  const items: Generation[] = [];
  let looked = 0;
  const rows = isOpen(search) ? most.rows + 1 : stepRows;
  for await (const stride of searchGenerations(store, search, { before, rows })) {
    for (const item of stride.items) items.push(item);
    if (items.length > most.rows) {
      const page = items.slice(0, most.rows);
      return { items: page, next: page.at(-1)?.id, reached: undefined };
    }
    looked += stride.rows;
    if (stride.before !== undefined && looked >= most.looked)
      return { items, next: stride.before, reached: timeOfId(stride.before) };
    await turn();
  }
  return { items, next: undefined, reached: undefined };
}

/** All that a search has, as CSV or JSON, up to `mostExported` rows. Made bit by bit: requests run meanwhile. */
export async function exportRequests(options: {
  store: Store;
  search: GenerationSearch;
  before: string | undefined;
  columns: readonly Column<Generation>[];
  format: "csv" | "json";
  request: Request;
}): Promise<Response> {
  const { store, search, before, columns, format, request } = options;
  const parts: string[] = [];
  let count = 0;
  let looked = 0;
  let last = before;
  let next: string | undefined;
  const strides = searchGenerations(store, search, { before, rows: stepRows });
  for await (const { items, rows, before: rest } of strides) {
    if (request.signal.aborted) break;
    const kept = items.slice(0, mostExported - count);
    count += kept.length;
    looked += rows;
    parts.push(format === "csv" ? linesOf(kept, columns) : recordsOf(kept, columns));
    last = kept.at(-1)?.id ?? last;
    // Where the last row is the very last, nothing was cut.
    if (kept.length < items.length) next = last;
    else if (rest !== undefined && looked >= mostLookedForExport) next = rest;
    if (next !== undefined) break;
    await turn();
  }
  const isCut = next !== undefined;
  const text =
    format === "csv"
      ? toCsv([], namesOf(columns)) + parts.join("")
      : `{"object":"list","data":[${parts.filter((part) => part !== "").join(",")}],"is_cut":${isCut},"next_before":${JSON.stringify(next ?? null)}}`;
  return packed(request, text, {
    "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(format === "csv"
      ? { "content-disposition": `attachment; filename="requests${isCut ? "-cut" : ""}.csv"` }
      : {}),
    // A CSV file has no place to say so.
    ...(next === undefined ? {} : { "x-lowrouter-cut": `before=${next}` }),
  });
}

/** Whether every request in the time fits. */
function isOpen({ accountId: _, from: __, to: ___, ...rest }: GenerationSearch): boolean {
  return Object.keys(rest).length === 0;
}

function recordOf(row: Generation, columns: readonly Column<Generation>[]) {
  return Object.fromEntries(columns.map(({ name, value }) => [name, value(row)]));
}

function recordsOf(rows: readonly Generation[], columns: readonly Column<Generation>[]): string {
  return rows.map((row) => JSON.stringify(recordOf(row, columns))).join(",");
}

/** CSV without its head. */
function linesOf(rows: readonly Generation[], columns: readonly Column<Generation>[]): string {
  const text = toCsv(
    rows.map((row) => recordOf(row, columns)),
    namesOf(columns),
  );
  return text.slice(text.indexOf("\r\n") + 2);
}

function namesOf(columns: readonly Column<Generation>[]): string[] {
  return columns.map(({ name }) => name);
}

/** An answer of many megabytes, packed beside the thread that answers requests. */
async function packed(
  request: Request,
  text: string,
  headers: Record<string, string>,
): Promise<Response> {
  const vary = { ...headers, vary: "Cookie, Accept-Encoding" };
  if (!takesGzip(request)) return new Response(text, { headers: vary });
  const bytes = await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) =>
    gzip(encode(text), { level: 1 }, (fault, result) =>
      fault ? reject(fault) : resolve(new Uint8Array(result)),
    ),
  );
  return new Response(bytes, { headers: { ...vary, "content-encoding": "gzip" } });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
