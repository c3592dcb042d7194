import { loadCatalog } from "#src/catalog/load.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import { ecoOfModel, findMethodology } from "#src/eco/estimate.ts";
import { gridFor } from "#src/eco/grid.ts";
import { type EcoTables, loadEco } from "#src/eco/load.ts";
import { publishMethodologies, publishMethodology } from "#src/eco/publish.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { createRouteTable, type Grids, gridsOf } from "#src/gateway/route-table.ts";
import type { CatalogServices } from "#src/http/catalog.ts";
import { type Clock, dayOf } from "#src/lib/clock.ts";
import { deployments, withConfigured } from "#src/provider/registry.ts";

/** What can be called, where, and with what footprint: bundled tables and configuration together, without a database. */
export interface Catalogue {
  routes: RouteTable;
  tables: EcoTables;
  grids: Grids;
  services: CatalogServices;
}

/** Reads the bundled tables and finds out what the configuration makes routable. Throws ConfigError. */
export function createCatalogue(config: Config, clock: Clock): Catalogue {
  const { models, providers } = withConfigured(loadCatalog(), config);
  const stray = config.models.find(({ provider }) => !providers.some(({ id }) => id === provider));
  if (stray) {
    throw new ConfigError(
      `Cannot use the model "${stray.id}": its provider "${stray.provider}" is not known. Add [providers.${stray.provider}], or take one that "lowrouter provider list --all" shows`,
    );
  }
  const tables = loadEco();
  const { methodology } = config.eco;
  if (findMethodology(tables, methodology) === undefined) {
    const known = tables.methodologies.map((record) => record.version).join(", ");
    throw new ConfigError(
      `Cannot use the methodology "${methodology}" of eco.methodology: known are ${known}`,
    );
  }
  const places = deployments(providers, config, clock);
  const grids = gridsOf(places, tables);
  const day = dayOf(clock.now());
  const routes = createRouteTable({
    models,
    providers,
    deployments: places,
    tables,
    grids,
    methodology,
    day,
  });
  return {
    routes,
    tables,
    grids,
    services: {
      models,
      providers,
      ecoOfModel: (model) => ecoOfModel(tables, methodology, model),
      gridOf(provider, region) {
        const place = places.find((one) => one.provider.id === provider && one.region === region);
        if (place) return grids.get(place);
        const known = providers
          .find((one) => one.id === provider)
          ?.regions.find((one) => one.id === region);
        return gridFor(tables, {
          provider,
          region,
          country: known?.country,
          zone: known?.gridZone,
        });
      },
      methodologies: () => publishMethodologies(tables),
      methodology: (version) => publishMethodology(tables, version),
    },
  };
}
