import { booleanIn, missing, objectIn, textIn, textsIn, wrong } from "#src/dialect/ask.ts";
import type { Percentiles, ProviderWish, RouteWish } from "#src/dialect/dialect.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** Members that steer the gateway and never travel on. */
export const gatewayMembers = ["route", "provider", "models", "plugins", "lowrouter"] as const;

/** Members that are no parameter of the model. */
const plumbing: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  "model",
  "messages",
  "prompt",
  "stream",
  "stream_options",
  "user",
]);

/** Names of the parameters that a request gives. */
export function parametersIn(body: JsonObject): string[] {
  return Object.keys(body).filter((name) => !plumbing.has(name));
}

/** The model asked for, and where it may be served. Throws `invalid_value`, `conflicting_route`. */
export function routingIn(body: JsonObject) {
  const model = textIn(body, "model");
  if (model === "") throw wrong("model", model, "a model id such as openai/gpt-4o-mini");
  const route = routeIn(body);
  return {
    model,
    models: textsIn(body, "models") ?? [],
    autoAllowed: autoAllowedIn(body),
    user: textIn(body, "user"),
    route,
    provider: providerIn(body, route),
  };
}

const policies = ["balanced", "prefer-low-carbon", "prefer-cheapest"];
/** Policies that are about something: a region, a provider. */
const policiesOf = { "prefer-region": "region", "fixed-provider": "provider" } as const;

/** `route` in both of its forms. */
function routeIn({ route }: JsonObject): RouteWish {
  if (route === undefined || route === null || route === "fallback") return {};
  if (!isObject(route)) throw wrong("route", route, 'an object, or "fallback",');
  const mode = textIn(route, "mode", "route.mode");
  if (mode !== undefined && mode !== "fallback") throw wrong("route.mode", mode, '"fallback"');
  const region = textIn(route, "region", "route.region");
  const provider = textIn(route, "provider", "route.provider")?.toLowerCase();
  const policy = policyIn(route, { region, provider });
  return {
    // Beside prefer-region, the region is what is preferred, and no pin.
    region: route.policy === "prefer-region" ? undefined : region,
    country: textIn(route, "country", "route.country")?.toUpperCase(),
    gridZone: textIn(route, "grid_zone", "route.grid_zone")?.toUpperCase(),
    provider,
    preferLowCarbon: booleanIn(route, "prefer_low_carbon", "route.prefer_low_carbon"),
    fallback: booleanIn(route, "fallback", "route.fallback"),
    policy,
  };
}

/** The policy with what it is about, which stands behind a colon or in the member beside it. */
function policyIn(
  route: JsonObject,
  beside: Record<"region" | "provider", string | undefined>,
): string | undefined {
  const text = textIn(route, "policy", "route.policy")?.toLowerCase();
  if (text === undefined || policies.includes(text)) return text;
  for (const [name, about] of Object.entries(policiesOf)) {
    if (text.startsWith(`${name}:`) && text.length > name.length + 1) return text;
    if (text !== name) continue;
    const value = beside[about];
    if (value !== undefined && value !== "") return `${name}:${value}`;
    throw missing(`route.${about}`, `the ${about} that the policy ${name} is about`);
  }
  const all = [...policies, ...Object.keys(policiesOf)];
  throw wrong("route.policy", text, `one of ${all.join(", ")}`);
}

/** The `provider` object; ids are lower-cased. */
function providerIn(body: JsonObject, route: RouteWish): ProviderWish {
  if (typeof body.provider === "string") {
    throw wrong(
      "provider",
      body.provider,
      'an object such as {"only": ["mistral"]}, or route.provider,',
    );
  }
  const wish = objectIn(body, "provider");
  if (wish === undefined) return {};
  const slugs = (name: string) =>
    textsIn(wish, name, `provider.${name}`)?.map((slug) => slug.toLowerCase());
  const flag = (name: string) => booleanIn(wish, name, `provider.${name}`);
  const only = slugs("only");
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
    order: slugs("order"),
    allowFallbacks: flag("allow_fallbacks"),
    only,
    ignore: slugs("ignore"),
    requireParameters: flag("require_parameters"),
    dataCollection: collection,
    zdr: flag("zdr"),
    quantizations: slugs("quantizations"),
    sort: sortIn(wish),
    preferredMinThroughput: percentilesIn(wish, "preferred_min_throughput"),
    preferredMaxLatency: percentilesIn(wish, "preferred_max_latency"),
    maxPrice: maxPriceIn(wish),
  };
}

/** Whether two ids may mean one endpoint: a bare id means all regions of a provider. */
function overlap(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

function sortIn({ sort }: JsonObject): ProviderWish["sort"] {
  if (sort === undefined || sort === null) return undefined;
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
  const at = (percentile: string) => amount(value[percentile], `${path}.${percentile}`, "a number");
  return { p50: at("p50"), p75: at("p75"), p90: at("p90"), p99: at("p99") };
}

function maxPriceIn(wish: JsonObject): ProviderWish["maxPrice"] {
  const price = objectIn(wish, "max_price", "provider.max_price");
  if (price === undefined) return undefined;
  const read = (name: string) =>
    amount(price[name], `provider.max_price.${name}`, "a price of at least 0");
  return {
    prompt: read("prompt"),
    completion: read("completion"),
    request: read("request"),
    image: read("image"),
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

/** Patterns of the auto-router plugin. */
function autoAllowedIn({ plugins }: JsonObject): string[] | undefined {
  if (plugins === undefined || plugins === null) return undefined;
  if (!Array.isArray(plugins)) throw wrong("plugins", plugins, "an array");
  const at = plugins.findIndex((plugin) => isObject(plugin) && plugin.id === "auto-router");
  const router = plugins[at];
  if (!isObject(router)) return undefined;
  return textsIn(router, "allowed_models", `plugins[${at}].allowed_models`);
}
