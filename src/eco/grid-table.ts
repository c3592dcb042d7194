import type { EcoTables, Methodology } from "#src/eco/load.ts";
import type { GridRow } from "#src/eco/methodology.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { readCsv } from "#src/lib/csv-read.ts";

/*
 * A table of grid intensities that the operator brings, such as a licensed one of the IEA. Its rows take the place of the
 * bundled ones of their zones, under methodology versions of its own: what was recorded before stays as it was.
 */

/** An imported table. */
export interface GridTable {
  /** What its versions are called: `grid-2026-IEA`. */
  name: string;
  /** SHA-256 of what figures are made from: a name stands for one set of values for ever. */
  hash: string;
  rows: GridRow[];
}

/** Why a table was not taken. */
export class GridTableError extends Error {
  override readonly name = "GridTableError";
}

const needed = ["zone", "year", "g_per_kwh", "scope", "basis", "source", "licence", "url"] as const;
const optional = ["note"] as const;
type Column = (typeof needed)[number] | (typeof optional)[number];

/** What no grid emits, g CO2e per kWh: oil burnt in old engines stays below 1,500. */
const mostGrams = 2000;
const mostRows = 5000;

/**
 * Reads a table from CSV. Columns, in any order: `zone` (as data/grid.json names it, or ISO 3166 alpha-2), `year`,
 * `g_per_kwh` (g CO2e), `scope` (`consumption` or `production`), `basis` (`direct` or `lifecycle`), `source`, `licence`,
 * `url`, and `note` where wanted. Of several years of a zone the newest counts. Throws GridTableError naming the line.
 */
export function readGridTable(
  text: string,
  { tables, today, label }: { tables: EcoTables; today: string; label?: string | undefined },
): GridTable {
  const { columns, lines } = headed(text);
  const rows = new Map<string, { row: GridRow; line: number }>();
  for (const { cells, line } of lines) {
    const row = rowOf({ cells, line, columns }, tables, today);
    const before = rows.get(row.zone);
    if (before !== undefined && before.row.year === row.year)
      throw fault(line, `"${row.zone}" has a row for ${row.year} already, on line ${before.line}`);
    if (before === undefined || before.row.year < row.year) rows.set(row.zone, { row, line });
  }
  const found = [...rows.values()].map(({ row }) => row);
  if (found.length === 0)
    throw new GridTableError("Cannot take the table: it has no row below its headings");
  refuseKilograms(found, tables);
  const year = Math.max(...found.map((row) => row.year));
  return {
    name: `grid-${year}-${labelOf(label, found)}`,
    hash: hashOf(found),
    rows: found.toSorted((one, other) => (one.zone < other.zone ? -1 : 1)),
  };
}

interface Cells {
  cells: readonly string[];
  line: number;
  columns: ReadonlyMap<Column, number>;
}

/** The lines below the headings. */
function headed(text: string) {
  let lines: ReturnType<typeof readCsv>;
  try {
    lines = readCsv(text);
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : "it is no CSV";
    throw new GridTableError(`Cannot take the table: ${reason}`);
  }
  const [head, ...rest] = lines;
  if (head === undefined) throw new GridTableError("Cannot take the table: it is empty");
  if (rest.length > mostRows)
    throw new GridTableError(`Cannot take the table: it has more than ${mostRows} rows`);
  const columns = new Map<Column, number>();
  for (const [at, cell] of head.cells.entries()) {
    const name = cell.trim().toLowerCase();
    const column = [...needed, ...optional].find((one) => one === name);
    if (column === undefined)
      throw fault(
        head.line,
        `"${shown(cell)}" is no column: ${needed.join(", ")} are needed, ${optional.join()} may be there`,
      );
    if (columns.has(column)) throw fault(head.line, `the column "${column}" is there twice`);
    columns.set(column, at);
  }
  const missing = needed.filter((one) => !columns.has(one));
  if (missing.length > 0)
    throw fault(head.line, `the headings lack ${missing.map((one) => `"${one}"`).join(", ")}`);
  return { columns, lines: rest };
}

