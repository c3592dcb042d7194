import type { RouteTable } from "#src/gateway/context.ts";
import { listsModel } from "#src/gateway/routing/allowed-models.ts";
import { isKnownPin, pinOf } from "#src/gateway/routing/pins.ts";
import { policies, policyPattern } from "#src/config/schema.ts";
import { slugOf } from "#src/gateway/routing/slug.ts";
import { AppError } from "#src/lib/error.ts";
import { nearest } from "#src/lib/nearest.ts";

/*
 * Wishes for routing that are kept for a key or an account are checked when they are made: one that means nothing would
 * hold nothing, and nobody would notice.
 */

/**
 * A policy as it is kept: with what it is about. A preferred region may be left to the pin beside it.
 * Throws `invalid_value`.
 */
export function keptPolicy(text: string, region: string | undefined, places: RouteTable): string {
  const whole = text === "prefer-region" && region !== undefined ? `${text}:${region}` : text;
  const colon = whole.indexOf(":");
  const about = colon < 0 ? "" : whole.slice(colon + 1);
  const isKnown =
    colon < 0 ||
    (whole.startsWith("fixed-provider")
      ? places.providers.has(slugOf(about).provider)
      : isKnownPin(pinOf(about), places));
  const isWhole = colon >= 0 || !(text === "prefer-region" || text === "fixed-provider");
  if (policyPattern.test(whole) && isWhole && isKnown) return whole;
  throw invalid(
    "policy",
    `Cannot use the policy "${text.slice(0, 60)}": one of ${policies.join(", ")} is needed, with a known region or provider where it takes one, as prefer-region:eu-west and fixed-provider:mistral`,
  );
}

/** A pin as it is kept. Throws `invalid_value` for a place that nobody knows. */
export function keptRegion(text: string, places: RouteTable): string {
  if (isKnownPin(pinOf(text), places)) return text;
  throw invalid(
    "region",
    `Cannot pin to the region "${text.slice(0, 60)}": known regions are ${[...places.regions].join(", ")}, eu, country:FR and zone:FRA with any country or grid zone`,
  );
}

/** Providers, or regions of them, as they are kept. Throws `invalid_value` for one that nobody knows. */
export function keptProviders(
  slugs: readonly string[],
  param: string,
  places: RouteTable,
): string[] {
  return slugs.map((slug) => {
    if (places.providers.has(slugOf(slug).provider)) return slug.toLowerCase();
    throw invalid(
      param,
      `Cannot use the provider "${slug.slice(0, 60)}": "lowrouter provider list --all" and GET /v1/providers list the known ones`,
    );
  });
}

/**
 * Models that a key may use, as they are kept: names and patterns that mean a model here, and `provider/name` of any known
 * provider, for its models that the catalogue does not know. Throws `invalid_value`, with the name that was probably meant.
 */
export function keptModels(names: readonly string[], param: string, places: RouteTable): string[] {
  return names.map((name, at) => {
    const given = name.toLowerCase();
    if (places.models.some((model) => listsModel([given], model))) return name;
    const isPattern = given.includes("*");
    if (!isPattern && given.includes("/") && places.providers.has(slugOf(given).provider))
      return name;
    const known = isPattern ? undefined : meantBy(given, places);
    const hint = known === undefined ? "" : `; the nearest is "${known}"`;
    throw invalid(
      `${param}.${at}`,
      `Cannot allow "${name.slice(0, 60)}": ${isPattern ? "no model fits it" : "no model has that name"}${hint}. GET /v1/models?all=true and "lowrouter model list" show them; a provider's model that is not there is named with it, as openai/NAME`,
    );
  });
}

/** The id of the model that a name is near to: another name of it that requests may have, or one with other letters. */
function meantBy(name: string, places: RouteTable): string | undefined {
  const found = places.find(name);
  if (found !== undefined) return found.model.id;
  const ids = places.models.map(({ id }) => id);
  if (name.includes("/")) return nearest(name, ids);
  const bare = new Map(ids.map((id) => [id.slice(id.indexOf("/") + 1), id]));
  return bare.get(nearest(name, bare.keys()) ?? "");
}

function invalid(param: string, message: string): AppError {
  return new AppError("invalid_value", message, { param });
}
