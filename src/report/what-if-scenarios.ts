import {
  activeOf,
  type Estimated,
  type GridBasis,
  type Judgement,
  type Kin,
  makingOf,
  type Scenario,
  type Tally,
  tallyOf,
  type Verdict,
  type Way,
  type WhatIfKit,
  whOf,
} from "#src/report/what-if.ts";

/** Records are rounded to whole picograms, each once, and sums of fractions differ by little more: that is no cleaner place. */
const gramsOfRounding = 1e-11;
const rounding = 1e-9;

/**
 * The same model at the place of the cleanest grid among those that the key and its account may use. Energy stays what
 * was recorded: the methodologies do not know places. What is cleanest where it was, or cleaner on record, stays there. A
 * figure that counts less than the recorded one is no smaller for that, and is not compared with it.
 */
function cleanestRegion(kit: WhatIfKit, { row, from, key, version }: Estimated): Verdict {
  const ways = kit.waysOf(key, from.model);
  if (ways === undefined) return { reason: "key_gone" };
  if (ways.length === 0) return { reason: "no_route" };
  const recorded = { energyWh: row.energyWh, carbonG: row.carbonG };
  const recordedBasis = kit.basisAt(from.provider, from.region, version);
  const best = cleanestOf(ways.filter(({ basis }) => countsAsMuch(basis, recordedBasis)));
  if (best === undefined)
    return { reason: cleanestOf(ways) === undefined ? "no_known_grid" : "unlike_grids" };
  const carbonG = (row.energyWh * best.gPerKwh) / 1000;
  const isHere = best.provider === from.provider && best.region === from.region;
  const least = row.carbonG * (1 - rounding) - row.requests * gramsOfRounding;
  if (isHere || carbonG >= least) return { to: from, after: recorded };
  const { provider, region } = best;
  return { to: { ...from, provider, region }, after: { energyWh: row.energyWh, carbonG } };
}

/** Whether a figure counts all that another does, so that it is less indeed where it is less. */
function countsAsMuch(basis: GridBasis | undefined, other: GridBasis | undefined): boolean {
  return basis === undefined || other === undefined || basis === "lifecycle" || basis === other;
}

/** Of places that are as clean, the first by name. */
function cleanestOf(ways: readonly Way[]): (Way & { gPerKwh: number }) | undefined {
  let best: (Way & { gPerKwh: number }) | undefined;
  for (const way of ways) {
    const { gPerKwh } = way;
    if (gPerKwh === undefined || !way.isKnown || way.isMeasured) continue;
    if (best !== undefined && (gPerKwh > best.gPerKwh || !isBefore(way, best, gPerKwh))) continue;
    best = { ...way, gPerKwh };
  }
  return best;
}

function isBefore(way: Way, best: Way, gPerKwh: number): boolean {
  if (gPerKwh !== best.gPerKwh) return true;
  return `${way.provider}/${way.region}` < `${best.provider}/${best.region}`;
}

/**
 * The next smaller model of the same author and family, by active parameters, that the key may call at the same provider
 * and region: on the same grid, with as many tokens, energy and carbon are the recorded ones by the ratio of both sizes.
 */
function smallerSibling(kit: WhatIfKit, one: Estimated): Verdict {
  const { row, from, key } = one;
  const making = makingOf(kit, one);
  if (typeof making === "string") return { reason: making };
  const { methodology, parameters } = making;
  const model = kit.models.find(({ id }) => id === from.model);
  if (model === undefined) return { reason: "model_gone" };
  if (model.family === undefined) return { reason: "no_family" };
  const whPerToken = whOf(methodology, parameters);
  const smaller = siblingsOf(model, kit).flatMap((kin) => {
    const size = kit.tables.parameters.get(kin.id);
    if (size === undefined || activeOf(size) >= activeOf(parameters)) return [];
    const ratio = whOf(methodology, size) / whPerToken;
    return ratio < 1 ? [{ kin, ratio, active: activeOf(size) }] : [];
  });
  if (smaller.length === 0) return { reason: "smallest" };
  if (kit.waysOf(key, from.model) === undefined) return { reason: "key_gone" };
  const next = smaller
    .toSorted((a, b) => b.active - a.active || (a.kin.id < b.kin.id ? -1 : 1))
    .find(({ kin }) =>
      kit
        .waysOf(key, kin.id)
        ?.some(({ provider, region }) => provider === from.provider && region === from.region),
    );
  if (next === undefined) return { reason: "not_served_there" };
  const { kin, ratio } = next;
  return {
    to: { ...from, model: kin.id },
    after: { energyWh: row.energyWh * ratio, carbonG: row.carbonG * ratio },
    lacks: abilities.filter((name) => model.capabilities[name] && !kin.capabilities[name]),
  };
}

/** What requests may have used, and a sibling may lack. */
const abilities = [
  "tools",
  "structuredOutputs",
  "jsonMode",
  "reasoning",
  "vision",
  "pdf",
  "audio",
] as const;

function siblingsOf({ id, author, family, kind }: Kin, { models }: WhatIfKit): Kin[] {
  return models.filter(
    (one) =>
      one.id !== id &&
      one.author === author &&
      one.family === family &&
      one.kind === kind &&
      one.status !== "deprecated" &&
      one.status !== "superseded",
  );
}

/**
 * What the prompt cache changed, where the records hold cached tokens: the estimate had each token that was read from a
 * cache been computed anew. Exact by the weights of the methodology, and silent where it has none of its own for such tokens;
 * of prompts that might have repeated nothing is known.
 */
function promptCache(kit: WhatIfKit, one: Estimated): Verdict {
  const { row, from } = one;
  const making = makingOf(kit, one);
  if (typeof making === "string") return { reason: making };
  const { methodology, parameters } = making;
  const { cacheRead, cacheWrite5m, cacheWrite1h } = row;
  if (cacheRead + cacheWrite5m + cacheWrite1h === 0) return { reason: "no_cache_tokens" };
  const { freshPrompt, cachedPrompt } = methodology.weights;
  // No difference in the figures says nothing of the machines.
  if (freshPrompt === cachedPrompt) return { reason: "cache_not_weighed" };
  const more = (freshPrompt - cachedPrompt) * cacheRead * whOf(methodology, parameters);
  const gramsPerWh = row.energyWh === 0 ? 0 : row.carbonG / row.energyWh;
  return {
    to: from,
    after: { energyWh: row.energyWh + more, carbonG: row.carbonG + more * gramsPerWh },
    cacheRead,
  };
}

const judgements: Record<Scenario, Judgement> = {
  cleanest_region: cleanestRegion,
  smaller_sibling: smallerSibling,
  prompt_cache: promptCache,
};

/** What a scenario makes of totals by key, model, provider, region and methodology, row by row. */
export function scenarioTally(scenario: Scenario, kit: WhatIfKit): Tally {
  return tallyOf(scenario, judgements[scenario], kit);
}
