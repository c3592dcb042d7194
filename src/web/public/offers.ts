import type { Endpoint, Model } from "#src/catalog/model.ts";
import { shownPrices } from "#src/catalog/shown-price.ts";
import { whInterval } from "#src/eco/estimate.ts";
import type { Grid, ModelParameters } from "#src/eco/methodology.ts";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";

/** What public pages are made from. */
export interface Source {
  app: App;
  services: Services;
}

/** A figure with both ends of its interval. */
export interface Interval {
  low: number;
  mid: number;
  high: number;
}

/** A model at a provider in a region: where it can be called now, or could be with a credential. */
export interface Offer {
  provider: string;
  providerName: string;
  region: string;
  basis: Endpoint["regionBasis"];
  /** Its prices are those that are charged here. */
  endpoint: Endpoint;
  callable: boolean;
  grid: Grid | undefined;
  /** Wh for 1,000 tokens of output; one figure where the operator measured it. */
  wh: Interval | undefined;
  /** g CO2e for 1,000 tokens of output. */
  carbon: Interval | undefined;
  isMeasured: boolean;
}

/** Offers do not change while a table of routes lives; a page of all models would make thousands anew. */
const known = new WeakMap<App["routes"], Map<string, Offer[]>>();

/** Every offer of a model, those that can be called first. */
export function offersOf(model: Model, source: Source): readonly Offer[] {
  const { routes } = source.app;
  const all = known.get(routes) ?? new Map<string, Offer[]>();
  known.set(routes, all);
  const found = all.get(model.id) ?? findOffers(model, source);
  all.set(model.id, found);
  return found;
}

function findOffers(model: Model, { app, services }: Source): Offer[] {
  const wh = model.kind === "embedding" ? undefined : whPer1k(model.id, { app, services });
  const { billing } = app.config;
  const charged = (endpoint: Endpoint): Endpoint => ({
    ...endpoint,
    prices: shownPrices(endpoint.prices, billing),
  });
  const callable = app.routes.of(model).map(({ endpoint, deployment, measured }): Offer => {
    const own = measured && measured.whPer1kTokens * measured.pue;
    const grid = services.gridOf(deployment.provider.id, deployment.region);
    const energy = own === undefined ? wh : { low: own, mid: own, high: own };
    return {
      provider: deployment.provider.id,
      providerName: deployment.provider.name,
      region: deployment.region,
      basis: deployment.basis,
      endpoint: charged(endpoint),
      callable: true,
      grid,
      wh: energy,
      carbon: carbonOf(energy, grid),
      isMeasured: own !== undefined,
    };
  });
  const others = model.endpoints.flatMap((endpoint) =>
    endpoint.regions.map((region): Offer => {
      const grid = services.gridOf(endpoint.provider, region);
      const name = services.providers.find(({ id }) => id === endpoint.provider)?.name;
      return {
        provider: endpoint.provider,
        providerName: name ?? endpoint.provider,
        region,
        basis: endpoint.regionBasis,
        endpoint: charged(endpoint),
        callable: false,
        grid,
        wh,
        carbon: carbonOf(wh, grid),
        isMeasured: false,
      };
    }),
  );
  const place = ({ provider, region, endpoint }: Offer) => `${provider} ${region} ${endpoint.id}`;
  const distinct = new Map<string, Offer>();
  for (const offer of [...callable, ...others])
    if (!distinct.has(place(offer))) distinct.set(place(offer), offer);
  return [...distinct.values()];
}

/** Parameters of a model, where they are known. */
export function parametersOf(model: string, { services }: Source): ModelParameters | undefined {
  return services.tables.parameters.get(model);
}

/** Wh for 1,000 tokens of output under a methodology: the configured one, unless another is named. */
export function whPer1k(
  model: string,
  { app, services }: Source,
  version: string = app.config.eco.methodology,
): Interval | undefined {
  const record = services.tables.methodologies.find((one) => one.version === version);
  const parameters = services.tables.parameters.get(model);
  if (record === undefined || parameters === undefined) return undefined;
  const { low, mid, high } = whInterval(record, parameters);
  const factor = record.weights.completion * 1000;
  return { low: low * factor, mid: mid * factor, high: high * factor };
}

function carbonOf(wh: Interval | undefined, grid: Grid | undefined): Interval | undefined {
  if (wh === undefined || grid === undefined) return undefined;
  const grams = (energy: number) => (energy * grid.gPerKwh) / 1000;
  return { low: grams(wh.low), mid: grams(wh.mid), high: grams(wh.high) };
}
