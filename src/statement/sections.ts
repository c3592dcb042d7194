import { describeGrid, formulas, notMeasured } from "#src/eco/explain.ts";
import { findMethodology } from "#src/eco/estimate.ts";
import { gridFor } from "#src/eco/grid.ts";
import { tablesFor } from "#src/eco/grid-table.ts";
import type { EcoTables, Methodology } from "#src/eco/load.ts";
import { baseVersion } from "#src/eco/measured.ts";
import { type Breath, mapInPieces } from "#src/lib/breath.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { type Amount, allTokens, amountRecord, sumOf } from "#src/statement/amount.ts";
import type { Place, Tally } from "#src/statement/gather.ts";
import type { GridUse, Part, Section, Statement } from "#src/statement/statement.ts";
import { intervalOf } from "#src/statement/words.ts";

/** Names of accounts by their ids. */
export type AccountNames = ReadonlyMap<string, string>;

/**
 * What is added up: the places by one of their members. Largest carbon first, then most requests. With names of accounts by
 * these, too.
 */
export async function breakdown(
  tallies: readonly Tally[],
  names: AccountNames | undefined,
  breathe: Breath,
): Promise<Statement["by"]> {
  const partsBy = (some: readonly Tally[], nameOf: (place: Place) => string | undefined) =>
    partsOf(some, nameOf, breathe);
  const accounts = names && (await partsBy(tallies, ({ account }) => account));
  return {
    ...(accounts && { account: accounts.map((part) => withName(part, names)) }),
    model: await partsBy(tallies, ({ model }) => model),
    provider: await partsBy(tallies, ({ provider }) => provider),
    region: await partsBy(tallies, ({ region }) => region),
    accuracy: await partsBy(
      tallies.filter(({ place }) => place.reason === undefined),
      ({ accuracy }) => accuracy,
    ),
  };
}

function withName(part: Part, names: AccountNames): Part {
  const name = names.get(part.name ?? "");
  return name === undefined ? part : { ...part, account_name: name };
}

