import type { Model } from "#src/catalog/model.ts";
import type { Benchmark } from "#src/eco/load.ts";
import { besides } from "#src/eco/grid-table.ts";
import type { ModelParameters } from "#src/eco/methodology.ts";
import { dayOf } from "#src/lib/clock.ts";
import type { Standing } from "#src/provider/health.ts";
import type { Bar } from "#src/web/charts/bar.tsx";
import { type Money, moneyOf } from "#src/web/public/money.ts";
import {
  type Interval,
  type Offer,
  offersOf,
  parametersOf,
  type Source,
  whPer1k,
} from "#src/web/public/offers.ts";

/** What the page of a model is made from. */
export interface ModelFacts {
  model: Model;
  offers: readonly Offer[];
  parameters: ModelParameters | undefined;
  /** Energy of 1,000 tokens under each methodology. */
  estimates: { version: string; isUsed: boolean; wh: Interval; includes: readonly string[] }[];
  byRegion: Bar[];
  measurements: readonly Benchmark[];
  standings: readonly Standing[];
  /** Day that the prices are of, UTC. */
  day: string;
  money: Money;
}

/** Everything that is known of a model; undefined for one that is not in the catalogue. */
export function factsOf(id: string, source: Source): ModelFacts | undefined {
  const { app, services } = source;
  const model = services.models.find((one) => one.id === id);
  if (model === undefined) return undefined;
  const offers = offersOf(model, source);
  return {
    model,
    offers,
    parameters: parametersOf(id, source),
    estimates: besides(services.tables, app.config.eco.methodology).flatMap(
      ({ version, includes }) => {
        const wh = model.kind === "embedding" ? undefined : whPer1k(id, source, version);
        return wh
          ? [{ version, isUsed: version === app.config.eco.methodology, wh, includes }]
          : [];
      },
    ),
    byRegion: barsOf(offers),
    measurements: services.tables.benchmarks.filter(({ models }) => models?.includes(id)),
    standings: app.health.all().filter((one) => one.model === id),
    day: dayOf(app.clock.now()),
    money: moneyOf(app.config.billing),
  };
}

/** Regions are drawn by their cleanest provider: two of them in a region may stand on different grids. */
function barsOf(offers: readonly Offer[]): Bar[] {
  const bars = new Map<string, Bar>();
  for (const { region, carbon } of offers) {
    if (carbon === undefined) continue;
    const known = bars.get(region)?.value;
    if (known !== undefined && known <= carbon.mid) continue;
    bars.set(region, { label: region, value: carbon.mid, low: carbon.low, high: carbon.high });
  }
  return [...bars.values()].sort((a, b) => (a.value ?? 0) - (b.value ?? 0));
}
