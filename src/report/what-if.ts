import type { Model } from "#src/catalog/model.ts";
import { findMethodology, whInterval } from "#src/eco/estimate.ts";
import type { EcoTables, Methodology } from "#src/eco/load.ts";
import { baseVersion } from "#src/eco/measured.ts";
import type { ModelParameters } from "#src/eco/methodology.ts";
import type { UsageRow } from "#src/ledger/rollups.ts";

/** What is asked of the recorded traffic. */
export const scenarios = ["cleanest_region", "smaller_sibling", "prompt_cache"] as const;
export type Scenario = (typeof scenarios)[number];

/** Why recorded requests are left out of a scenario. */
export const reasons = {
  no_estimate: "The requests have no estimate that could be changed",
  measured: "The operator measured its own machines: their figure is theirs alone",
  key_gone: "The key was deleted, and with it what it allowed",
  no_route: "The model cannot be called here now with this key",
  no_known_grid: "No allowed place of this model is published with a known grid",
  unlike_grids:
    "The grids of the allowed places are counted direct, the recorded one with its life cycle: theirs is no smaller for that",
  methodology_gone: "The methodology of the record is not known any more",
  model_gone: "The model, or its size, is not in the catalogue any more",
  no_family: "The catalogue names no family of this model",
  smallest: "No smaller model of the same author and family is in the catalogue",
  not_served_there: "No smaller sibling may be called at the same provider and region",
  no_cache_tokens: "The records hold no cached token: whether prompts repeated is not kept",
  cache_not_weighed:
    "The methodology counts a token from a cache as any other of the prompt, or counts no prompt: what the cache saved is not known",
  too_many: "More combinations than are looked at: fewer days or a filter reach them",
} as const;
export type Reason = keyof typeof reasons;

/** Where something was or would be served. */
export interface Spot {
  model: string;
  provider: string;
  region: string;
}

/** Whether a grid's figure includes building and fuel, or what leaves the stack alone. */
export type GridBasis = "lifecycle" | "direct" | "mixed";

/** A place where a key may be served with a model, as things stand now. */
export interface Way {
  provider: string;
  region: string;
  /** g CO2e per kWh, annual average; absent when unknown. */
  gPerKwh: number | undefined;
  /** What that counts; absent when unknown. */
  basis?: GridBasis | undefined;
  /** The place is published or the operator's own word, and neither assumed nor undisclosed. */
  isKnown: boolean;
  /** The operator measured its energy there. */
  isMeasured: boolean;
}

/** A model with what it takes to find its siblings. */
export type Kin = Pick<Model, "id" | "author" | "family" | "kind" | "status" | "capabilities">;

/** What scenarios are worked out from, besides the records. */
export interface WhatIfKit {
  tables: EcoTables;
  models: readonly Kin[];
  /** Where a key may be served with a model; undefined where the key is not known any more. */
  waysOf(key: string, model: string): readonly Way[] | undefined;
  /** What the grid figure of a place counts under a methodology; undefined where it is not known. */
  basisAt(provider: string, region: string, version: string): GridBasis | undefined;
}

/** Energy in Wh, carbon in g CO2e. */
export interface Footprint {
  energyWh: number;
  carbonG: number;
}

/** Requests that were alike, and what would have become of them. */
export interface WhatIfLine {
  from: Spot;
  methodology: string;
  requests: number;
  recorded: Footprint;
  /** Absent where they are left out, for `reason`. */
  to?: Spot;
  after?: Footprint;
  reason?: Reason;
  /** What the sibling cannot do and the model can. */
  lacks?: readonly string[];
  /** Tokens that were read from a cache. */
  cacheRead?: number;
}

/** One scenario over all that was asked about. */
export interface WhatIf {
  scenario: Scenario;
  /** Requests that it covers; of them, those that it changes. */
  covered: number;
  changed: number;
  /** Of the covered requests: as they are recorded, and as they would have been. */
  recorded: Footprint;
  after: Footprint;
  /** What it covers, the largest change first. */
  lines: readonly WhatIfLine[];
  /** What it leaves out, the most requests first. */
  left: readonly WhatIfLine[];
}

/** What a row of totals becomes in a scenario. */
export type Verdict =
  | { reason: Reason }
  | { to: Spot; after: Footprint; lacks?: readonly string[]; cacheRead?: number };

/** A row that has an estimate. */
export interface Estimated {
  row: UsageRow;
  from: Spot;
  key: string;
  /** The bundled methodology behind it. */
  version: string;
}

