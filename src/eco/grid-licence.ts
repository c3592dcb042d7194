import type { EcoTables } from "#src/eco/load.ts";
import type { GridRow } from "#src/eco/methodology.ts";

/** Licences under which a table may be shown to everyone. */
const open =
  /^(cc0|cc[ -]by(?![ -](nc|nd))|odbl|ogl|open government|licence ouverte|etalab|public domain|us public domain)/i;

/** Whether a row's value may be published as part of the table: what an operator licensed for itself may not. */
export function isPublishable({ imported, licence }: GridRow): boolean {
  return imported !== true || open.test(licence.trim());
}

/** The tables for everyone: where a value may not be published, the bundled one stands in, or nothing. */
export function publishedTables(tables: EcoTables): EcoTables {
  if (!withholdsGrids(tables)) return tables;
  const rows = [...tables.zones].flatMap(([zone, row]) => {
    const shown = isPublishable(row) ? row : tables.bundled.get(zone);
    return shown === undefined ? [] : [[zone, shown] as const];
  });
  return { ...tables, zones: new Map(rows) };
}

/** Whether requests are counted with values that may not be published. */
export function withholdsGrids({ zones }: Pick<EcoTables, "zones">): boolean {
  return [...zones.values()].some((row) => !isPublishable(row));
}
