import { toCsv } from "#src/report/activity.ts";
import type { Column } from "#src/web/sheet.tsx";

/** Rows of one file, at most. */
export const mostInFile = 50_000;

/** A table as a file for programs, of any length. */
export interface SheetFile<T> {
  format: "csv" | "json";
  /** Of the CSV file, without its ending. */
  name: string;
  columns: readonly Column<T>[];
  /** Rows, some at a time. */
  strides: AsyncIterable<readonly T[]>;
  /** Where it was cut: `before=` on the address goes on from there. */
  cut?: string | undefined;
  /** What else JSON says. */
  facts?: object;
}

/** The form of file that an address asks for; undefined where a page is wanted. */
export function formatOf(query: URLSearchParams): "csv" | "json" | undefined {
  const format = query.get("format");
  return format === "csv" || format === "json" ? format : undefined;
}

/** The file as an answer, written as it is sent: all of it at once would keep others waiting. */
export function fileAnswer<T>(file: SheetFile<T>): Response {
  const { format, name, cut } = file;
  const parts = format === "csv" ? csvOf(file) : jsonOf(file);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
      await new Promise((resolve) => setImmediate(resolve));
    },
    cancel: () => void parts.return(undefined),
  });
  return new Response(body, {
    headers: {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
      "cache-control": "no-store",
      ...(format === "csv"
        ? {
            "content-disposition": `attachment; filename="${name}${cut === undefined ? "" : "-cut"}.csv"`,
          }
        : {}),
      // A CSV file has no place to say so.
      ...(cut === undefined ? {} : { "x-lowrouter-cut": `before=${cut}` }),
    },
  });
}

async function* csvOf<T>({ columns, strides }: SheetFile<T>): AsyncGenerator<string> {
  const names = columns.map((column) => column.name);
  const head = toCsv([], names);
  yield head;
  for await (const rows of strides) {
    const records = rows.map((row) =>
      Object.fromEntries(
        columns.map(({ name, value }) => {
          const cell = value(row);
          return [name, Array.isArray(cell) ? cell.join(" ") : cell];
        }),
      ),
    );
    yield toCsv(records, names).slice(head.length);
  }
}

async function* jsonOf<T>(file: SheetFile<T>): AsyncGenerator<string> {
  const { columns, strides, cut, facts = {} } = file;
  const start = { object: "list", ...facts, is_cut: cut !== undefined, next_before: cut ?? null };
  yield `${JSON.stringify(start).slice(0, -1)},"data":[`;
  let isFirst = true;
  for await (const rows of strides) {
    const texts = rows.map((row) =>
      JSON.stringify(Object.fromEntries(columns.map(({ name, value }) => [name, value(row)]))),
    );
    if (texts.length === 0) continue;
    yield `${isFirst ? "" : ","}${texts.join(",")}`;
    isFirst = false;
  }
  yield "]}";
}
