import { countedTokens, estimate } from "#src/eco/estimate.ts";
import { gpuCount, whPerToken } from "#src/eco/energy.ts";
import type { Benchmark, EcoTables, Methodology, MlenergyMethodology } from "#src/eco/load.ts";
import type { MeasuredGpu } from "#src/eco/measured-gpus.ts";
import type { ModelParameters } from "#src/eco/methodology.ts";

/** How far estimates lie from published figures: each ratio is the estimate by the published one. */
export interface Spread {
  rows: number;
  /** Geometric mean: 2 is as far as 0.5. */
  mean: number;
  least: number;
  most: number;
}

/** Rows of one kind, with a spread for each methodology in its order. */
export interface AccuracyClass {
  name: string;
  /** What the published figures include. */
  scope: string;
  spreads: readonly (Spread | undefined)[];
}

/** Every figure of the page on accuracy; all computed from the tables. */
export interface Accuracy {
  versions: readonly string[];
  /** GPU energy of an output token at a batch, by active parameters and by precision of the weights. */
  bySize: readonly AccuracyClass[];
  byPrecision: readonly AccuracyClass[];
  /** Published figures of whole requests, by who says so and what is in them. */
  published: readonly AccuracyClass[];
  fit: {
    /** Active and total parameters of what was measured, in billions. */
    activeB: readonly [number, number];
    totalB: readonly [number, number];
    gpus: readonly string[];
    /** Catalogue models with a known size, and those beyond what was measured. */
    known: number;
    smaller: number;
    larger: number;
  };
  /** An 8B model's Wh for a token at a batch of one, by that at the batch of the methodology. */
  batch: { batch: number; ratio: number } | undefined;
  /** GPUs for 671 billion parameters by the bits of a weight, as the formula counts them. */
  bits: readonly { bits: number; gpus: number; ratio: number }[];
  /** Of a request with 10,000 tokens in and 100 out: the estimate by that of the output alone. */
  prompt: readonly { version: string; ratio: number }[];
  pue: { used: number | undefined; least: number; most: number; providers: number };
}

const sizes: readonly [name: string, most: number][] = [
  ["up to 10 billion active", 10],
  ["10 to 40 billion active", 40],
  ["40 to 100 billion active", 100],
  ["over 100 billion active", Infinity],
];
const largeTotalB = 671;
const smallModel = { activeB: 8, totalB: 8 };

/** Computes it all. */
export function accuracyOf(tables: EcoTables, measured: readonly MeasuredGpu[]): Accuracy {
  const { methodologies } = tables;
  const current = methodologies.find((one) => one.formula === "mlenergy");
  return {
    versions: methodologies.map(({ version }) => version),
    bySize: sizes.flatMap(([name, most], at) => {
      const least = sizes[at - 1]?.[1] ?? 0;
      const some = measured.filter(({ activeB }) => activeB > least && activeB <= most);
      return some.length === 0 ? [] : [classOf(name, some, methodologies)];
    }),
    byPrecision: [...Map.groupBy(measured, ({ precision }) => precision)].map(([name, some]) =>
      classOf(name, some, methodologies),
    ),
    published: publishedClasses(tables),
    fit: fitOf([...tables.parameters.values()], measured),
    batch: current && batchOf(current),
    bits: current === undefined ? [] : bitsOf(current),
    prompt: methodologies.map((one) => ({ version: one.version, ratio: promptRatio(one) })),
    pue: pueOf(tables, current),
  };
}

function classOf(
  name: string,
  rows: readonly MeasuredGpu[],
  methodologies: readonly Methodology[],
): AccuracyClass {
  const batches = rows.map(({ batch }) => Math.round(batch));
  const [least, most] = [Math.min(...batches), Math.max(...batches)];
  return {
    name,
    scope: `GPUs alone, at ${least === most ? most : `${least} to ${most}`} requests at a time`,
    spreads: methodologies.map((one) =>
      spreadOf(rows.map((row) => whPerToken(one, row) / row.whPerOutputToken)),
    ),
  };
}

