import * as v from "valibot";
import benchmarksFile from "#data/benchmarks.json" with { type: "json" };
import datacentersFile from "#data/datacenters.json" with { type: "json" };
import ecologitsDatacenters from "#data/ecologits/datacenters.json" with { type: "json" };
import ecologitsParameters from "#data/ecologits/parameters.json" with { type: "json" };
import gridFile from "#data/grid.json" with { type: "json" };
import methodologiesFile from "#data/methodologies.json" with { type: "json" };
import parametersFile from "#data/parameters.json" with { type: "json" };
import regionsFile from "#data/regions.json" with { type: "json" };
import type { GridTable } from "#src/eco/grid-table.ts";
import type { GridRow, ModelParameters } from "#src/eco/methodology.ts";

const day = v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}$/, "a day, YYYY-MM-DD"));
const text = v.pipe(v.string(), v.minLength(1));
const sourced = { source: text, licence: text, read: day };
const positive = v.pipe(v.number(), v.minValue(0));
const interval = v.pipe(
  v.strictObject({ min: positive, max: positive }),
  v.check(({ min, max }) => min <= max, "an interval whose min is at most its max"),
);

const parameters = v.strictObject({
  model: text,
  architecture: v.picklist(["dense", "moe", "unknown"]),
  activeB: interval,
  totalB: interval,
  accuracy: v.picklist(["accurate", "medium", "gross"]),
  origin: text,
  note: v.optional(text),
  ...sourced,
});
const gridRow = v.strictObject({
  zone: text,
  kind: text,
  iso2: v.optional(text),
  name: text,
  gPerKwh: positive,
  year: v.number(),
  series: text,
  basis: v.picklist(["lifecycle", "direct"]),
  scope: v.picklist(["production", "consumption", "generation", "unstated"]),
  sourceUrl: text,
  note: v.optional(text),
  ...sourced,
});
const region = v.strictObject({
  id: text,
  countries: v.array(v.strictObject({ iso2: text, millions: positive })),
  ...sourced,
});
const datacenter = v.strictObject({
  provider: text,
  sites: text,
  zone: v.optional(text),
  pueMin: v.optional(positive),
  pueMax: v.optional(positive),
  year: v.optional(v.number()),
  note: v.optional(text),
  ...sourced,
});
const common = {
  version: text,
  title: text,
  units: text,
  weights: v.strictObject({ completion: positive, freshPrompt: positive, cachedPrompt: positive }),
  includes: v.array(text),
  excludes: v.array(text),
  ...sourced,
};
const methodology = v.variant("formula", [
  v.strictObject({
    ...common,
    formula: v.literal("linear"),
    coefficients: v.strictObject({ alpha: positive, beta: positive }),
  }),
  v.strictObject({
    ...common,
    formula: v.literal("mlenergy"),
    coefficients: v.strictObject({
      energyAlpha: positive,
      energyBeta: v.number(),
      energyGamma: positive,
      latencyAlpha: positive,
      latencyBeta: positive,
      latencyGamma: positive,
      batch: positive,
      bits: positive,
      memoryOverhead: positive,
      gpuMemoryGb: positive,
      gpusPerServer: positive,
      serverKw: positive,
      pue: positive,
    }),
  }),
]);
const benchmark = v.strictObject({
  id: text,
  /** Whose figure it is, in the publication's words. */
  model: text,
  /** Catalogue models that it is comparable with. */
  models: v.optional(v.array(text)),
  what: text,
  inputTokens: v.optional(positive),
  outputTokens: v.optional(positive),
  energyWh: v.optional(positive),
  carbonG: v.optional(positive),
  scope: v.string(),
  kind: v.string(),
  year: v.optional(v.number()),
  sourceUrl: text,
  note: v.optional(text),
  ...sourced,
});

