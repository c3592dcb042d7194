import { readFileSync } from "node:fs";
import { setSetting } from "#src/account/settings.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import {
  gridNameOf,
  type GridTable,
  GridTableError,
  onGrid,
  readGridTable,
} from "#src/eco/grid-table.ts";
import { gridTableOf, textOfGridTable } from "#src/eco/grid-store.ts";
import { loadEco } from "#src/eco/load.ts";
import { type Clock, dayOf } from "#src/lib/clock.ts";
import { type Store, textOf } from "#src/store/store.ts";

/*
 * Grid tables that the operator imported are kept in the database, every one that was ever used: whatever table counts
 * now, a figure that was recorded can be made again from the one it was made from.
 */

/** The imported tables, and the methodology version that counts with them. */
export interface Grids {
  imported: readonly GridTable[];
  methodology: string;
}

const prefix = "grid:";

/** The tables that are kept, by name. */
export async function keptGrids(store: Store): Promise<GridTable[]> {
  const rows = await store.read(
    `SELECT value FROM setting WHERE key LIKE '${prefix}%' ORDER BY key`,
    [],
  );
  return rows.map((row) => gridTableOf(textOf(row, "value") ?? ""));
}

/** Keeps a table, under its name. Throws GridTableError where that name stands for other values. */
export async function keepGrid(store: Store, table: GridTable): Promise<GridTable> {
  const kept = await keptGrids(store);
  const same = kept.find(({ hash }) => hash === table.hash);
  if (same !== undefined) return same;
  if (kept.some(({ name }) => name === table.name))
    throw new GridTableError(
      `Cannot keep the table as "${table.name}": another one with other values is called so; give a name of its own with --name`,
    );
  await setSetting(store, prefix + table.name, textOfGridTable(table));
  return table;
}

/** All tables of a gateway that starts, the one of `eco.grid_file` among them, which is kept. Throws ConfigError. */
export async function gridsAt(store: Store, config: Config, clock: Clock): Promise<Grids> {
  const fromFile = fileOf(config, clock);
  const kept = await keptGrids(store);
  if (fromFile === undefined) return { imported: kept, methodology: config.eco.methodology };
  const used = named(fromFile, kept);
  await keepGrid(store, used);
  const imported = kept.some(({ hash }) => hash === used.hash) ? kept : [...kept, used];
  return { imported, methodology: active(config, used) };
}

/** The same without a database: the file alone, and a version on a table that is kept there stands for its bundled one. */
export function gridsOfFile(config: Config, clock: Clock): Grids {
  const { methodology } = config.eco;
  const fromFile = fileOf(config, clock);
  if (fromFile !== undefined)
    return { imported: [fromFile], methodology: active(config, fromFile) };
  const grid = gridNameOf(methodology);
  if (grid === undefined) return { imported: [], methodology };
  return { imported: [], methodology: methodology.replace(`+${grid}`, "") };
}

/** A table under a name that is free, or under that which it was kept by. */
function named(table: GridTable, kept: readonly GridTable[]): GridTable {
  const same = kept.find(({ hash }) => hash === table.hash);
  if (same !== undefined) return same;
  const isTaken = kept.some(({ name }) => name === table.name);
  return isTaken ? { ...table, name: `${table.name}-${table.hash.slice(0, 8)}` } : table;
}

/** The version of the configuration on a table. Throws ConfigError where it names another. */
function active({ eco: { methodology, gridFile } }: Config, table: GridTable): string {
  const grid = gridNameOf(methodology);
  if (grid === undefined) return onGrid(methodology, table);
  if (grid === table.name) return methodology;
  throw new ConfigError(
    `Cannot use eco.methodology = "${methodology}" with eco.grid_file = "${gridFile}", which is ${table.name}: leave one of them out`,
  );
}

function fileOf({ eco: { gridFile } }: Config, clock: Clock): GridTable | undefined {
  if (gridFile === "") return undefined;
  try {
    return readGridFile(gridFile, clock);
  } catch (thrown) {
    if (!(thrown instanceof GridTableError)) throw thrown;
    throw new ConfigError(`Cannot use eco.grid_file = "${gridFile}": ${thrown.message}`);
  }
}

/** A table from a file. Throws GridTableError. */
export function readGridFile(path: string, clock: Clock, label?: string): GridTable {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new GridTableError(`Cannot read the file "${path}"${code}`);
  }
  return readGridTable(text, { tables: loadEco(), today: dayOf(clock.now()), label });
}