/** What an estimate was made with, as far as it is still known. */
export interface Making {
  methodology: Methodology;
  parameters: ModelParameters;
}

export type Judgement = (kit: WhatIfKit, one: Estimated) => Verdict;

/** Where a row was served. */
export function spotOf({ model = "", provider = "", region = "" }: UsageRow): Spot {
  return { model, provider, region };
}

/** Energy of a counted token by a methodology, Wh: the middle that is published. */
export function whOf(methodology: Methodology, parameters: ModelParameters): number {
  return whInterval(methodology, parameters).mid;
}

/** Middle of the interval of active parameters, in billions. */
export function activeOf({ activeB }: ModelParameters): number {
  return (activeB.min + activeB.max) / 2;
}

/** A scenario being worked out, row by row. */
export interface Tally {
  add(row: UsageRow): void;
  whole(): WhatIf;
}

/**
 * Works a scenario out over totals by key, model, provider, region and methodology: every row is covered or left out with
 * a reason, so that the requests of both add up to those of the rows.
 */
export function tallyOf(scenario: Scenario, judge: Judgement, kit: WhatIfKit): Tally {
  const lines = new Map<string, WhatIfLine>();
  const sums = { covered: 0, changed: 0 };
  const recorded: Footprint = { energyWh: 0, carbonG: 0 };
  const after: Footprint = { energyWh: 0, carbonG: 0 };
  return {
    add(row) {
      const line = lineOf(row, verdictOf(row, judge, kit));
      merge(lines, line);
      if (line.after === undefined) return;
      sums.covered += line.requests;
      if (isChange(line)) sums.changed += line.requests;
      add(recorded, line.recorded);
      add(after, line.after);
    },
    whole() {
      const all = [...lines.values()];
      const change = ({ recorded: was, after: is }: WhatIfLine) =>
        Math.abs(was.carbonG - (is?.carbonG ?? was.carbonG));
      return {
        scenario,
        ...sums,
        recorded,
        after,
        lines: all
          .filter((line) => line.after !== undefined)
          .toSorted((a, b) => change(b) - change(a) || b.requests - a.requests),
        left: all
          .filter((line) => line.after === undefined)
          .toSorted((a, b) => b.requests - a.requests),
      };
    },
  };
}

function verdictOf(row: UsageRow, judge: Judgement, kit: WhatIfKit): Verdict {
  const { methodology: version = "", key = "" } = row;
  if (version === "") return { reason: "no_estimate" };
  const { version: base, measured } = baseVersion(version);
  if (measured) return { reason: "measured" };
  return judge(kit, { row, from: spotOf(row), key, version: base });
}

/** Methodology and size behind a row, or the reason why they are not known any more. */
export function makingOf({ tables }: WhatIfKit, { version, from }: Estimated): Making | Reason {
  const methodology = findMethodology(tables, version);
  const parameters = tables.parameters.get(from.model);
  if (methodology === undefined) return "methodology_gone";
  return parameters === undefined ? "model_gone" : { methodology, parameters };
}

function lineOf(row: UsageRow, verdict: Verdict): WhatIfLine {
  return {
    from: spotOf(row),
    methodology: row.methodology ?? "",
    requests: row.requests,
    recorded: { energyWh: row.energyWh, carbonG: row.carbonG },
    ...verdict,
  };
}

/** Whether requests would have been served elsewhere, or would have another figure. */
function isChange({ from, to, recorded, after }: WhatIfLine): boolean {
  if (to === undefined || after === undefined) return false;
  const isElsewhere =
    from.model !== to.model || from.provider !== to.provider || from.region !== to.region;
  return isElsewhere || recorded.energyWh !== after.energyWh;
}

/** Lines that differ in the key alone are one. */
function merge(lines: Map<string, WhatIfLine>, line: WhatIfLine): void {
  const { from, to, methodology, reason } = line;
  const name = `${nameOf(from)}\n${methodology}\n${reason ?? ""}\n${to === undefined ? "" : nameOf(to)}`;
  const known = lines.get(name);
  if (known === undefined) {
    lines.set(name, line);
    return;
  }
  known.requests += line.requests;
  add(known.recorded, line.recorded);
  if (known.after !== undefined && line.after !== undefined) add(known.after, line.after);
  if (known.cacheRead !== undefined) known.cacheRead += line.cacheRead ?? 0;
}

function nameOf({ model, provider, region }: Spot): string {
  return `${model}\n${provider}\n${region}`;
}

function add(sum: Footprint, { energyWh, carbonG }: Footprint): void {
  sum.energyWh += energyWh;
  sum.carbonG += carbonG;
}
