import type { Provider, ProviderRegion } from "#src/catalog/model.ts";
import type { ProviderConfig } from "#src/config/schema.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Deployment } from "#src/provider/deployment.ts";

/** A provider and what the operator says about it. */
export interface Site {
  provider: Provider;
  settings: ProviderConfig;
  /** A variable that begins with the provider's name. */
  read(name: string): string | undefined;
  secret(name: string): string | undefined;
  /** The operator's address for it, instead of its own. */
  address: string | undefined;
  /** Variables that may hold the key. */
  keyNames: readonly string[];
  clock: Clock;
}

/** Somewhere a site can be reached: where it computes, and how it is asked. */
export type Spot = Pick<Deployment, "headers" | "signer" | "serves" | "reshape"> & {
  region: string;
  url: string;
};

/** A deployment of the provider, with what the catalogue or the operator says of its region. */
export function placeAt(site: Site, { region, url, ...asked }: Spot): Deployment {
  const { provider, settings, address } = site;
  const known = provider.regions.find((one) => one.id === region);
  const country = countryAt(site, region, known);
  const addressed = address !== undefined || settings.base_urls !== undefined;
  return {
    provider,
    region,
    basis: known?.basis ?? "operator-config",
    country: country ?? known?.country,
    gridZone: country === undefined ? known?.gridZone : undefined,
    // Another address than the provider's own may be another server, that speaks less.
    alsoSpeaks: settings.also_speaks ?? (addressed ? [] : (provider.alsoSpeaks ?? [])),
    baseUrl: normalise(url, provider),
    ...asked,
  };
}

/**
 * The country that the operator says, at the place that it can be about: the one region that is named, or the one place
 * there is. A provider is at once in several places, and a country said of all of them would let requests that are pinned
 * to it out of it: first of all to the place that tells no country.
 */
function countryAt(
  { provider, settings, read, address }: Site,
  region: string,
  known: ProviderRegion | undefined,
): string | undefined {
  const country = settings.country ?? read("COUNTRY");
  if (country === undefined) return undefined;
  const { base_urls: addresses, regions = [], region: named = read("REGION") } = settings;
  const enabled = named === undefined ? regions : [named];
  const meant = addresses === undefined ? enabled : Object.keys(addresses);
  const [only] = meant;
  if (only !== undefined)
    return meant.length === 1 && (only === region || only === known?.native) ? country : undefined;
  if (address !== undefined || provider.regions.length <= 1) return country;
  return region === "global" || known?.country !== undefined ? undefined : country;
}

/** Version segments that a bare host gets, as the providers' own SDKs add them. */
const versionPath: Record<string, string> = {
  "anthropic-messages": "/v1",
  gemini: "/v1beta",
  "cohere-v2": "/v2",
};

function normalise(address: string, provider: Provider): string {
  const trimmed = trimSlashes(address);
  const version = versionPath[provider.protocol];
  return isBare(trimmed) && version ? trimmed + version : trimmed;
}

/** An address without slashes at its end. */
export function trimSlashes(address: string): string {
  return address.replace(/\/+$/, "");
}

/** Whether an address is a host alone. */
export function isBare(address: string): boolean {
  return /^[a-z]+:\/\/[^/]+$/i.test(address);
}

/** The first of these variables that says something, and its name. */
export function firstSecret(
  names: readonly string[],
  secret: Site["secret"],
): { name: string; value: string } | undefined {
  for (const name of names) {
    const value = secret(name);
    if (value !== undefined) return { name, value };
  }
  return undefined;
}
