import type { Endpoint, Model, PriceRow } from "#src/catalog/model.ts";
import { pricesOn } from "#src/catalog/price.ts";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";
import { dayOf } from "#src/lib/clock.ts";

/** Something of an endpoint that will change on a day. */
export interface Scheduled {
  day: string;
  what: "price" | "end";
  endpoint: Endpoint;
}

/** A model of the catalogue with what an operator wants to know of its data. */
export interface CatalogueRow {
  model: Model;
  /** Ways in which it can be called now. */
  routes: number;
  /** Lowest and highest prices that hold today, USD for a million tokens; absent where none is known. */
  input: { low: number; high: number } | undefined;
  output: { low: number; high: number } | undefined;
  /** Days on which the prices that hold today were read, the first and the last. */
  read: { first: string; last: string } | undefined;
  /** What changes from tomorrow on, the next first. */
  scheduled: readonly Scheduled[];
}

/** What the catalogue page was asked for. */
export interface CatalogueFilters {
  text: string;
  provider: string;
  routable: boolean;
  changing: boolean;
}

/** Models of the catalogue that a filter picks, by id. */
export function catalogueRows(
  { app, services }: { app: App; services: Services },
  { text, provider, routable, changing }: CatalogueFilters,
): CatalogueRow[] {
  const day = dayOf(app.clock.now());
  const wanted = text.toLowerCase();
  return services.models
    .filter(
      ({ id, name, endpoints }) =>
        (wanted === "" ||
          id.toLowerCase().includes(wanted) ||
          name.toLowerCase().includes(wanted)) &&
        (provider === "" || endpoints.some((one) => one.provider === provider)),
    )
    .map((model) => rowOf(model, app.routes.of(model).length, day))
    .filter((row) => (!routable || row.routes > 0) && (!changing || row.scheduled.length > 0))
    .toSorted((a, b) => (a.model.id < b.model.id ? -1 : 1));
}

function rowOf(model: Model, routes: number, day: string): CatalogueRow {
  const prices = model.endpoints.flatMap((endpoint) => pricesOn(endpoint, day) ?? []);
  // What the operator says was read on no day.
  const read = prices.flatMap((row) => row.read || []).toSorted();
  const [first, last] = [read[0], read.at(-1)];
  return {
    model,
    routes,
    input: rangeOf(prices.map((row) => Number(row.input))),
    output: rangeOf(prices.map((row) => Number(row.output))),
    read: first === undefined || last === undefined ? undefined : { first, last },
    scheduled: scheduledOf(model, day),
  };
}

function rangeOf(values: readonly number[]): { low: number; high: number } | undefined {
  return values.length === 0 ? undefined : { low: Math.min(...values), high: Math.max(...values) };
}

/** What of a model changes after a day, the next first. */
export function scheduledOf({ endpoints }: Model, day: string): Scheduled[] {
  return endpoints
    .flatMap((endpoint): Scheduled[] => [
      ...endpoint.prices.flatMap(({ from }): Scheduled[] =>
        from !== undefined && from > day ? [{ day: from, what: "price", endpoint }] : [],
      ),
      ...(endpoint.deprecationDate !== undefined && endpoint.deprecationDate > day
        ? [{ day: endpoint.deprecationDate, what: "end" as const, endpoint }]
        : []),
    ])
    .toSorted((a, b) => (a.day < b.day ? -1 : 1));
}

/** Whether a price holds on a day. */
export function standingOf(
  endpoint: Endpoint,
  row: PriceRow,
  day: string,
): "holds" | "scheduled" | "over" {
  if (pricesOn(endpoint, day) === row) return "holds";
  return row.from !== undefined && row.from > day ? "scheduled" : "over";
}
