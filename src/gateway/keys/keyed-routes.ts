import type { Model } from "#src/catalog/model.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import type { Route } from "#src/provider/deployment.ts";

/**
 * A table in which each place stands once, with every credential that may be taken there as its `keys`: routes are
 * chosen by place, and a credential is chosen at the place. `offered` gives a model's routes, one for each credential.
 */
export function keyedTable(
  table: RouteTable,
  offered: (model: Model) => readonly Route[],
): RouteTable {
  const made = new Map<Model, readonly Route[]>();
  return {
    ...table,
    of(model) {
      const known = made.get(model);
      if (known !== undefined) return known;
      const routes = places(offered(model));
      made.set(model, routes);
      return routes;
    },
  };
}

/** Which credentials of a place are tried first: an account's own, the operator's, the account's that stand in. */
export function tierOf({ deployment: { key } }: Route): number {
  if (key?.accountId === undefined) return 1;
  return key.isFallback ? 2 : 0;
}

function places(routes: readonly Route[]): readonly Route[] {
  if (routes.every(({ deployment }) => deployment.key === undefined)) return routes;
  const found = new Map<string, Route[]>();
  for (const route of routes) {
    const { provider, region, basis, country, gridZone } = route.deployment;
    // Whatever a pin or a term of the request may be about has to be the same for all credentials of a place, for it is
    // judged by its first alone. Profiles that span regions are called where others compute, and are another place.
    const name = [
      provider.id,
      region,
      basis === "assumed",
      country,
      gridZone,
      route.endpoint.id,
    ].join("\n");
    const known = found.get(name);
    if (known === undefined) found.set(name, [route]);
    else known.push(route);
  }
  return [...found.values()].flatMap((here) => {
    if (here.every(({ deployment }) => deployment.key === undefined)) return here;
    const keys = here.toSorted((one, other) => tierOf(one) - tierOf(other));
    const [first] = keys;
    return first === undefined ? [] : [{ ...first, keys }];
  });
}
