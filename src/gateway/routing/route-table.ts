import { createFinder } from "#src/catalog/find.ts";
import type { Model, Provider } from "#src/catalog/model.ts";
import { pricesOn } from "#src/catalog/price.ts";
import { ecoOfModel } from "#src/eco/estimate.ts";
import { scopeOf } from "#src/eco/explain.ts";
import { gridFor } from "#src/eco/grid.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { Measured } from "#src/eco/measured.ts";
import type { Grid } from "#src/eco/methodology.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { europeanCountries } from "#src/gateway/routing/europe.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";
import { endpointAt } from "#src/provider/registry.ts";

/** The grid of each deployment, looked up once. */
export type Grids = ReadonlyMap<Deployment, Grid>;

/** Grid of every deployment for which it is known. */
export function gridsOf(deployments: readonly Deployment[], tables: EcoTables): Grids {
  return new Map(
    deployments.flatMap((deployment) => {
      const grid = gridFor(tables, {
        provider: deployment.provider.id,
        region: deployment.region,
        country: deployment.country,
        zone: deployment.gridZone,
      });
      return grid ? [[deployment, grid] as const] : [];
    }),
  );
}

/** Every way each model can be served, with the figures that routing weighs. Made once; prices are those of the day. */
export function createRouteTable(options: {
  models: readonly Model[];
  providers: readonly Provider[];
  deployments: readonly Deployment[];
  tables: EcoTables;
  grids: Grids;
  methodology: string;
  day: string;
  /** Names of the operator's own, each with the model it means. */
  aliases?: Readonly<Record<string, string>> | undefined;
  /** What the operator measured of a model at a provider. */
  measured?(model: string, provider: string): Measured | undefined;
}): RouteTable {
  const { models, providers, deployments, tables, grids, methodology, day } = options;
  const routes = new Map<Model, Route[]>();
  for (const model of models) {
    const eco = ecoOfModel(tables, methodology, model.id);
    const found = deployments.flatMap((deployment): Route[] => {
      const endpoint = endpointAt(model, deployment);
      if (endpoint === undefined) return [];
      const grid = grids.get(deployment);
      const row = pricesOn(endpoint, day);
      const measured = options.measured?.(model.id, deployment.provider.id);
      const whPer1k = measured ? measured.whPer1kTokens * measured.pue : eco?.energyWhPer1kTokens;
      return [
        {
          model,
          endpoint,
          deployment,
          gridGPerKwh: grid?.gPerKwh,
          gridCounts: grid && { basis: grid.basis, scope: scopeOf(grid) },
          carbonPer1k: whPer1k !== undefined && grid ? (whPer1k * grid.gPerKwh) / 1000 : undefined,
          measured,
          activeB: eco?.activeParamsB,
          price: row && { input: Number(row.input), output: Number(row.output) },
          zone: zoneOf(deployment, tables),
        },
      ];
    });
    if (found.length > 0) routes.set(model, found);
  }
  const routable = [...routes.keys()].filter(
    (model) => model.kind === "chat" && model.status !== "deprecated",
  );
  const size = (model: Model): number =>
    routes.get(model)?.[0]?.activeB ?? Number.POSITIVE_INFINITY;
  const price = (model: Model): number =>
    Math.min(
      ...(routes.get(model) ?? []).map((route) =>
        route.price ? route.price.input + route.price.output : Number.POSITIVE_INFINITY,
      ),
    );
  const ascending = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
  return {
    models,
    find: createFinder(models, options.aliases),
    of: (model) => routes.get(model) ?? [],
    smallest: routable.toSorted(
      (a, b) =>
        ascending(size(a), size(b)) || ascending(price(a), price(b)) || a.id.localeCompare(b.id),
    ),
    cheapest: routable.toSorted(
      (a, b) => ascending(price(a), price(b)) || ascending(size(a), size(b)),
    ),
    deployments,
    regions: new Set([
      ...tables.regions.keys(),
      ...providers.flatMap((provider) => provider.regions.map((region) => region.id)),
      ...deployments.map((deployment) => deployment.region),
    ]),
    countries: new Set([
      ...tables.countries.keys(),
      ...europeanCountries,
      ...deployments.flatMap(({ country }) => country ?? []),
    ]),
    zones: new Map([
      ...tables.countries,
      ...[...tables.zones.keys()].map((id) => [id, id] as const),
    ]),
    providers: new Set(providers.map((provider) => provider.id)),
    anyProvider: deployments.length > 0,
  };
}

/** The one zone that a deployment stands in. A region's mean, or a default that is assumed, is no zone. */
function zoneOf({ gridZone, country }: Deployment, tables: EcoTables): string | undefined {
  return gridZone ?? (country === undefined ? undefined : tables.countries.get(country));
}
