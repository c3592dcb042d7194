import { booleanIn, objectIn, refuseUnknown, textIn, textsIn, wrong } from "#src/dialect/ask.ts";
import type { Percentiles, ProviderWish, RouteWish } from "#src/dialect/dialect.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

const members = [
  ...["order", "allow_fallbacks", "only", "ignore", "require_parameters", "data_collection", "zdr"],
  ...["quantizations", "sort", "preferred_min_throughput", "preferred_max_latency", "max_price"],
  "enforce_distillable_text",
];
const quantizations: ReadonlySet<string> = new Set([
  ...["int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
  "unknown",
]);
const sortMembers = ["by", "partition"];
const percentiles = ["p50", "p75", "p90", "p99"];
const priceMembers = ["prompt", "completion", "request", "image", "audio"];

/** The `provider` object; ids are lower-cased. A member that nobody knows is refused: a bound misspelt would be no bound. */
export function providerIn(body: JsonObject, route: RouteWish): ProviderWish {
  if (typeof body.provider === "string") {
    throw wrong(
      "provider",
      body.provider,
      'an object such as {"only": ["mistral"]}, or route.provider,',
    );
  }
  const wish = objectIn(body, "provider");
  if (wish === undefined) return {};
  refuseUnknown(wish, "provider", members);
  refuseDistillable(wish);
  const slugs = (name: string) =>
    textsIn(wish, name, `provider.${name}`)?.map((slug) => slug.toLowerCase());
  const flag = (name: string) => booleanIn(wish, name, `provider.${name}`);
  const order = slugs("order");
  const only = some(slugs("only"), "provider.only", "provider", "every provider");
  const { provider: pinned } = route;
  if (pinned !== undefined && only && !only.some((slug) => overlap(slug, pinned))) {
    throw new AppError(
      "conflicting_route",
      "Cannot follow both route.provider and provider.only: the first is not among the second",
      { param: "route.provider" },
    );
  }
  const collection = textIn(wish, "data_collection", "provider.data_collection");
  if (collection !== undefined && collection !== "allow" && collection !== "deny")
    throw wrong("provider.data_collection", collection, '"allow" or "deny"');
  return {
    // An order of nobody orders nothing: without fallbacks it would leave nobody.
    order: order?.length === 0 ? undefined : order,
    allowFallbacks: flag("allow_fallbacks"),
    only,
    ignore: slugs("ignore"),
    requireParameters: flag("require_parameters"),
    dataCollection: collection,
    zdr: flag("zdr"),
    quantizations: some(
      quantizationsIn(slugs("quantizations")),
      "provider.quantizations",
      "quantization",
      "every one",
    ),
    sort: sortIn(wish),
    preferredMinThroughput: percentilesIn(wish, "preferred_min_throughput"),
    preferredMaxLatency: percentilesIn(wish, "preferred_max_latency"),
    maxPrice: maxPriceIn(wish),
  };
}

/** A list that narrows: an empty one would leave nobody, which nobody means. */
function some<T>(list: T[] | undefined, param: string, what: string, all: string): T[] | undefined {
  if (list?.length !== 0) return list;
  const wanted = `at least one ${what} (an empty list allows none; leave it out to allow ${all})`;
  throw wrong(param, list, wanted);
}

/** Whether two ids may mean one endpoint: a bare id means all regions of a provider. */
function overlap(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/** Known elsewhere, and unknown of every model here: what would narrow nothing is not taken for a bound. */
function refuseDistillable(wish: JsonObject): void {
  const param = "provider.enforce_distillable_text";
  if (booleanIn(wish, "enforce_distillable_text", param) !== true) return;
  throw new AppError(
    "unsupported_feature",
    `Cannot follow "${param}": which models allow distillation is not known here; leave it out, and name such models in "models"`,
    { param },
  );
}

/** One that is misspelt would rule out every endpoint, as if there were none for now. */
function quantizationsIn(slugs: string[] | undefined): string[] | undefined {
  slugs?.forEach((slug, index) => {
    if (!quantizations.has(slug) && !/^i?q\d/.test(slug))
      throw wrong(
        `provider.quantizations[${index}]`,
        slug,
        `one of ${[...quantizations].join(", ")}, or a GGUF type such as q4_k_m`,
      );
  });
  return slugs;
}

function sortIn({ sort }: JsonObject): ProviderWish["sort"] {
  if (sort === undefined || sort === null) return undefined;
  if (isObject(sort)) refuseUnknown(sort, "provider.sort", sortMembers);
  const by = isObject(sort) ? sort.by : sort;
  const partition = (isObject(sort) ? sort.partition : undefined) ?? "model";
  if (partition !== "model" && partition !== "none")
    throw wrong("provider.sort.partition", partition, '"model" or "none"');
  if (by === "price" || by === "throughput" || by === "latency") return { by, partition };
  throw wrong("provider.sort", by, "price, throughput or latency");
}

function percentilesIn(wish: JsonObject, name: string): Percentiles | undefined {
  const path = `provider.${name}`;
  const value = wish[name];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) return { p50: amount(value, path, "a number, or one by percentile,") };
  refuseUnknown(value, path, percentiles);
  const at = (percentile: string) => amount(value[percentile], `${path}.${percentile}`, "a number");
  return { p50: at("p50"), p75: at("p75"), p90: at("p90"), p99: at("p99") };
}

function maxPriceIn(wish: JsonObject): ProviderWish["maxPrice"] {
  const price = objectIn(wish, "max_price", "provider.max_price");
  if (price === undefined) return undefined;
  refuseUnknown(price, "provider.max_price", priceMembers);
  const read = (name: string) =>
    amount(price[name], `provider.max_price.${name}`, "a price of at least 0");
  return {
    prompt: read("prompt"),
    completion: read("completion"),
    request: read("request"),
    image: read("image"),
    audio: read("audio"),
  };
}

/** A number of at least 0, which may be written as a string. */
function amount(value: unknown, path: string, wanted: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const written = typeof value === "string" && value.trim() !== "";
  const number = typeof value === "number" || written ? Number(value) : Number.NaN;
  if (number >= 0 && number < Infinity) return number;
  throw wrong(path, value, wanted);
}
