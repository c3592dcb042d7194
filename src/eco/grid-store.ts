import * as v from "valibot";
import type { GridTable } from "#src/eco/grid-table.ts";

const schema = v.strictObject({
  name: v.string(),
  hash: v.string(),
  rows: v.array(
    v.strictObject({
      zone: v.string(),
      name: v.string(),
      gPerKwh: v.number(),
      year: v.number(),
      basis: v.picklist(["lifecycle", "direct"]),
      scope: v.picklist(["production", "consumption"]),
      source: v.string(),
      sourceUrl: v.string(),
      licence: v.string(),
      read: v.string(),
      imported: v.literal(true),
    }),
  ),
});

/** An imported table as it is kept. */
export function textOfGridTable(table: GridTable): string {
  return JSON.stringify(table);
}

/** A table that was kept. Throws where it is not what we wrote. */
export function gridTableOf(text: string): GridTable {
  return v.parse(schema, JSON.parse(text));
}
