import { isVariant } from "#src/catalog/find.ts";
import { loadCatalog } from "#src/catalog/load.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import { measurements } from "#src/config/measured.ts";
import { ecoOfModel, findMethodology } from "#src/eco/estimate.ts";
import { gridFor } from "#src/eco/grid.ts";
import { publishedTables } from "#src/eco/grid-licence.ts";
import { tablesFor, withImported } from "#src/eco/grid-table.ts";
import type { Grid } from "#src/eco/methodology.ts";
import { type EcoTables, loadEco } from "#src/eco/load.ts";
import { publishMethodologies, publishMethodology } from "#src/eco/publish.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { autoNameOf } from "#src/gateway/routing/automatic.ts";
import { createRouteTable, gridsOf } from "#src/gateway/routing/route-table.ts";
import type { CatalogServices } from "#src/http/catalog.ts";
import { type Grids, gridsOfFile } from "#src/imported-grids.ts";
import { type Clock, dayOf } from "#src/lib/clock.ts";
import { withConfigured } from "#src/provider/configured.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import { deployments } from "#src/provider/registry.ts";

/** What can be called, where, and with what footprint: bundled tables and configuration together, without a database. */
export interface Catalogue {
  routes: RouteTable;
  /** With the grid rows of the methodology that counts. */
  tables: EcoTables;
  /** The version that figures are made by. */
  methodology: string;
  /** Everywhere that the configuration and the environment lead to. */
  places: readonly Deployment[];
  /** What could be reached at other places. */
  tableOver(places: readonly Deployment[]): RouteTable;
  gridAt(place: Deployment): Grid | undefined;
  services: CatalogServices;
}

/**
 * Reads the bundled tables and finds out what the configuration makes routable; `grids` are those that were imported.
 * Throws ConfigError.
 */
export function createCatalogue(
  config: Config,
  clock: Clock,
  grids: Grids = gridsOfFile(config, clock),
): Catalogue {
  const { models, providers } = withConfigured(loadCatalog(), config);
  const stray = config.models.find(({ provider }) => !providers.some(({ id }) => id === provider));
  if (stray) {
    throw new ConfigError(
      `Cannot use the model "${stray.id}": its provider "${stray.provider}" is not known. Add [providers.${stray.provider}], or take one that "lowrouter provider list --all" shows`,
    );
  }
  const { methodology } = grids;
  const tables = tablesFor(withImported(loadEco(), grids.imported), methodology);
  if (findMethodology(tables, methodology) === undefined) {
    const known = tables.methodologies.map((record) => record.version).join(", ");
    throw new ConfigError(
      `Cannot use the methodology "${methodology}" of eco.methodology: known are ${known}`,
    );
  }
  const places = deployments(providers, config, clock);
  // Places come and go with the credentials that lead there.
  const gridAt = new WeakMap<Deployment, Grid>();
  const day = dayOf(clock.now());
  const measured = measurements(
    config,
    (id) =>
      providers.some((provider) => provider.id === id && provider.selfHosted === true) ||
      places.some(({ provider, basis }) => provider.id === id && basis === "operator-config"),
  );
  const tableOver = (deployments: readonly Deployment[]): RouteTable => {
    const known = gridsOf(deployments, tables);
    for (const [place, grid] of known) gridAt.set(place, grid);
    const { aliases } = config.routing;
    const shared = { models, providers, tables, methodology, day, aliases, measured };
    return createRouteTable({ ...shared, deployments, grids: known });
  };
  const published = publishedTables(tables);
  const placeOf = (provider: string, region: string) =>
    places.find((one) => one.provider.id === provider && one.region === region);
  function lookUp(from: EcoTables, provider: string, region: string): Grid | undefined {
    const place = placeOf(provider, region);
    const known = providers
      .find((one) => one.id === provider)
      ?.regions.find((one) => one.id === region);
    return gridFor(from, {
      provider,
      region,
      country: place === undefined ? known?.country : place.country,
      zone: place === undefined ? known?.gridZone : place.gridZone,
    });
  }
  const routes = tableOver(places);
  checkNames(config, routes);
  return {
    routes,
    tables,
    places,
    tableOver,
    gridAt: (place) => gridAt.get(place),
    methodology,
    services: {
      models,
      providers,
      ecoOfModel: (model) => ecoOfModel(tables, methodology, model),
      gridOf(provider, region, version = methodology) {
        const place = placeOf(provider, region);
        if (place && version === methodology) return gridAt.get(place);
        return lookUp(tablesFor(tables, version), provider, region);
      },
      publishedGridOf: (provider, region) => lookUp(published, provider, region),
      methodologies: () => publishMethodologies(tables),
      methodology: (version) => publishMethodology(tables, version),
    },
  };
}

/** Throws ConfigError for a name of the configuration that leads to no model, or to a variant that there is not. */
function checkNames({ routing }: Config, routes: RouteTable): void {
  const { aliases, fallbacks, defaultModel } = routing;
  for (const [name, model] of Object.entries(aliases))
    checkName(`routing.aliases."${name}"`, model, routes.find(model));
  const named = Object.entries(fallbacks).flatMap(([name, list]) =>
    (name === "*" ? list : [name, ...list]).map(
      (to) => [`routing.fallbacks."${name}"`, to] as const,
    ),
  );
  for (const [key, model] of [...named, ["routing.default_model", defaultModel] as const]) {
    const auto = autoNameOf(model);
    checkName(key, model, routes.find(model) ?? (auto && { variant: auto.suffix }));
  }
}

function checkName(
  key: string,
  model: string,
  found: { variant?: string | undefined } | undefined,
): void {
  if (found === undefined)
    throw new ConfigError(
      `Cannot use ${key}: "${model}" is no model of the catalogue. Add it under [[models]], or take one that "lowrouter model list" shows`,
    );
  if (found.variant === undefined || isVariant(found.variant)) return;
  throw new ConfigError(
    `Cannot use ${key}: "${model}" ends in no variant that is known. Take it away, or take :nitro, :floor, :free, :thinking or :extended`,
  );
}