function spreadOf(ratios: readonly number[]): Spread | undefined {
  if (ratios.length === 0) return undefined;
  const logs = ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0);
  return {
    rows: ratios.length,
    mean: Math.exp(logs / ratios.length),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
  };
}

function publishedClasses(tables: EcoTables): AccuracyClass[] {
  const comparable = tables.benchmarks.filter((row) => estimatedWh(tables, 0, row) !== undefined);
  const classes = Map.groupBy(comparable, ({ source, kind }) => `${source} (${kind})`);
  return [...classes].map(([name, rows]) => ({
    name,
    scope: [...new Set(rows.map(({ scope }) => scope))].join("; "),
    spreads: tables.methodologies.map((_, at) =>
      spreadOf(
        rows.flatMap((row) => {
          const wh = estimatedWh(tables, at, row);
          return wh === undefined || wh === 0 || !row.energyWh ? [] : [wh / row.energyWh];
        }),
      ),
    ),
  }));
}

/** Energy of as many tokens by a comparable model whose size is known; undefined where there is nothing to compare. */
function estimatedWh(tables: EcoTables, at: number, row: Benchmark): number | undefined {
  const version = tables.methodologies[at]?.version;
  const model = row.models?.find((id) => tables.parameters.has(id));
  const { energyWh, outputTokens } = row;
  if (version === undefined || model === undefined) return undefined;
  if (outputTokens === undefined || energyWh === undefined) return undefined;
  const usage = usageOf(row.inputTokens ?? 0, outputTokens);
  const grid = { gPerKwh: 0, zone: "", year: 0, basis: "mixed" as const, rows: [] };
  return estimate(tables, version, { model, usage, grid })?.block.energy_wh;
}

function usageOf(fresh: number, visible: number) {
  return {
    input: { fresh, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible, reasoning: 0 },
    raw: null,
  };
}

function fitOf(
  parameters: readonly ModelParameters[],
  measured: readonly MeasuredGpu[],
): Accuracy["fit"] {
  const active = measured.map(({ activeB }) => activeB);
  const total = measured.map(({ totalB }) => totalB);
  const [least, most] = [Math.min(...active), Math.max(...active)];
  const mostTotal = Math.max(...total);
  return {
    activeB: [least, most],
    totalB: [Math.min(...total), mostTotal],
    gpus: [...new Set(measured.map(({ gpu }) => gpu))].sort(),
    known: parameters.length,
    smaller: parameters.filter(({ activeB }) => activeB.max < least).length,
    larger: parameters.filter(({ activeB, totalB }) => activeB.max > most || totalB.max > mostTotal)
      .length,
  };
}

function batchOf(methodology: MlenergyMethodology): Accuracy["batch"] {
  const { batch } = methodology.coefficients;
  const alone = { ...methodology, coefficients: { ...methodology.coefficients, batch: 1 } };
  return { batch, ratio: whPerToken(alone, smallModel) / whPerToken(methodology, smallModel) };
}

function bitsOf(methodology: MlenergyMethodology): Accuracy["bits"] {
  const size = { activeB: 37, totalB: largeTotalB };
  const used = whPerToken(methodology, size);
  return [16, 8, 4].map((bits) => {
    const coefficients = { ...methodology.coefficients, bits };
    const wh = whPerToken({ ...methodology, coefficients }, size);
    return { bits, gpus: gpuCount(coefficients, largeTotalB), ratio: used / wh };
  });
}

function promptRatio(methodology: Methodology): number {
  const whole = countedTokens(methodology, usageOf(10_000, 100));
  return whole / countedTokens(methodology, usageOf(0, 100));
}

function pueOf(tables: EcoTables, current: MlenergyMethodology | undefined): Accuracy["pue"] {
  const known = [...tables.datacenters.values()].flatMap(({ pueMin, pueMax, source }) =>
    // What we take for an operator's own machines nobody published.
    pueMin === undefined || pueMax === undefined || !source.includes("://")
      ? []
      : [{ pueMin, pueMax }],
  );
  return {
    used: current?.coefficients.pue,
    least: Math.min(...known.map(({ pueMin }) => pueMin)),
    most: Math.max(...known.map(({ pueMax }) => pueMax)),
    providers: known.length,
  };
}
