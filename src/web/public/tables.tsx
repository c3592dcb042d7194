/** Tables of the methodology, one sheet each. */
import { estimate } from "#src/eco/estimate.ts";
import { scopeOf } from "#src/eco/explain.ts";
import { gridFor } from "#src/eco/grid.ts";
import { isPublishable, publishedTables } from "#src/eco/grid-licence.ts";
import { besides } from "#src/eco/grid-table.ts";
import type { Benchmark, Datacenter, EcoTables, RegionRow } from "#src/eco/load.ts";
import type { Grid, GridRow, ModelParameters } from "#src/eco/methodology.ts";
import { withheld } from "#src/eco/publish.ts";
import { modelPath, unknown } from "#src/web/public/words.tsx";
import { type Column, type Sheet, Source } from "#src/web/sheet.tsx";

/** Columns that say where a row is from, whose source has a name and an address. */
export function linked<
  T extends Record<"source" | "sourceUrl" | "licence" | "read", string>,
>(): Column<T>[] {
  return [
    {
      name: "source",
      title: "Source",
      kind: "long",
      value: ({ source }) => source,
      show: ({ source, sourceUrl }) => <Source of={sourceUrl} words={source} />,
    },
    { name: "source_url", value: ({ sourceUrl }) => sourceUrl },
    { name: "licence", title: "Licence", kind: "long", value: ({ licence }) => licence },
    { name: "read", title: "Read", kind: "short", value: ({ read }) => read },
  ];
}

/** Columns that say where a row is from. */
function sourced<T extends { licence: string; read: string }>(
  source: (row: T) => string,
): Column<T>[] {
  return [
    {
      name: "source",
      title: "Source",
      kind: "long",
      value: source,
      show: (row) => <Source of={source(row)} />,
    },
    { name: "licence", title: "Licence", value: ({ licence }) => licence },
    { name: "read", title: "Read", kind: "short", value: ({ read }) => read },
  ];
}

export function parameterSheet({ parameters }: EcoTables): Sheet<ModelParameters> {
  const columns: Column<ModelParameters>[] = [
    {
      name: "model",
      title: "Model",
      value: ({ model }) => model,
      show: ({ model }) => <a href={modelPath(model)}>{model}</a>,
    },
    { name: "architecture", title: "Kind", value: ({ architecture }) => architecture },
    {
      name: "active_b_min",
      title: "Active, least",
      kind: "figure",
      value: ({ activeB }) => activeB.min,
    },
    {
      name: "active_b_max",
      title: "Active, most",
      kind: "figure",
      value: ({ activeB }) => activeB.max,
    },
    {
      name: "total_b_min",
      title: "Total, least",
      kind: "figure",
      value: ({ totalB }) => totalB.min,
    },
    {
      name: "total_b_max",
      title: "Total, most",
      kind: "figure",
      value: ({ totalB }) => totalB.max,
    },
    { name: "accuracy", title: "Accuracy", value: ({ accuracy }) => accuracy },
    ...sourced<ModelParameters>(({ source }) => source),
  ];
  const rows = [...parameters.values()].toSorted((a, b) => a.model.localeCompare(b.model));
  return { name: "parameters", columns, rows };
}

export function gridSheet({ zones }: EcoTables): Sheet<GridRow> {
  const columns: Column<GridRow>[] = [
    { name: "zone", title: "Zone", value: ({ zone }) => zone },
    { name: "name", title: "Name", value: ({ name }) => name },
    {
      name: "g_per_kwh",
      title: "g/kWh",
      kind: "figure",
      why: `It is ${withheld}`,
      value: (row) => (isPublishable(row) ? row.gPerKwh : null),
    },
    {
      name: "year",
      title: "Year",
      kind: "figure",
      value: ({ year }) => year,
      show: ({ year }) => String(year),
    },
    { name: "basis", title: "Basis", value: ({ basis }) => basis },
    { name: "scope", title: "Of", value: ({ scope }) => scope },
    ...linked(),
  ];
  return { name: "grid", columns, rows: [...zones.values()] };
}

/** A region with the mean of its grids; undefined where one of its countries has none. */
export interface RegionFacts extends RegionRow {
  gPerKwh: number | undefined;
  basis: Grid["basis"] | undefined;
  scope: ReturnType<typeof scopeOf> | undefined;
}

