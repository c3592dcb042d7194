import type { Needs, ProviderWish, RouteWish } from "#src/dialect/dialect.ts";
import { decode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/*
 * Request members are checked by hand: a schema library took longer over a 1 KB body than everything else together.
 * Messages name the member and what was found, and never quote a value that may be a prompt.
 */

/** The body as a JSON object. Throws `invalid_json`. */
export function parseObject(body: Uint8Array): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decode(body));
  } catch {
    // The parser's own message quotes the body.
    throw new AppError(
      "invalid_json",
      body.length === 0
        ? "Cannot read an empty body: a JSON object is needed"
        : "Cannot parse the body as JSON",
    );
  }
  if (!isObject(parsed))
    throw new AppError(
      "invalid_json",
      `Cannot use ${kindOf(parsed)} as a request: a JSON object is needed`,
    );
  return parsed;
}

/** What a value is, without saying what it holds. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return value === undefined ? "nothing" : `a ${typeof value}`;
}

/** A refusal that names the member, what was found and what would work. */
export function wrong(param: string, found: unknown, wanted: string): AppError {
  return new AppError(
    "invalid_value",
    `Cannot use ${kindOf(found)} for "${param}": ${wanted} is needed`,
    { param },
  );
}

/** A member that may be absent or null, else a number in a range. */
export function numberIn(
  body: JsonObject,
  name: string,
  least: number,
  most: number,
  whole = false,
): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const fits =
    typeof value === "number" &&
    value >= least &&
    value <= most &&
    (!whole || Number.isInteger(value));
  if (!fits) {
    const range =
      most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
    throw wrong(name, value, `${whole ? "an integer" : "a number"} ${range}`);
  }
  return value;
}

export function booleanIn(body: JsonObject, name: string, path = name): boolean | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw wrong(path, value, "true or false");
  return value;
}

export function textIn(body: JsonObject, name: string, path = name): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw wrong(path, value, "a string");
  return value;
}

export function textsIn(body: JsonObject, name: string, path = name): string[] | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw wrong(path, value, "an array of strings");
  return value.map((entry, index) => {
    if (typeof entry !== "string") throw wrong(`${path}[${index}]`, entry, "a string");
    return entry;
  });
}

export function objectIn(body: JsonObject, name: string, path = name): JsonObject | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw wrong(path, value, "an object");
  return value;
}

/** A string, or an array of strings; absent means none. */
export function stopIn(body: JsonObject): string[] {
  if (typeof body.stop === "string") return [body.stop];
  return textsIn(body, "stop") ?? [];
}

/** `route` in both of its forms. */
export function routeIn(body: JsonObject): RouteWish {
  const { route } = body;
  if (route === undefined || route === null) return {};
  if (typeof route === "string") {
    if (route === "fallback") return {};
    throw new AppError(
      "invalid_value",
      'Cannot use this string for "route": only "fallback" is known, or an object',
      { param: "route" },
    );
  }
  if (!isObject(route)) throw wrong("route", route, 'an object, or "fallback",');
  const mode = textIn(route, "mode", "route.mode");
  if (mode !== undefined && mode !== "fallback") throw wrong("route.mode", mode, '"fallback"');
  return {
    region: textIn(route, "region", "route.region"),
    provider: textIn(route, "provider", "route.provider")?.toLowerCase(),
    preferLowCarbon: booleanIn(route, "prefer_low_carbon", "route.prefer_low_carbon"),
    fallback: booleanIn(route, "fallback", "route.fallback"),
    policy: policyIn(route),
  };
}

const policies = [
  "balanced",
  "prefer-region",
  "prefer-low-carbon",
  "prefer-cheapest",
  "fixed-provider",
];

function policyIn(route: JsonObject): string | undefined {
  const policy = textIn(route, "policy", "route.policy");
  if (policy !== undefined && !policies.includes(policy))
    throw wrong("route.policy", policy, `one of ${policies.join(", ")}`);
  return policy;
}

