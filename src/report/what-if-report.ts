import type { RollupAnswer, Totals } from "#src/ledger/rollups.ts";
import { createBreath, mapInPieces } from "#src/lib/breath.ts";
import { noTotals } from "#src/report/totals.ts";
import type { UsageFilter, UsageReader } from "#src/report/usage.ts";
import {
  reasons,
  type Scenario,
  scenarios,
  type WhatIf,
  type WhatIfKit,
  type WhatIfLine,
} from "#src/report/what-if.ts";
import { scenarioTally } from "#src/report/what-if-scenarios.ts";

/** Combinations of key, model, provider, region and methodology that are looked at, by carbon. */
export const mostCombinations = 20_000;

/** The frame of its own page is on its way meanwhile, in several turns. */
const shortPieceMs = 1;

/** Every scenario over the same records. */
export interface WhatIfReport {
  /** Everything that the filter picks, whatever is covered. */
  totals: Totals;
  scenarios: readonly WhatIf[];
}

/** Said beside every figure. */
export const whatIfLimits = [
  "An estimate from the recorded totals of requests that have one: no prompt is kept, and none is looked at.",
  "It says what the same tokens would have been; another model may write more or fewer of them, and other words.",
  "Where a request could go is what the key, its account and the operator allow today, not on the day of the request.",
  "Price, speed, context windows, precision and the quality of answers are not compared.",
] as const;

/** What each scenario is, and what it leaves as it was. */
export const scenarioWords: Record<Scenario, { title: string; about: string }> = {
  cleanest_region: {
    title: "On the cleanest grid that is allowed",
    about:
      "The same model with the same energy, at the place of lowest annual grid intensity among those that key and account may use. Places that are only assumed do not count, nor do those whose grid is counted direct where the recorded one is counted with its life cycle.",
  },
  smaller_sibling: {
    title: "On the next smaller model of the family",
    about:
      "As many tokens on the next model down, by active parameters, of the same author and family in the catalogue, at the same provider and region.",
  },
  prompt_cache: {
    title: "Without the prompt cache",
    about:
      "What the estimate would be had every token that was read from a cache been computed anew, for requests of a key, model and place of which some have cached tokens. Only of methodologies that give such tokens a weight of their own. What more caching could have done is not in the records, and nothing is said of it.",
  },
};

/** Reads the totals and works out every scenario over them. */
export async function whatIfReport(
  reader: UsageReader,
  filter: UsageFilter,
  kit: WhatIfKit,
): Promise<WhatIfReport> {
  const [found, sums] = await reader.ask(filter, [
    {
      groupBy: ["key", "model", "provider", "region", "methodology"],
      order: "carbon",
      limit: mostCombinations,
    },
    { groupBy: [], order: "place", limit: 1 },
  ]);
  const rows = found?.rows ?? [];
  const totals = sums?.rows[0] ?? noTotals;
  const breathe = createBreath(shortPieceMs);
  const made: WhatIf[] = [];
  for (const scenario of scenarios) {
    const tally = scenarioTally(scenario, kit);
    await mapInPieces(rows, breathe, (row) => tally.add(row));
    made.push(tally.whole());
  }
  return { totals, scenarios: isCut(found) ? made.map((one) => withRest(one, totals)) : made };
}

function isCut(found: RollupAnswer | undefined): boolean {
  return found !== undefined && found.count > found.rows.length;
}

/** The requests of combinations that were not looked at, so that covered and left out still are all. */
function withRest(one: WhatIf, totals: Totals): WhatIf {
  const all = [...one.lines, ...one.left];
  const sum = (of: (line: WhatIfLine) => number) =>
    all.reduce((total, line) => total + of(line), 0);
  const rest: WhatIfLine = {
    from: { model: "", provider: "", region: "" },
    methodology: "",
    requests: totals.requests - sum(({ requests }) => requests),
    recorded: {
      energyWh: totals.energyWh - sum(({ recorded }) => recorded.energyWh),
      carbonG: totals.carbonG - sum(({ recorded }) => recorded.carbonG),
    },
    reason: "too_many",
  };
  return { ...one, left: [...one.left, rest] };
}

/** The report as programs get it. Energy in Wh, carbon in g CO2e; negative savings are increases. */
export function whatIfRecord({ totals, scenarios: made }: WhatIfReport) {
  return {
    is_estimate: true,
    limits: whatIfLimits,
    requests: totals.requests,
    requests_without_estimate: totals.withoutEco,
    scenarios: made.map((one) => ({
      scenario: one.scenario,
      title: scenarioWords[one.scenario].title,
      about: scenarioWords[one.scenario].about,
      requests_covered: one.covered,
      requests_changed: one.changed,
      requests_left_out: one.left.reduce((sum, { requests }) => sum + requests, 0),
      recorded: footprintOf(one.covered, one.recorded),
      estimate: footprintOf(one.covered, one.after),
      methodology_versions: [...new Set(one.lines.map(({ methodology }) => methodology))].sort(),
      left_out: leftBy(one).map(({ reason, requests }) => ({
        reason,
        about: reasons[reason],
        requests,
      })),
    })),
  };
}

function footprintOf(covered: number, { energyWh, carbonG }: WhatIf["recorded"]) {
  // Of nothing there is no footprint, rather than one of nothing.
  return covered === 0
    ? { energy_wh: null, carbon_g: null }
    : { energy_wh: energyWh, carbon_g: carbonG };
}

/** Requests that a scenario leaves out, by reason, the most first. */
export function leftBy({ left }: Pick<WhatIf, "left">) {
  const sums = new Map<keyof typeof reasons, number>();
  for (const { reason, requests } of left) {
    if (reason !== undefined) sums.set(reason, (sums.get(reason) ?? 0) + requests);
  }
  return [...sums]
    .map(([reason, requests]) => ({ reason, requests }))
    .toSorted((a, b) => b.requests - a.requests);
}

/** Columns of the lines, in CSV and in JSON. */
export const whatIfColumns = [
  "scenario",
  "covered",
  "requests",
  "model",
  "provider",
  "region",
  "methodology_version",
  "energy_wh",
  "carbon_g",
  "to_model",
  "to_provider",
  "to_region",
  "estimated_energy_wh",
  "estimated_carbon_g",
  "cached_tokens",
  "sibling_lacks",
  "reason",
] as const;

/** Every line of every scenario. */
export function whatIfLines({ scenarios: made }: WhatIfReport): Record<string, unknown>[] {
  return made.flatMap((one) =>
    [...one.lines, ...one.left].map((line) => lineRecord(one.scenario, line)),
  );
}

function lineRecord(scenario: Scenario, line: WhatIfLine): Record<string, unknown> {
  const { from, to, after, recorded, methodology, lacks } = line;
  const isKnown = methodology !== "";
  return {
    scenario,
    covered: after !== undefined,
    requests: line.requests,
    model: from.model || null,
    provider: from.provider || null,
    region: from.region || null,
    methodology_version: methodology || null,
    energy_wh: isKnown ? recorded.energyWh : null,
    carbon_g: isKnown ? recorded.carbonG : null,
    to_model: to?.model ?? null,
    to_provider: to?.provider ?? null,
    to_region: to?.region ?? null,
    estimated_energy_wh: after?.energyWh ?? null,
    estimated_carbon_g: after?.carbonG ?? null,
    cached_tokens: line.cacheRead ?? null,
    sibling_lacks: lacks === undefined ? null : lacks.join(" "),
    reason: line.reason ?? null,
  };
}
