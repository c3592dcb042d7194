import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { withStore } from "#src/cli/runtime.ts";
import { noted } from "#src/cli/noted.ts";
import {
  type GridChange,
  gridChanges,
  gridNameOf,
  type GridTable,
  GridTableError,
  onGrid,
  tablesFor,
  withImported,
} from "#src/eco/grid-table.ts";
import { loadEco } from "#src/eco/load.ts";
import type { GridRow } from "#src/eco/methodology.ts";
import { gridsAt, keepGrid, keptGrids, readGridFile } from "#src/imported-grids.ts";
import { systemClock } from "#src/lib/clock.ts";

/** The `grid import` command. */
export async function importGridCommand(
  file: string,
  options: CommonOptions & { dryRun?: boolean; name?: string },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const { imported, methodology } = await gridsAt(store, config, systemClock);
    const table = taken(() => readGridFile(file, systemClock, options.name));
    // Against what counts now, which may be another imported table.
    const now = tablesFor(withImported(loadEco(), imported), methodology);
    const changes = gridChanges(now, table);
    const isKept = options.dryRun !== true;
    const kept = isKept ? await keptAs(() => keepGrid(store, table)) : table;
    if (isKept)
      await store.write([
        noted({
          action: "grid.imported",
          target: kept.name,
          detail: { rows: String(kept.rows.length), hash: kept.hash },
        }),
      ]);
    const grid = gridNameOf(methodology);
    const base = grid === undefined ? methodology : methodology.replace(`+${grid}`, "");
    const version = onGrid(base, kept);
    if (options.json)
      return printJson(output, {
        data: {
          name: kept.name,
          methodology_version: version,
          kept: isKept,
          rows: kept.rows.length,
          against: methodology,
          changes: changes.map(changeRecord),
        },
      });
    printChanges(output, changes, methodology);
    if (!isKept) return output.err("\nA dry run: nothing is kept\n");
    output.err(
      `\nKept as ${kept.name}, ${kept.rows.length} zones. It counts once the gateway starts with eco.methodology = "${version}"\n`,
    );
  });
}

/** The `grid list` command. */
export async function listGridsCommand(options: CommonOptions, output: Output): Promise<void> {
  await withStore(options, async (store, config) => {
    const kept = await keptGrids(store);
    const { eco } = config;
    const records = kept.map((table) => ({
      name: table.name,
      rows: table.rows.length,
      year: Math.max(...table.rows.map(({ year }) => year)),
      basis: both(table.rows, ({ basis }) => basis),
      scope: both(table.rows, ({ scope }) => scope),
      sources: [...new Set(table.rows.map(({ source }) => source))],
      hash: table.hash,
      used: gridNameOf(eco.methodology) === table.name,
    }));
    if (options.json) return printJson(output, { data: records });
    if (records.length === 0)
      return output.err('No table yet\nRun "lowrouter grid import FILE.csv"\n');
    printTable(
      output,
      ["name", "zones", "newest", "basis", "of", "source"],
      records.map((one) => [
        one.name,
        String(one.rows),
        String(one.year),
        one.basis,
        one.scope,
        one.sources.join("; ").slice(0, 60),
      ]),
    );
  });
}

function changeRecord({ before, after, percent }: GridChange) {
  const of = ({ gPerKwh, year, basis, scope, source }: GridRow) => ({
    g_per_kwh: gPerKwh,
    year,
    basis,
    scope,
    source,
  });
  return { zone: after.zone, before: of(before), after: of(after), percent: percent ?? null };
}

function printChanges(output: Output, changes: readonly GridChange[], against: string): void {
  if (changes.length === 0) return output.out(`Nothing changes against ${against}\n`);
  const stated = ({ year, basis, scope }: GridRow) => `${year} ${basis} ${scope}`;
  printTable(
    output,
    ["zone", "g/kWh before", "after", "percent", "before", "after"],
    changes.map(({ before, after, percent }) => [
      after.zone,
      String(before.gPerKwh),
      String(after.gPerKwh),
      percent === undefined ? "—" : `${percent > 0 ? "+" : ""}${percent.toFixed(1)}%`,
      stated(before),
      stated(after),
    ]),
  );
  const mixed = changes.filter(
    ({ before, after }) => before.basis !== after.basis || before.scope !== after.scope,
  );
  if (mixed.length > 0)
    output.err(
      `${mixed.length} of ${changes.length} zones change what is counted too (direct or lifecycle, production or consumption): their percentages are no trend\n`,
    );
}

function both(rows: GridTable["rows"], of: (row: GridRow) => string): string {
  return [...new Set(rows.map(of))].toSorted().join(", ");
}

function taken<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw explained(thrown);
  }
}

async function keptAs<T>(keep: () => Promise<T>): Promise<T> {
  try {
    return await keep();
  } catch (thrown) {
    throw explained(thrown);
  }
}

function explained(thrown: unknown): unknown {
  return thrown instanceof GridTableError
    ? new CommandError(`${thrown.message}\nThe columns are in /docs/guides/grid-data`)
    : thrown;
}
