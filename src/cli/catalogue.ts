import { existsSync } from "node:fs";
import { type Catalogue, createCatalogue } from "#src/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { configOf } from "#src/cli/configuration.ts";
import type { Config } from "#src/config/load.ts";
import { type OpenedKey, openProviderKeys } from "#src/account/provider-keys.ts";
import { createKeyring } from "#src/gateway/keys/keyring.ts";
import { keyPlaceOf } from "#src/shared-keys.ts";
import { type Grids, gridsAt } from "#src/imported-grids.ts";
import type { CatalogView } from "#src/http/describe.ts";
import { systemClock } from "#src/lib/clock.ts";
import { healthAsTold } from "#src/provider/told-health.ts";
import { createInFlight, type InFlight } from "#src/provider/in-flight.ts";
import { type ToldHealth, toldHealth } from "#src/shared-health.ts";
import type { Store } from "#src/store/store.ts";
import { openStore } from "#src/store/open.ts";

/** The catalogue as a gateway with the same configuration would see it. Health is what running gateways told of it. */
export interface Shown extends Catalogue {
  config: Config;
  view: CatalogView;
}

/** Runs a command on what is routable. The database is only read, and only where there is one. */
export async function withCatalogue<T>(
  options: CommonOptions,
  work: (shown: Shown) => Promise<T> | T,
): Promise<T> {
  const read = configOf(options);
  const { standings, inFlight: busy, stored, grids } = await told(read);
  const catalogue = createCatalogue(read, systemClock, grids);
  const config = { ...read, eco: { ...read.eco, methodology: catalogue.methodology } };
  const keyring = createKeyring({
    providers: catalogue.services.providers,
    config,
    clock: systemClock,
    places: catalogue.places,
    tableOver: catalogue.tableOver,
    // "doctor" tells about those.
    onUnusable() {},
  });
  keyring.replace(stored);
  const health = healthAsTold(standings, systemClock);
  const inFlight = createInFlight((provider) => config.providers[provider]?.max_in_flight);
  const crowd: InFlight["crowd"] = (provider) => ({
    ...inFlight.crowd(provider),
    limit: config.providers[provider]?.max_in_flight,
    inFlight: busy.get(provider) ?? 0,
    waiting: 0,
    waited: 0,
    refused: 0,
  });
  const view = {
    routes: keyring.operators,
    health,
    inFlight: { ...inFlight, crowd },
    clock: systemClock,
    config,
  };
  return work({ ...catalogue, config, view });
}

/** What running gateways told; nothing where there is no database, or one of another version. */
async function told(config: Config): Promise<ToldHealth & { stored: OpenedKey[]; grids?: Grids }> {
  const none = { standings: [], inFlight: new Map<string, number>(), stored: [] };
  const { url, token, synchronous } = config.database;
  if (url.startsWith("file:") && !existsSync(url.slice("file:".length))) return none;
  try {
    const store = await openStore({ url, authToken: token, synchronous });
    try {
      const health = await toldHealth(store, systemClock.now());
      const grids = await gridsIn(store, config);
      return { ...health, stored: await storedKeys(store, config), ...(grids ? { grids } : {}) };
    } finally {
      store.close();
    }
  } catch {
    // The catalogue can be shown whatever state the database is in; "doctor" tells about that.
    return none;
  }
}

/** Imported tables; a fault of the file is said by the catalogue itself. */
async function gridsIn(store: Store, config: Config): Promise<Grids | undefined> {
  try {
    return await gridsAt(store, config, systemClock);
  } catch {
    return undefined;
  }
}

/** Keys that do not open are left out: "doctor" tells about those too. */
async function storedKeys(store: Store, config: Config): Promise<OpenedKey[]> {
  try {
    return await openProviderKeys(store, keyPlaceOf(config));
  } catch {
    return [];
  }
}

/** Grams or watt-hours for a table: three significant digits, an em dash where unknown. */
export function figure(value: number | null | undefined): string {
  return value === null || value === undefined ? "—" : String(Number(value.toPrecision(3)));
}