export type Methodology = v.InferOutput<typeof methodology> & {
  /** Name of the imported grid table that it stands on; absent on the bundled one. */
  grid?: string;
};
export type LinearMethodology = Extract<Methodology, { formula: "linear" }>;
export type MlenergyMethodology = Extract<Methodology, { formula: "mlenergy" }>;
export type Datacenter = v.InferOutput<typeof datacenter>;
export type RegionRow = v.InferOutput<typeof region>;
export type Benchmark = v.InferOutput<typeof benchmark>;

/** Every table that an estimate is made from. */
export interface EcoTables {
  methodologies: Methodology[];
  parameters: Map<string, ModelParameters>;
  zones: Map<string, GridRow>;
  /** The rows that come with this program, whatever table `zones` is of. */
  bundled: Map<string, GridRow>;
  /** Grid tables that the operator brought, by name; see tablesFor(). */
  imported: ReadonlyMap<string, GridTable>;
  /** ISO 3166 alpha-2 to zone. */
  countries: Map<string, string>;
  regions: Map<string, RegionRow>;
  datacenters: Map<string, Datacenter>;
  benchmarks: Benchmark[];
}

/** Reads and checks the bundled tables. Throws naming the row that lacks a source or breaks the schema. */
export function loadEco(): EcoTables {
  const zones = checkRows("data/grid.json", gridRow, gridFile.zones);
  const known = [
    ...checkRows("data/ecologits/parameters.json", parameters, ecologitsParameters.parameters),
    ...checkRows("data/parameters.json", parameters, parametersFile.parameters),
  ];
  const sites = [
    ...checkRows("data/ecologits/datacenters.json", datacenter, ecologitsDatacenters.datacenters),
    ...checkRows("data/datacenters.json", datacenter, datacentersFile.datacenters),
  ];
  const bundled = index("data/grid.json", zones, (row) => row.zone);
  return {
    methodologies: checkRows(
      "data/methodologies.json",
      methodology,
      methodologiesFile.methodologies,
    ),
    parameters: index("the parameters", known, (row) => row.model),
    zones: bundled,
    bundled,
    imported: new Map(),
    countries: new Map(
      zones.flatMap((row) =>
        row.iso2 && row.kind === "country" ? [[row.iso2, row.zone] as const] : [],
      ),
    ),
    regions: index(
      "data/regions.json",
      checkRows("data/regions.json", region, regionsFile.regions),
      (row) => row.id,
    ),
    datacenters: index("the data centres", sites, (row) => row.provider),
    benchmarks: checkRows("data/benchmarks.json", benchmark, benchmarksFile.measurements),
  };
}

/** Rows of a data file, each checked. Throws naming file, row and member. */
export function checkRows<T extends v.GenericSchema>(
  file: string,
  schema: T,
  rows: readonly unknown[],
): v.InferOutput<T>[] {
  return rows.map((row, index) => {
    const parsed = v.safeParse(schema, row, { abortEarly: true });
    if (parsed.success) return parsed.output;
    const [issue] = parsed.issues;
    throw new Error(
      `Cannot load ${file}: row ${nameOf(row) ?? index}, ${v.getDotPath(issue) ?? "row"}: ${issue.message}`,
    );
  });
}

/** Rows by a key of theirs. Throws for a key that two rows have: one of them would be lost without a word. */
export function index<T>(
  what: string,
  rows: readonly T[],
  keyOf: (row: T) => string,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const row of rows) {
    const key = keyOf(row);
    if (found.has(key)) throw new Error(`Cannot load ${what}: "${key}" has two rows`);
    found.set(key, row);
  }
  return found;
}

/** Schemas by the file they check, for the test that every row has a source. */
export const rowSchemas = { parameters, gridRow, region, datacenter, methodology, benchmark };

function nameOf(row: unknown): string | undefined {
  if (typeof row !== "object" || row === null) return undefined;
  for (const member of ["id", "model", "provider", "zone", "version"]) {
    const value: unknown = Reflect.get(row, member);
    if (typeof value === "string") return `"${value}"`;
  }
  return undefined;
}
