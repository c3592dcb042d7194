import { notMeasured } from "#src/eco/explain.ts";
import { findMethodology } from "#src/eco/estimate.ts";
import { isPublishable, tablesFor } from "#src/eco/grid-table.ts";
import type { EcoTables } from "#src/eco/load.ts";
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
      url: `/v1/methodology/${record.version}`,
    })),
  };
}

/** One methodology with every table that its numbers are made from. Undefined for an unknown version. */
export function publishMethodology(tables: EcoTables, version: string) {
  const record = findMethodology(tables, version);
  return (
    record && {
      ...record,
      not_measured: notMeasured,
      parameters: [...tables.parameters.values()],
      grid: [...tablesFor(tables, version).zones.values()].map(published),
      regions: [...tables.regions.values()],
      datacenters: [...tables.datacenters.values()],
      published_measurements: tables.benchmarks,
    }
  );
}