async function partsOf(
  tallies: readonly Tally[],
  nameOf: (place: Place) => string | undefined,
  breathe: Breath,
): Promise<Part[]> {
  const groups = Map.groupBy(tallies, ({ place }) => nameOf(place));
  const sums = await mapInPieces(groups, breathe, ([name, some]) => {
    const without = sumOf(some.flatMap((one) => (one.place.reason ? one.amount : [])));
    return { name: name ?? null, sum: sumOf(some.map(({ amount }) => amount)), without };
  });
  sums.sort((a, b) => compare(b.sum, a.sum) || ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
  return mapInPieces(sums, breathe, ({ name, sum, without }) => ({
    name,
    without_estimate: { requests: without.requests, tokens: allTokens(without) },
    ...amountRecord(sum),
  }));
}

function compare(a: Amount, b: Amount): number {
  if (a.carbon.value !== b.carbon.value) return a.carbon.value < b.carbon.value ? -1 : 1;
  return a.requests - b.requests;
}

/** A section for each methodology, in the order in which they came into use. */
export async function sectionsOf(
  tallies: readonly Tally[],
  tables: EcoTables,
  names: AccountNames | undefined,
  breathe: Breath,
): Promise<Section[]> {
  const groups = Map.groupBy(tallies, ({ place }) => place.methodology);
  const sections: { first: number; section: Section }[] = [];
  for (const [version, some] of groups) {
    if (version === undefined) continue;
    const by = await breakdown(some, names, breathe);
    const first = some.reduce((least, one) => Math.min(least, one.first), Infinity);
    sections.push({ first, section: sectionOf(version, some, tables, by) });
  }
  return sections
    .toSorted(
      (a, b) =>
        a.first - b.first ||
        (a.section.methodology_version < b.section.methodology_version ? -1 : 1),
    )
    .map(({ section }) => section);
}

function sectionOf(
  version: string,
  tallies: readonly Tally[],
  tables: EcoTables,
  by: Section["by"],
): Section {
  const { version: base, measured } = baseVersion(version);
  const record = findMethodology(tables, base);
  return {
    methodology_version: version,
    measured,
    first_request: rfc3339(tallies.reduce((least, { first }) => Math.min(least, first), Infinity)),
    last_request: rfc3339(tallies.reduce((most, { last }) => Math.max(most, last), 0)),
    methodology:
      record === undefined
        ? null
        : {
            version: record.version,
            source: record.source,
            licence: record.licence,
            read: record.read,
            ...(measured ? measuredRecord(base) : recordOf(record)),
          },
    interval: measured ? intervalOf.measured : intervalIn(tallies, tables, record),
    totals: amountRecord(sumOf(tallies.map(({ amount }) => amount))),
    by,
    parameters: measured ? [] : sizesOf(tallies, tables),
    // An imported table's rows are those of its own versions alone.
    grid: gridsOf(tallies, tablesFor(tables, base)),
    measurements: measurementsOf(tallies),
  };
}

/** What low and high are, with the overheads that they were made with. */
function intervalIn(
  tallies: readonly Tally[],
  tables: EcoTables,
  record: Methodology | undefined,
): string {
  const words = intervalOf[record?.formula ?? "unknown"];
  if (record?.formula !== "mlenergy") return words;
  const providers = [...new Set(tallies.flatMap(({ place }) => place.provider ?? []))].toSorted();
  const published = providers.flatMap((provider) => {
    const { pueMin, pueMax } = tables.datacenters.get(provider) ?? {};
    if (pueMin === undefined || pueMax === undefined) return [];
    return [`${provider} ${pueMin === pueMax ? pueMin : `${pueMin} to ${pueMax}`}`];
  });
  const list = published.length === 0 ? "" : `${published.join(", ")}; `;
  return `${words} Overheads: ${list}the methodology's own ${record.coefficients.pue}.`;
}

/** What is known of the sizes of the models. */
function sizesOf(tallies: readonly Tally[], { parameters }: EcoTables): Section["parameters"] {
  const models = [...new Set(tallies.flatMap(({ place }) => place.model ?? []))].toSorted();
  return models.flatMap((model) => {
    const known = parameters.get(model);
    if (known === undefined) return [];
    const { architecture, activeB, totalB, accuracy, source, licence, read } = known;
    const sizes = { active_b: { ...activeB }, total_b: { ...totalB } };
    return [{ model, architecture, ...sizes, accuracy, source, licence, read }];
  });
}

function recordOf(record: Methodology) {
  const { title, coefficients, units, weights, includes, excludes, formula } = record;
  return { title, formula: formulas[formula], coefficients, units, weights, includes, excludes };
}

/** Of a measurement, the bundled methodology gives the grid table alone. */
function measuredRecord(base: string) {
  return {
    title: `The operator's own measurements, on the grid table of ${base}`,
    formula: [
      "energy_wh = wh_per_1k_tokens / 1000 * pue * total_tokens",
      "carbon_g = energy_wh * grid_g_per_kwh / 1000",
    ],
    coefficients: {},
    units: "energy of the machines in Wh for 1,000 tokens, prompt and completion alike",
    weights: {},
    includes: ["what the operator measured"],
    excludes: [...notMeasured],
    source: "the operator's configuration",
    licence: "the operator's",
  };
}

/** Each measurement that figures were made with. */
function measurementsOf(tallies: readonly Tally[]): Section["measurements"] {
  const groups = Map.groupBy(tallies, ({ place }) =>
    JSON.stringify([place.provider, place.model, place.measuredWhPer1k, place.measuredPue]),
  );
  return [...groups.values()].flatMap((some) => {
    const { provider, model, measuredWhPer1k, measuredPue = 1 } = some[0]?.place ?? {};
    if (measuredWhPer1k === undefined) return [];
    const { requests } = sumOf(some.map(({ amount }) => amount));
    const where = { provider: provider ?? null, model: model ?? null };
    return [{ ...where, wh_per_1k_tokens: measuredWhPer1k, pue: measuredPue, requests }];
  });
}

/** The grid values that the figures were made with, and the rows behind them. */
function gridsOf(tallies: readonly Tally[], tables: EcoTables): GridUse[] {
  const groups = Map.groupBy(
    tallies,
    ({ place: { gridZone = "", gridGPerKwh = 0 } }) => `${gridZone}\n${gridGPerKwh}`,
  );
  return [...groups.values()]
    .map((some) => {
      const { gridZone = "", gridGPerKwh = 0 } = some[0]?.place ?? {};
      const { requests, energy, carbon } = sumOf(some.map(({ amount }) => amount));
      return {
        ...rowsBehind(tables, gridZone, gridGPerKwh),
        requests,
        energy_pwh: String(energy.value),
        carbon_pg: String(carbon.value),
      };
    })
    .toSorted((a, b) => (a.zone === b.zone ? a.g_per_kwh - b.g_per_kwh : a.zone < b.zone ? -1 : 1));
}

type RowsBehind = Pick<GridUse, "zone" | "g_per_kwh" | "year" | "basis" | "rows" | "note">;

function rowsBehind(tables: EcoTables, zone: string, gPerKwh: number): RowsBehind {
  const isZone = tables.zones.has(zone);
  const known = gridFor(tables, {
    provider: "",
    ...(isZone ? { region: "", zone } : { region: zone }),
  });
  if (known === undefined || known.gPerKwh !== gPerKwh)
    return {
      zone,
      g_per_kwh: gPerKwh,
      year: null,
      basis: null,
      rows: [],
      note:
        known === undefined
          ? "The zone is not in the table of the version that made this statement; the value is as it was recorded"
          : `The table of the version that made this statement has ${known.gPerKwh} for this zone; the value here is as it was recorded`,
    };
  const { year, basis, rows } = describeGrid(known);
  return { zone, g_per_kwh: gPerKwh, year, basis, rows, note: null };
}
