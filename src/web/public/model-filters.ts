import type { Model, PriceRow } from "#src/catalog/model.ts";
import { pricesOn } from "#src/catalog/price.ts";
import { dayOf } from "#src/lib/clock.ts";
import {
  type Interval,
  type Offer,
  offersOf,
  parametersOf,
  type Source,
} from "#src/web/public/offers.ts";
import { capabilitiesOf } from "#src/web/public/words.tsx";

/** What the model browser was asked for, as its URL says; absent: any. */
export interface ModelFilters {
  text: string;
  author: string;
  capability: string;
  region: string;
  provider: string;
  accuracy: string;
  /** Most that a million tokens of output cost, in the currency. */
  maxPrice: number | undefined;
  /** Least tokens of context. */
  minContext: number | undefined;
  /** Most g CO2e for 1,000 tokens at its cleanest place. */
  maxCarbon: number | undefined;
  callable: boolean;
  sort: Sort;
  compare: readonly string[];
}

export const sorts = ["name", "price", "context", "energy", "carbon"] as const;
export type Sort = (typeof sorts)[number];

/** How many models can stand beside each other. */
export const maxCompared = 4;
const longestText = 100;

/** Reads the filters of a URL; what it does not know, it leaves out. */
export function filtersOf(query: URLSearchParams): ModelFilters {
  const text = (name: string) => (query.get(name) ?? "").trim().slice(0, longestText);
  const number = (name: string) => {
    const value = Number(text(name));
    return text(name) !== "" && Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  return {
    text: text("q"),
    author: text("author"),
    capability: text("capability"),
    region: text("region"),
    provider: text("provider"),
    accuracy: text("accuracy"),
    maxPrice: number("max_price"),
    minContext: number("min_context"),
    maxCarbon: number("max_g"),
    callable: query.get("routable") === "1",
    sort: sorts.find((one) => one === query.get("sort")) ?? "name",
    compare: [...new Set(query.getAll("compare"))].slice(0, maxCompared),
  };
}

/** The filters as names and values of a form; those that ask for nothing are left out. */
export function pairsOf(filters: ModelFilters): [string, string][] {
  const pairs: [string, string | number | undefined][] = [
    ["q", filters.text],
    ["author", filters.author],
    ["capability", filters.capability],
    ["region", filters.region],
    ["provider", filters.provider],
    ["accuracy", filters.accuracy],
    ["max_price", filters.maxPrice],
    ["min_context", filters.minContext],
    ["max_g", filters.maxCarbon],
    ["routable", filters.callable ? "1" : ""],
    ["sort", filters.sort === "name" ? "" : filters.sort],
  ];
  return pairs.flatMap(([name, value]): [string, string][] =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
}

/** A model with what the places that fit the filters make of it. */
export interface ModelRow {
  model: Model;
  offers: readonly Offer[];
  /** Of the cheapest of them. */
  price: PriceRow | undefined;
  wh: Interval | undefined;
  /** g CO2e for 1,000 tokens at the cleanest and at the dirtiest of them. */
  carbon: { cleanest: number; dirtiest: number } | undefined;
  accuracy: string | undefined;
  capabilities: readonly string[];
  regions: readonly string[];
  providers: readonly string[];
  callable: boolean;
}

/** Every model, looked at through the places that a region and a provider leave. */
export function rowsOf(
  source: Source,
  filters: Pick<ModelFilters, "region" | "provider">,
): ModelRow[] {
  const day = dayOf(source.app.clock.now());
  return source.services.models.map((model) => {
    const offers = offersOf(model, source).filter(
      ({ region, provider }) =>
        (filters.region === "" || region === filters.region) &&
        (filters.provider === "" || provider === filters.provider),
    );
    const callable = offers.filter((offer) => offer.callable);
    // What can be called is what counts; the others say what a credential would bring.
    const counting = callable.length > 0 ? callable : offers;
    const grams = counting.flatMap(({ carbon }) => carbon?.mid ?? []);
    return {
      model,
      offers,
      price: cheapest(counting, day),
      wh: counting.find(({ wh }) => wh !== undefined)?.wh,
      carbon:
        grams.length === 0
          ? undefined
          : { cleanest: Math.min(...grams), dirtiest: Math.max(...grams) },
      accuracy: model.kind === "embedding" ? undefined : parametersOf(model.id, source)?.accuracy,
      capabilities: capabilitiesOf(model),
      regions: [...new Set(counting.map(({ region }) => region))],
      providers: [...new Set(counting.map(({ provider }) => provider))],
      callable: callable.length > 0,
    };
  });
}

/** What others charge is the price of a model: not what a few free requests cost, nor a server of one's own. */
function cheapest(offers: readonly Offer[], day: string): PriceRow | undefined {
  const plain = offers.filter(
    ({ endpoint, callable }) =>
      endpoint.variant === undefined && (callable || !endpoint.selfHosted),
  );
  const rows = (plain.length > 0 ? plain : offers).flatMap(
    ({ endpoint }) => pricesOn(endpoint, day) ?? [],
  );
  const sum = (row: PriceRow) => Number(row.input) + Number(row.output);
  const [first, ...others] = rows;
  return others.reduce(
    (least, row) => (least === undefined || sum(row) < sum(least) ? row : least),
    first,
  );
}

/** The rows that the filters leave, in their order. */
export function chosen(rows: readonly ModelRow[], filters: ModelFilters): ModelRow[] {
  const text = filters.text.toLowerCase();
  const kept = rows.filter(
    ({ model, offers, price, carbon, ...row }) =>
      offers.length > 0 &&
      [model.id, model.name].some((name) => name.toLowerCase().includes(text)) &&
      (filters.author === "" || model.author === filters.author) &&
      (filters.capability === "" || row.capabilities.includes(filters.capability)) &&
      (filters.accuracy === "" || (row.accuracy ?? "unknown") === filters.accuracy) &&
      (filters.maxPrice === undefined ||
        (price !== undefined && Number(price.output) <= filters.maxPrice)) &&
      (filters.minContext === undefined || model.contextWindow >= filters.minContext) &&
      (filters.maxCarbon === undefined ||
        (carbon !== undefined && carbon.cleanest <= filters.maxCarbon)) &&
      (!filters.callable || row.callable),
  );
  const key = keys[filters.sort];
  const order = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);
  return kept.toSorted((a, b) => order(key(a), key(b)) || a.model.id.localeCompare(b.model.id));
}

const last = Number.POSITIVE_INFINITY;

/** What is not known comes last. */
const keys: Record<Sort, (row: ModelRow) => number> = {
  name: () => 0,
  price: ({ price }) => (price ? Number(price.output) : last),
  context: ({ model }) => -model.contextWindow,
  energy: ({ wh }) => wh?.mid ?? last,
  carbon: ({ carbon }) => carbon?.cleanest ?? last,
};