/** The `provider` object. Slugs are lower-cased. Throws `conflicting_route` when route.provider is not among `only`. */
export function providerIn(body: JsonObject, route: RouteWish): ProviderWish {
  if (typeof body.provider === "string") {
    throw new AppError(
      "invalid_value",
      'Cannot use a string for "provider": an object such as {"only": ["mistral"]} is needed, or route.provider',
      { param: "provider" },
    );
  }
  const wish = objectIn(body, "provider");
  if (wish === undefined) return {};
  const slugs = (name: string) =>
    textsIn(wish, name, `provider.${name}`)?.map((slug) => slug.toLowerCase());
  const only = slugs("only");
  const pinned = route.provider;
  if (
    pinned !== undefined &&
    only &&
    !only.some((slug) => slug.split("/")[0] === pinned.split("/")[0])
  ) {
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
    allowFallbacks: booleanIn(wish, "allow_fallbacks", "provider.allow_fallbacks"),
    only,
    ignore: slugs("ignore"),
    requireParameters: booleanIn(wish, "require_parameters", "provider.require_parameters"),
    dataCollection: collection,
    zdr: booleanIn(wish, "zdr", "provider.zdr"),
    quantizations: slugs("quantizations"),
    sort: sortIn(wish),
    maxPrice: maxPriceIn(wish),
  };
}

function sortIn(wish: JsonObject): ProviderWish["sort"] {
  const { sort } = wish;
  if (sort === undefined || sort === null) return undefined;
  const by = isObject(sort) ? sort.by : sort;
  const partition =
    isObject(sort) && sort.partition === "none" ? ("none" as const) : ("model" as const);
  if (by === "price" || by === "throughput" || by === "latency") return { by, partition };
  throw wrong("provider.sort", by, "price, throughput or latency");
}

function maxPriceIn(wish: JsonObject): ProviderWish["maxPrice"] {
  const price = objectIn(wish, "max_price", "provider.max_price");
  if (price === undefined) return undefined;
  const read = (name: string): number | undefined => {
    const value = price[name];
    if (value === undefined || value === null) return undefined;
    const number = Number(value);
    if (!Number.isFinite(number) || number < 0)
      throw wrong(`provider.max_price.${name}`, value, "a price per million tokens");
    return number;
  };
  return {
    prompt: read("prompt"),
    completion: read("completion"),
    request: read("request"),
    image: read("image"),
  };
}

/** Patterns of the auto-router plugin. */
export function autoAllowedIn(body: JsonObject): string[] | undefined {
  const { plugins } = body;
  if (plugins === undefined || plugins === null) return undefined;
  if (!Array.isArray(plugins)) throw wrong("plugins", plugins, "an array");
  const router = plugins.find((plugin) => isObject(plugin) && plugin.id === "auto-router");
  return isObject(router)
    ? textsIn(router, "allowed_models", "plugins[].allowed_models")
    : undefined;
}

/** `stream_options.include_usage`, checked. */
export function includeUsageIn(body: JsonObject): boolean {
  const options = objectIn(body, "stream_options");
  return (
    options !== undefined &&
    booleanIn(options, "include_usage", "stream_options.include_usage") === true
  );
}

export const noNeeds: Needs = {
  tools: false,
  vision: false,
  pdf: false,
  audio: false,
  jsonObject: false,
  jsonSchema: false,
  reasoning: false,
  logprobs: false,
};

/** Members that steer the gateway and never travel on. */
export const gatewayMembers = ["route", "provider", "models", "plugins"] as const;

/** Members as a canonical request's leftovers, without those already understood. */
export function without(body: JsonObject, known: ReadonlySet<string>): JsonObject {
  const rest: Record<string, Json> = {};
  for (const [name, value] of Object.entries(body)) {
    if (value !== undefined && !known.has(name)) rest[name] = value;
  }
  return rest;
}
