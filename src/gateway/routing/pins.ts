import type { Caller } from "#src/account/account.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App, RouteTable } from "#src/gateway/context.ts";
import { europe, isEuropean } from "#src/gateway/routing/europe.ts";
import { AppError } from "#src/lib/error.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";

/*
 * Where a request may compute at all. Every pin of the request, the key, the account and the operator has to hold:
 * the strictest counts, and where none is left the request is refused before a byte leaves.
 */

/** A place as it is written for keys and accounts: `eu-west`, `eu`, `country:FR`, `zone:FRA`. */
export interface Pin {
  kind: "region" | "country" | "zone" | "europe";
  value: string;
}

export function pinOf(text: string): Pin {
  if (text.toLowerCase() === europe) return { kind: "europe", value: europe };
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(0, colon)).toLowerCase();
  if (kind === "country" || kind === "zone")
    return { kind, value: text.slice(colon + 1).toUpperCase() };
  return { kind: "region", value: text };
}

/** Whether anything known is meant by a pin's name. */
export function isKnownPin({ kind, value }: Pin, places: RouteTable): boolean {
  if (kind === "region") return places.regions.has(value);
  if (kind === "country") return places.countries.has(value);
  return kind === "europe" || places.zones.has(value);
}

/** Where a request is held, by all who have a say. */
export interface Pins {
  readonly held: readonly Pin[];
  /** Held by the operator, whoever asks. */
  readonly euOnly: boolean;
  /** A place that is only assumed will do. */
  readonly allowAssumed: boolean;
  /** For messages: ` in eu-west`, or nothing. */
  readonly where: string;
}

const free: Pins = { held: [], euOnly: false, allowAssumed: false, where: "" };

/** Throws `invalid_value` for a place that nobody knows, and 403 for a region that the key forbids. */
export function pinsOf(ask: Ask, { key, account }: Caller, app: App): Pins {
  const { region, country, gridZone } = ask.route;
  const { euOnly } = app.config.routing;
  const ofAccount = account.routing?.region;
  const isFree =
    (region ?? country ?? gridZone ?? key.region ?? ofAccount) === undefined && !euOnly;
  if (isFree) return free;
  const held: Pin[] = [];
  if (region !== undefined) held.push(asked(region, ask.route.regionParam ?? "route.region", app));
  if (country !== undefined) held.push(asked(`country:${country}`, "route.country", app));
  if (gridZone !== undefined) held.push(asked(`zone:${gridZone}`, "route.grid_zone", app));
  for (const text of [key.region, ofAccount]) {
    if (text === undefined) continue;
    const pin = pinOf(text);
    refuseOther(held[0], pin, text === key.region ? "API key" : "account");
    held.push(pin);
  }
  return together(held, app);
}

/** Where a caller is held whatever it asks for: by its key, its account and the operator. */
export function standingPins({ key, account }: Caller, app: App): Pins {
  const held = [key.region, account.routing?.region].flatMap((text) =>
    text === undefined ? [] : [pinOf(text)],
  );
  return held.length === 0 && !app.config.routing.euOnly ? free : together(held, app);
}

function together(held: readonly Pin[], { config }: App): Pins {
  const { euOnly, allowAssumedRegions } = config.routing;
  const names = [...new Set(held.map(({ value }) => value)), ...(euOnly ? ["the EU"] : [])];
  const where = ` in ${names.join(" and ")}`;
  return { held, euOnly, allowAssumed: allowAssumedRegions, where };
}

/** A pin of the request. */
function asked(text: string, param: string, { routes }: App): Pin {
  const pin = pinOf(text);
  if (isKnownPin(pin, routes)) return pin;
  const { kind, value } = pin;
  const would = {
    region: `known regions are ${[...routes.regions, europe].join(", ")}`,
    europe: "",
    country: "an ISO 3166 code of two letters such as FR is needed",
    zone: "a zone of GET /v1/methodology such as FRA is needed",
  }[kind];
  throw new AppError(
    "invalid_value",
    `Cannot route to the ${kind} "${value.slice(0, 60)}": ${would}`,
    { param },
  );
}

/** A request that names another region than its key's is refused and told so, rather than left without a route. */
function refuseOther(request: Pin | undefined, pin: Pin, whose: string): void {
  if (request?.kind !== "region" || pin.kind !== "region" || request.value === pin.value) return;
  throw new AppError(
    "region_not_allowed",
    `Cannot route to ${request.value}: this ${whose} is pinned to ${pin.value}`,
    { param: "route.region", metadata: { region: request.value } },
  );
}

/** Why a route is outside the pins; undefined where it is inside. */
export function outside(pins: Pins, route: Route, routes: RouteTable): string | undefined {
  if (pins === free) return undefined;
  for (const pin of pins.held) {
    const reason = missed(pin, route, routes);
    if (reason !== undefined) return reason;
  }
  if (pins.euOnly && !isEuropean(route.deployment.country)) return "eu_only";
  return pins.allowAssumed || basisOf(route) !== "assumed" ? undefined : "region_only_assumed";
}

/** Why a route is not where a pin points, assumed or not; undefined where it is. */
export function missed(
  { kind, value }: Pin,
  { deployment, zone }: Route,
  { zones }: RouteTable,
): "region_pin" | "country_pin" | "zone_pin" | undefined {
  if (kind === "region") return deployment.region === value ? undefined : "region_pin";
  if (kind === "country") return deployment.country === value ? undefined : "country_pin";
  if (kind === "europe") return isEuropean(deployment.country) ? undefined : "region_pin";
  return zone !== undefined && zone === zones.get(value) ? undefined : "zone_pin";
}

/** How it is known where a route computes. */
export function basisOf({ deployment, endpoint }: Route): Deployment["basis"] {
  const { basis } = deployment;
  // An operator knows where its own address leads; elsewhere the weaker of two statements counts.
  return basis === "published" && endpoint.regionBasis === "assumed" ? "assumed" : basis;
}

/** Whether a request is held anywhere. */
export function isPinned({ route }: Ask, { key, account }: Caller, { config }: App): boolean {
  const place = route.region ?? route.country ?? route.gridZone ?? key.region;
  return (place ?? account.routing?.region) !== undefined || config.routing.euOnly;
}
