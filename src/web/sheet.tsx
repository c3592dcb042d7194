import type { Child } from "hono/jsx";
import { json } from "#src/http/respond.ts";
import { toCsv } from "#src/report/activity.ts";
import { figure } from "#src/web/format.ts";
import { Table, Unknown } from "#src/web/layout.tsx";

/** What a cell holds for programs. Null: not known. */
export type Value = string | number | boolean | null | readonly string[];

/** A column of a table that is a page, a JSON list and a CSV file alike. */
export interface Column<T> {
  /** Its name in JSON and CSV. */
  name: string;
  /** What stands above it on the page, with the unit; absent: only programs get it. */
  title?: string;
  /** `figure` is set to the right; `long` may break anywhere; `list` wants some width; `short` stays in a line. */
  kind?: "figure" | "long" | "list" | "short";
  value(row: T): Value;
  /** What the page shows in place of the value. */
  show?(row: T): Child;
  /** Why a value may be missing. */
  why?: string | ((row: T) => string);
}

/** Rows under columns. The first shown column names its row. */
export interface Sheet<T> {
  /** Name of the CSV file. */
  name: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
}

/** The sheet as `?format=json` or `?format=csv` asks for it; undefined where a page is wanted. */
export function sheetAnswer<T>(sheet: Sheet<T>, query: URLSearchParams): Response | undefined {
  const format = query.get("format");
  const { name, columns, rows } = sheet;
  if (format === "json") return json({ object: "list", data: recordsOf(columns, rows) });
  if (format !== "csv") return undefined;
  const flat = recordsOf(columns, rows).map((record) =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => [
        key,
        Array.isArray(value) ? value.join(" ") : value,
      ]),
    ),
  );
  return new Response(
    toCsv(
      flat,
      columns.map((column) => column.name),
    ),
    {
      headers: {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="${name}.csv"`,
      },
    },
  );
}

function recordsOf<T>(columns: readonly Column<T>[], rows: readonly T[]): Record<string, Value>[] {
  return rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column.name, column.value(row)])),
  );
}

/** The sheet as a table. */
export function SheetTable<T>({ caption, sheet }: { caption: string; sheet: Sheet<T> }) {
  const shown = sheet.columns.filter(({ title }) => title !== undefined);
  return (
    <Table
      caption={caption}
      head={
        <tr>
          {shown.map((column) => (
            <th scope="col" class={column.kind === "figure" ? "n" : undefined}>
              {column.title}
            </th>
          ))}
        </tr>
      }
    >
      {sheet.rows.map((row) => (
        <tr>
          {shown.map((column, at) =>
            at === 0 ? (
              <th scope="row">{cellOf(column, row)}</th>
            ) : (
              <td class={classOf(column.kind)}>{cellOf(column, row)}</td>
            ),
          )}
        </tr>
      ))}
    </Table>
  );
}

function classOf(kind: Column<unknown>["kind"]): string | undefined {
  return kind === "figure" ? "n" : kind;
}

function cellOf<T>(column: Column<T>, row: T): Child {
  const value = column.value(row);
  if (value === null) {
    const { why = "Not known" } = column;
    return <Unknown why={typeof why === "string" ? why : why(row)} />;
  }
  if (column.show) return column.show(row);
  if (typeof value === "number") return figure(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? value : value.join(", ");
}

/** Links to the same table for programs, filters included. */
export function Formats({ path, query }: { path: string; query?: URLSearchParams }) {
  const link = (format: string) => {
    const search = new URLSearchParams(query);
    search.set("format", format);
    return `${path}?${search}`;
  };
  return (
    <p class="formats">
      The same as <a href={link("json")}>JSON</a> or <a href={link("csv")}>CSV</a>.
    </p>
  );
}

/** Where a figure is from: a link where the source is an address, else its words. */
export function Source({ of, words }: { of: string; words?: string }) {
  return /^https?:\/\//.test(of) ? (
    <a href={of} rel="noopener noreferrer">
      {words ?? shortened(of)}
    </a>
  ) : (
    <>{words ?? of}</>
  );
}

/** An address without what every address has. */
function shortened(address: string): string {
  const text = address.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
