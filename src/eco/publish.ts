import { formulas, notMeasured } from "#src/eco/explain.ts";
import { findMethodology } from "#src/eco/estimate.ts";
import { isPublishable } from "#src/eco/grid-licence.ts";
import { tablesFor } from "#src/eco/grid-table.ts";
import type { EcoTables, Methodology } from "#src/eco/load.ts";
import type { GridRow } from "#src/eco/methodology.ts";

/** What stands in the place of a value that may not be passed on. */
export const withheld = "licensed to the operator of this gateway, and not for publication";

function published(row: GridRow) {
  return isPublishable(row) ? row : { ...row, gPerKwh: null, withheld };
}

/** The methodologies, as listed to anyone. */
export function publishMethodologies(tables: EcoTables) {
  return {
    object: "list",
    data: tables.methodologies.map((record) => ({
      version: record.version,
      title: record.title,
      weights: record.weights,
      includes: record.includes,
      excludes: record.excludes,
      grid_table: gridRecord(tables, record) ?? null,
      url: `/v1/methodology/${record.version}`,
    })),
  };
}

/** The imported grid table that a version stands on, without its values; undefined for the bundled one. */
export function gridRecord({ imported }: EcoTables, { grid }: Pick<Methodology, "grid">) {
  const table = grid === undefined ? undefined : imported.get(grid);
  if (table === undefined) return undefined;
  const { name, rows } = table;
  const years = rows.map(({ year }) => year);
  const distinct = (of: (row: GridRow) => string) => [...new Set(rows.map(of))].toSorted();
  return {
    name,
    zones: rows.length,
    oldest_year: Math.min(...years),
    newest_year: Math.max(...years),
    sources: distinct(({ source }) => source),
    source_urls: distinct(({ sourceUrl }) => sourceUrl),
    licences: distinct(({ licence }) => licence),
    published: rows.every(isPublishable),
  };
}

/** One methodology with every table that its numbers are made from. Undefined for an unknown version. */
export function publishMethodology(tables: EcoTables, version: string) {
  const record = findMethodology(tables, version);
  return (
    record && {
      ...record,
      steps: formulas[record.formula],
      not_measured: notMeasured,
      grid_table: gridRecord(tables, record) ?? null,
      parameters: [...tables.parameters.values()],
      grid: [...tablesFor(tables, version).zones.values()].map(published),
      regions: [...tables.regions.values()],
      datacenters: [...tables.datacenters.values()],
      published_measurements: tables.benchmarks,
    }
  );
}
