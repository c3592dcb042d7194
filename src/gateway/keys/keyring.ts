import type { Caller } from "#src/account/account.ts";
import type { ProviderKey, Secret } from "#src/account/provider-key.ts";
import type { Model, Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import type { App, RouteTable } from "#src/gateway/context.ts";
import { keyedTable } from "#src/gateway/keys/keyed-routes.ts";
import { allowsModel } from "#src/gateway/routing/allowed-models.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";
import { isProven } from "#src/provider/registry.ts";
import { storedPlaces } from "#src/provider/stored-places.ts";

/** What a keyring stands on. */
export interface Rings {
  providers: readonly Provider[];
  config: Config;
  clock: Clock;
  /** Places by configuration and environment. */
  places: readonly Deployment[];
  /** The table of what can be reached at some places. */
  tableOver(places: readonly Deployment[]): RouteTable;
  /** A stored key that its provider cannot use any more. */
  onUnusable(id: string, cause: ConfigError): void;
}

/** Stored credentials in memory, and what can be reached with them. */
export interface Keyring {
  /** What can be reached with the operator's credentials. */
  readonly operators: RouteTable;
  /** Puts these in the place of those before. */
  replace(keys: readonly { key: ProviderKey; secret: Secret }[]): void;
  /** The gateway as a caller sees it: with the account's own credentials. The same object as long as nothing changes. */
  seenBy(caller: Caller, app: App): App;
  /** A credential was taken. */
  used(id: string): void;
  /** Unix milliseconds of the last use, by id; of those used since it was asked last. */
  uses(): ReadonlyMap<string, number>;
}

/** An account's own key, with the places that it leads to. */
interface Own {
  key: ProviderKey;
  places: Deployment[];
}

/** Views that are kept at a time; beyond, all are made anew. */
const manySeen = 1000;

/** A keyring without stored keys. */
export function createKeyring(rings: Rings): Keyring {
  let operators = tableFor(rings.places, rings);
  let own = new Map<string, Own[]>();
  let seen = new Map<string, App>();
  // By the caller as the cache of keys keeps it, so that the hot path builds no name.
  let byCaller = new WeakMap<Caller, App>();
  let usedAt = new Map<string, number>();
  return {
    get operators() {
      return operators;
    },
    replace(keys) {
      const opened = keys.flatMap(({ key, secret }): Own[] => {
        if (key.disabled) return [];
        const places = placesOf(key, secret, rings);
        return places === undefined ? [] : [{ key, places }];
      });
      const stored = opened.flatMap(({ key, places }) => (key.accountId ? [] : places));
      operators = tableFor([...withoutBare(rings.places, stored), ...stored], rings);
      own = Map.groupBy(
        opened.filter(({ key }) => key.accountId !== undefined),
        ({ key }) => key.accountId ?? "",
      );
      seen = new Map();
      byCaller = new WeakMap();
    },
    seenBy(caller, app) {
      const all = own.get(caller.account.id);
      if (all === undefined) return app;
      const before = byCaller.get(caller);
      if (before !== undefined) return before;
      const mine = all.filter(({ key }) => allows(key.allowedApiKeyHashes, caller.key.hash));
      // Keys for which the same credentials count see the same.
      const name = `${caller.account.id} ${mine.map(({ key }) => key.id).join(" ")}`;
      const made = seen.get(name) ?? { ...app, routes: ownTable(mine, operators, rings) };
      if (seen.size >= manySeen) seen.clear();
      seen.set(name, made);
      byCaller.set(caller, made);
      return made;
    },
    used: (id) => void usedAt.set(id, rings.clock.now()),
    uses() {
      const told = usedAt;
      usedAt = new Map();
      return told;
    },
  };
}

function tableFor(places: readonly Deployment[], { tableOver }: Rings): RouteTable {
  const table = tableOver(places);
  if (places.every(({ key }) => key === undefined)) return table;
  return keyedTable(table, (model) => table.of(model));
}

/** An address that was asked without a credential is asked with one, once there is one; one of the environment is a key among others. */
function withoutBare(places: readonly Deployment[], stored: readonly Deployment[]): Deployment[] {
  const added = new Set(stored.map(({ provider }) => provider.id));
  return places.flatMap((place) => {
    if (!added.has(place.provider.id) || place.key !== undefined) return [place];
    if (!isProven(place)) return [];
    return [{ ...place, key: { id: "env_1", weight: 1, isFallback: false } }];
  });
}

/** What can be reached with an account's own credentials, and with those of the operator that they leave. */
function ownTable(mine: readonly Own[], operators: RouteTable, rings: Rings): RouteTable {
  const places = mine.flatMap((one) => one.places);
  const table = rings.tableOver(places);
  const keys = new Map(mine.map(({ key }) => [key.id, key]));
  const isOurs = (route: Route, model: Model) => {
    const key = keys.get(route.deployment.key?.id ?? "");
    return key !== undefined && serves(key, model);
  };
  const isLeft = (provider: string, model: Model | undefined) =>
    !mine.some(
      ({ key }) =>
        key.alwaysUse && key.provider === provider && (model === undefined || serves(key, model)),
    );
  const offered = (model: Model) => [
    ...table.of(model).flatMap((route) => (isOurs(route, model) ? [deployed(route, keys)] : [])),
    ...operators
      .of(model)
      .flatMap((route) => route.keys ?? [route])
      .filter(({ deployment }) => isLeft(deployment.provider.id, model)),
  ];
  const added = table.smallest.some((model) => operators.of(model).length === 0);
  const isOpen = ({ supportedModels, allowedModels }: ProviderKey) =>
    supportedModels.length + allowedModels.length === 0;
  const deployments = [
    ...mine.flatMap((one) => (isOpen(one.key) ? one.places : [])),
    ...operators.deployments.filter(({ provider }) => isLeft(provider.id, undefined)),
  ];
  // The order of the automatic choice is over all models at once.
  const order = added ? rings.tableOver([...places, ...operators.deployments]) : operators;
  const { smallest, cheapest } = order;
  return keyedTable(
    {
      ...operators,
      smallest,
      cheapest,
      deployments,
      regions: new Set([...operators.regions, ...places.map(({ region }) => region)]),
      anyProvider: deployments.length > 0,
    },
    offered,
  );
}

/** At Azure, a model has the name that the customer gave its deployment. */
function deployed(route: Route, keys: ReadonlyMap<string, ProviderKey>): Route {
  const name = keys.get(route.deployment.key?.id ?? "")?.deployment;
  return name === undefined
    ? route
    : { ...route, endpoint: { ...route.endpoint, upstreamModel: name } };
}

function serves({ supportedModels, allowedModels }: ProviderKey, model: Model): boolean {
  return allowsModel(supportedModels, model) && allowsModel(allowedModels, model);
}

function allows(list: readonly string[], one: string): boolean {
  return list.length === 0 || list.includes(one);
}

/** Undefined where its provider cannot use it, or is not known any more. */
function placesOf(key: ProviderKey, secret: Secret, rings: Rings): Deployment[] | undefined {
  const provider = rings.providers.find(({ id }) => id === key.provider);
  if (provider === undefined) return undefined;
  const { id, accountId, weight, dailyBudget, monthlyBudget, isFallback } = key;
  const terms = {
    id,
    accountId,
    since: key.updatedAt ?? key.createdAt,
    weight,
    rpm: key.rpmLimit,
    dailyBudget,
    monthlyBudget,
    isFallback,
  };
  const { baseUrl, region, deployment } = key;
  try {
    const stored = { key: terms, secret, baseUrl, region, deployment };
    return storedPlaces(provider, stored, rings.config, rings.clock);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    rings.onUnusable(key.id, cause);
    return undefined;
  }
}