/** Every region of the tables, the cleanest first, from what may be published. */
export function regionFacts(counted: EcoTables): RegionFacts[] {
  const tables = publishedTables(counted);
  return [...tables.regions.values()]
    .map((row) => {
      const grid = gridFor(tables, { provider: "", region: row.id });
      const scope = grid && scopeOf(grid);
      return { ...row, gPerKwh: grid?.gPerKwh, basis: grid?.basis, scope };
    })
    .toSorted((a, b) => (a.gPerKwh ?? Infinity) - (b.gPerKwh ?? Infinity));
}

export function regionSheet(tables: EcoTables): Sheet<RegionFacts> {
  const columns: Column<RegionFacts>[] = [
    { name: "region", title: "Region", value: ({ id }) => id },
    {
      name: "g_per_kwh",
      title: "g/kWh",
      kind: "figure",
      why: unknown.grid,
      value: ({ gPerKwh }) => gPerKwh ?? null,
    },
    { name: "basis", title: "Basis", why: unknown.grid, value: ({ basis }) => basis ?? null },
    { name: "scope", title: "Of", why: unknown.grid, value: ({ scope }) => scope ?? null },
    {
      name: "countries",
      title: "Countries, with millions of people",
      kind: "list",
      value: ({ countries }) => countries.map(({ iso2, millions }) => `${iso2} ${millions}`),
    },
    ...sourced<RegionFacts>(({ source }) => source),
  ];
  return { name: "regions", columns, rows: regionFacts(tables) };
}

export function placeSheet({ datacenters }: EcoTables): Sheet<Datacenter> {
  const columns: Column<Datacenter>[] = [
    { name: "provider", title: "Provider", value: ({ provider }) => provider },
    { name: "sites", title: "Sites", kind: "list", value: ({ sites }) => sites },
    { name: "zone", title: "Zone", why: unknown.grid, value: ({ zone }) => zone ?? null },
    {
      name: "pue_min",
      title: "PUE, least",
      kind: "figure",
      why: unknown.policy,
      value: ({ pueMin }) => pueMin ?? null,
    },
    {
      name: "pue_max",
      title: "PUE, most",
      kind: "figure",
      why: unknown.policy,
      value: ({ pueMax }) => pueMax ?? null,
    },
    {
      name: "year",
      title: "Year",
      why: "No year is given",
      value: ({ year }) => (year === undefined ? null : String(year)),
    },
    { name: "note", title: "Note", kind: "list", value: ({ note }) => note ?? "" },
    ...sourced<Datacenter>(({ source }) => source),
  ];
  return { name: "places", columns, rows: [...datacenters.values()] };
}

/** Published figures, with what each methodology estimates for the same tokens. */
export function measurementSheet(tables: EcoTables): Sheet<Benchmark> {
  const columns: Column<Benchmark>[] = [
    { name: "model", title: "Model", value: ({ model }) => model },
    { name: "what", title: "What", kind: "list", value: ({ what }) => what },
    { name: "kind", title: "Kind", value: ({ kind }) => kind },
    { name: "scope", title: "Scope", kind: "list", value: ({ scope }) => scope },
    {
      name: "input_tokens",
      title: "Tokens in",
      kind: "figure",
      why: "It gives none",
      value: (row) => row.inputTokens ?? null,
    },
    {
      name: "output_tokens",
      title: "Tokens out",
      kind: "figure",
      why: "It gives none",
      value: (row) => row.outputTokens ?? null,
    },
    {
      name: "energy_wh",
      title: "Published, Wh",
      kind: "figure",
      why: "It gives no energy",
      value: (row) => row.energyWh ?? null,
    },
    ...besides(tables, "").map(({ version }): Column<Benchmark> => ({
      name: `estimate_wh_${version}`,
      title: `${version}, Wh`,
      kind: "figure",
      why: "No model of the catalogue is comparable, its size is not known, or there are no tokens to go by",
      value: (row) => estimated(tables, version, row) ?? null,
    })),
    {
      name: "year",
      title: "Year",
      why: "No year is given",
      value: ({ year }) => (year === undefined ? null : String(year)),
    },
    ...linked(),
  ];
  return { name: "measurements", columns, rows: tables.benchmarks };
}

/** Energy of as many tokens by the first comparable model whose size is known; the grid does not matter for it. */
function estimated(tables: EcoTables, version: string, row: Benchmark): number | undefined {
  const model = row.models?.find((id) => tables.parameters.has(id));
  if (model === undefined || row.outputTokens === undefined) return undefined;
  const usage = {
    input: { fresh: row.inputTokens ?? 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: row.outputTokens, reasoning: 0 },
    raw: null,
  };
  const grid = { gPerKwh: 0, zone: "", year: 0, basis: "mixed" as const, rows: [] };
  return estimate(tables, version, { model, usage, grid })?.block.energy_wh;
}
