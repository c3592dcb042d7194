import { pluginsIn } from "#src/dialect/ask-plugins.ts";
import { providerIn } from "#src/dialect/ask-provider.ts";
import { booleanIn, missing, refuseUnknown, textIn, textsIn, wrong } from "#src/dialect/ask.ts";
import type { RouteWish } from "#src/dialect/dialect.ts";
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

/** Names of the parameters that a request gives; null is none. */
export function parametersIn(body: JsonObject): string[] {
  return Object.keys(body).filter((name) => !plumbing.has(name) && body[name] !== null);
}

/** The model asked for, and where it may be served. Throws `invalid_value`, `conflicting_route`, `unsupported_feature`. */
export function routingIn(body: JsonObject) {
  const model = textIn(body, "model");
  if (model === "") throw wrong("model", model, "a model id such as openai/gpt-4o-mini");
  const route = routeIn(body);
  const plugins = pluginsIn(body);
  return {
    model,
    models: textsIn(body, "models") ?? [],
    autoAllowed: plugins?.autoAllowed,
    unusedPlugins: plugins?.unusedPlugins,
    user: textIn(body, "user"),
    route,
    provider: providerIn(body, route),
  };
}

const policies = ["balanced", "prefer-low-carbon", "prefer-cheapest"];
/** Policies that are about something: a region, a provider. */
const policiesOf = { "prefer-region": "region", "fixed-provider": "provider" } as const;

const routeMembers = [
  ...["region", "country", "grid_zone", "provider"],
  ...["policy", "prefer_low_carbon", "fallback", "mode"],
];

/** `route` in both of its forms. */
function routeIn({ route }: JsonObject): RouteWish {
  if (route === undefined || route === null || route === "fallback") return {};
  if (!isObject(route)) throw wrong("route", route, 'an object, or "fallback",');
  refuseUnknown(route, "route", routeMembers);
  const mode = textIn(route, "mode", "route.mode");
  if (mode !== undefined && mode !== "fallback") throw wrong("route.mode", mode, '"fallback"');
  const region = textIn(route, "region", "route.region");
  const provider = textIn(route, "provider", "route.provider")?.toLowerCase();
  const policy = policyIn(route, { region, provider });
  return {
    // Beside prefer-region, the region is what is preferred, and no pin.
    region: isPreferred(route) ? undefined : region,
    country: textIn(route, "country", "route.country")?.toUpperCase(),
    gridZone: textIn(route, "grid_zone", "route.grid_zone")?.toUpperCase(),
    provider,
    preferLowCarbon: booleanIn(route, "prefer_low_carbon", "route.prefer_low_carbon"),
    fallback: booleanIn(route, "fallback", "route.fallback"),
    policy,
  };
}

function isPreferred({ policy }: JsonObject): boolean {
  return typeof policy === "string" && policy.toLowerCase() === "prefer-region";
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
