import type { EcoTables } from "#src/eco/load.ts";
import type { Grid, GridRow } from "#src/eco/methodology.ts";

/** A place where requests are computed, as far as it is known. */
export interface Place {
  provider: string;
  /** Our region id. */
  region: string;
  /** ISO 3166 alpha-2. */
  country?: string;
  /** Zone of data/grid.json. */
  zone?: string;
}

/**
 * Annual grid intensity of a place: its own zone, else its country, else the region's population-weighted mean, else the
 * provider's documented default, which is said to be an assumption. Undefined where nothing is known.
 */
export function gridFor(tables: EcoTables, place: Place): Grid | undefined {
  const zone =
    place.zone ?? (place.country === undefined ? undefined : tables.countries.get(place.country));
  const row = zone === undefined ? undefined : tables.zones.get(zone);
  if (row) return single(row);
  return regional(tables, place.region) ?? assumed(tables, place);
}

function single(row: GridRow): Grid {
  return {
    gPerKwh: row.gPerKwh,
    zone: row.zone,
    year: row.year,
    basis: row.basis,
    rows: [{ row, weight: 1 }],
  };
}

function regional(tables: EcoTables, id: string): Grid | undefined {
  const region = tables.regions.get(id);
  if (region === undefined) return undefined;
  const members = region.countries.flatMap(({ iso2, millions }) => {
    const row = tables.zones.get(tables.countries.get(iso2) ?? "");
    return row ? [{ row, millions }] : [];
  });
  const people = members.reduce((sum, { millions }) => sum + millions, 0);
  const [first] = members;
  if (first === undefined || members.length < region.countries.length) return undefined;
  return {
    gPerKwh: members.reduce((sum, { row, millions }) => sum + row.gPerKwh * (millions / people), 0),
    zone: id,
    year: Math.min(...members.map(({ row }) => row.year)),
    basis: members.every(({ row }) => row.basis === first.row.basis) ? first.row.basis : "mixed",
    rows: members.map(({ row, millions }) => ({ row, weight: millions / people })),
  };
}

function assumed(tables: EcoTables, place: Place): Grid | undefined {
  if (place.region !== "global") return undefined;
  const site = tables.datacenters.get(place.provider);
  // An aggregator's world average would be an invention: where it routes is not known.
  if (site?.zone === undefined || site.zone === "WOR") return undefined;
  const row = tables.zones.get(site.zone);
  return (
    row && {
      ...single(row),
      assumption: `${place.provider} does not disclose where it computes; ${site.zone} is its documented default location (${site.source})`,
    }
  );
}