function rowOf({ cells, line, columns }: Cells, tables: EcoTables, today: string): GridRow {
  const told = (column: Column) => (cells[columns.get(column) ?? -1] ?? "").trim();
  const need = (column: Column) => {
    const text = told(column);
    if (text === "") throw fault(line, `it has no ${column}`);
    return text;
  };
  if (cells.length !== columns.size)
    throw fault(line, `it has ${cells.length} cells where there are ${columns.size} columns`);
  const name = need("zone");
  const known = tables.bundled.get(name) ?? tables.bundled.get(tables.countries.get(name) ?? "");
  if (known === undefined)
    throw fault(
      line,
      `"${shown(name)}" is no known zone: /methodology/grid lists them, such as FRA, GBR or US-RFCW`,
    );
  return {
    zone: known.zone,
    name: known.name,
    gPerKwh: gramsOf(need("g_per_kwh"), line),
    year: yearOf(need("year"), line, today),
    basis: oneOf(need("basis"), "basis", ["direct", "lifecycle"] as const, line),
    scope: oneOf(need("scope"), "scope", ["consumption", "production"] as const, line),
    source: need("source"),
    sourceUrl: urlOf(need("url"), line),
    licence: need("licence"),
    read: today,
    imported: true,
  };
}

function gramsOf(text: string, line: number): number {
  const grams = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (grams >= 0 && grams <= mostGrams) return grams;
  throw fault(
    line,
    `"${shown(text)}" is no g_per_kwh: a number of grams CO2e from 0 to ${mostGrams} is needed`,
  );
}

function yearOf(text: string, line: number, today: string): number {
  const now = Number(today.slice(0, 4));
  const year = /^\d{4}$/.test(text) ? Number(text) : Number.NaN;
  if (year >= 1990 && year <= now) return year;
  throw fault(line, `"${shown(text)}" is no year of the data: one from 1990 to ${now} is needed`);
}

/** Far below any difference that basis, scope or year make; kilograms are a thousandth. */
const leastOfBundled = 1 / 500;

function refuseKilograms(rows: readonly GridRow[], tables: EcoTables): void {
  const told = rows.filter(({ gPerKwh }) => gPerKwh > 0);
  const bundledOf = ({ zone }: GridRow) => tables.bundled.get(zone)?.gPerKwh ?? 0;
  const [first] = told;
  if (first === undefined) return;
  if (told.some((row) => row.gPerKwh >= bundledOf(row) * leastOfBundled)) return;
  throw new GridTableError(
    `Cannot take the table: each figure is less than a 500th of the bundled one, as ${first.gPerKwh} of ${first.zone} beside ${bundledOf(first)}; grams CO2e per kWh are needed, not kilograms`,
  );
}

function oneOf<T extends string>(
  text: string,
  column: Column,
  allowed: readonly T[],
  line: number,
): T {
  const found = allowed.find((one) => one === text.toLowerCase());
  if (found !== undefined) return found;
  throw fault(line, `"${shown(text)}" is no ${column}: ${allowed.join(" or ")} is needed`);
}

function urlOf(text: string, line: number): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw fault(line, `"${shown(text)}" is no url: an address such as https://… is needed`);
}

function fault(line: number, why: string): GridTableError {
  return new GridTableError(`Cannot take line ${line} of the table: ${why}`);
}

/** What a file says, as an error repeats it. */
function shown(text: string): string {
  return text.slice(0, 60);
}

/** What a table is called: by its maker's choice, else by the first word of most sources. */
function labelOf(label: string | undefined, rows: readonly GridRow[]): string {
  if (label !== undefined) {
    if (/^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/.test(label)) return label;
    throw new GridTableError(
      `Cannot call the table "${shown(label)}": up to 32 letters, digits and hyphens are needed`,
    );
  }
  const counts = new Map<string, number>();
  for (const { source } of rows) {
    const word = /[A-Za-z0-9]+/.exec(source)?.[0].slice(0, 32) ?? "own";
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const [most] = [...counts].toSorted((one, other) => other[1] - one[1]);
  return most?.[0] ?? "own";
}

/** The same for the same values, whatever the order of the rows and the words about them. */
function hashOf(rows: readonly GridRow[]): string {
  const values = rows.map(({ zone, year, gPerKwh, basis, scope }) =>
    [zone, year, gPerKwh, basis, scope].join(),
  );
  return sha256Hex(values.toSorted().join("\n"));
}

/** The name of the imported table that a version stands on; undefined for a bundled one. */
export function gridNameOf(version: string): string | undefined {
  const at = version.indexOf("+grid-");
  if (at < 0) return undefined;
  const name = version.slice(at + 1);
  const end = name.indexOf("+");
  return end < 0 ? name : name.slice(0, end);
}

/** A version on an imported table. */
export function onGrid(version: string, { name }: Pick<GridTable, "name">): string {
  return `${version}+${name}`;
}

/** The bundled tables with those that were imported: each methodology on each of them is a version of its own. */
export function withImported(tables: EcoTables, imported: readonly GridTable[]): EcoTables {
  if (imported.length === 0) return tables;
  const own = tables.methodologies.filter(({ grid }) => grid === undefined);
  const versions = imported.flatMap((table) =>
    own.map((record): Methodology => ({
      ...record,
      version: onGrid(record.version, table),
      title: `${record.title}, on the grid table ${table.name}`,
      grid: table.name,
    })),
  );
  return {
    ...tables,
    methodologies: [...own, ...versions],
    imported: new Map(imported.map((table) => [table.name, table])),
  };
}

const made = new WeakMap<EcoTables["bundled"], Map<GridTable, EcoTables["zones"]>>();

/** The tables with the grid rows that a version stands on. */
export function tablesFor(tables: EcoTables, version: string): EcoTables {
  const table = tables.imported.get(gridNameOf(version) ?? "");
  if (table === undefined)
    return tables.zones === tables.bundled ? tables : { ...tables, zones: tables.bundled };
  const known = made.get(tables.bundled) ?? new Map<GridTable, EcoTables["zones"]>();
  made.set(tables.bundled, known);
  let zones = known.get(table);
  if (zones === undefined) {
    zones = new Map([...tables.bundled, ...table.rows.map((row) => [row.zone, row] as const)]);
    known.set(table, zones);
  }
  return { ...tables, zones };
}

/** The methodologies on the grid table of a version: what it may be compared with. */
export function besides({ methodologies }: EcoTables, version: string): Methodology[] {
  const name = gridNameOf(version);
  return methodologies.filter(({ grid }) => grid === name);
}

/** A zone whose value a table changes. */
export interface GridChange {
  before: GridRow;
  after: GridRow;
  /** Of the value before; undefined where that is 0. */
  percent: number | undefined;
}

/** What a table changes, zone by zone, the largest change first; rows that say the same are left out. */
export function gridChanges(tables: EcoTables, { rows }: Pick<GridTable, "rows">): GridChange[] {
  return rows
    .flatMap((after): GridChange[] => {
      const before = tables.zones.get(after.zone);
      if (before === undefined || isSame(before, after)) return [];
      const percent = before.gPerKwh === 0 ? undefined : (after.gPerKwh / before.gPerKwh - 1) * 100;
      return [{ before, after, percent }];
    })
    .toSorted((one, other) => size(other) - size(one));
}

function isSame(one: GridRow, other: GridRow): boolean {
  return (
    one.gPerKwh === other.gPerKwh &&
    one.year === other.year &&
    one.basis === other.basis &&
    one.scope === other.scope
  );
}

function size({ percent = Number.POSITIVE_INFINITY }: GridChange): number {
  return Math.abs(percent);
}
