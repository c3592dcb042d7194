import type { Endpoint, Model, Provider, ProviderRegion } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import { isSpoken } from "#src/dialect/upstreams.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import { awsPlaces } from "#src/provider/aws-places.ts";
import { azurePlaces, isAzure } from "#src/provider/azure-places.ts";
import { credentialOf, proofOf } from "#src/provider/credential.ts";
import type { Deployment, DeploymentKey } from "#src/provider/deployment.ts";
import { firstSecret, placeAt, type Site, trimSlashes } from "#src/provider/site.ts";
import { vertexPlaces } from "#src/provider/vertex-places.ts";

/**
 * Where requests can go: each provider with a credential (or none needed), in each region that is enabled.
 * The clock dates signatures and tokens. Throws ConfigError for what is configured of a cloud and cannot be used.
 */
export function deployments(
  providers: Provider[],
  config: Config,
  clock: Clock = systemClock,
): Deployment[] {
  return providers.flatMap((provider) => {
    const settings = config.providers[provider.id] ?? {};
    if (settings.enabled === false) return [];
    if (settings.api_version !== undefined && !isAzure(provider))
      throw new ConfigError(
        `Cannot use api_version of the provider "${provider.id}": only azure has versions`,
      );
    const prefix = provider.id.toUpperCase().replaceAll("-", "_");
    const site: Site = {
      provider,
      settings,
      read: (name) => config.secret(`${prefix}_${name}`),
      secret: config.secret,
      address: settings.base_url ?? config.secret(`${prefix}_BASE_URL`),
      keyNames: settings.api_key_env ? [settings.api_key_env] : provider.env,
      clock,
    };
    return keyedPlaces(site);
  });
}

/** Places with the site's own credential, and with each further key of the environment that is set. */
function keyedPlaces(site: Site): Deployment[] {
  const { settings, keyNames, secret } = site;
  const first = firstSecret(keyNames, secret)?.name;
  const listed = (settings.keys ?? []).filter(({ env }) => secret(env) !== undefined);
  const further = listed.filter(({ env }) => env !== first);
  const places = placesOf(site);
  const own = listed.find(({ env }) => env === first);
  if (further.length === 0 && own === undefined) return places;
  const keyOf = (at: number, { weight = 1, rpm }: { weight?: number; rpm?: number } = {}) => ({
    id: `env_${at + 1}`,
    weight,
    rpm,
    isFallback: false,
  });
  const proven = further.flatMap((key, at) =>
    withKey(placesOf({ ...site, keyNames: [key.env] }), keyOf(at + 1, key)),
  );
  return [...withKey(places.filter(isProven), keyOf(0, own)), ...proven];
}

/** The same places, reached with a certain credential. */
export function withKey(places: readonly Deployment[], key: DeploymentKey): Deployment[] {
  return places.map((place) => ({ ...place, key }));
}

/** Whether a place is reached with a credential, and not only by its address. */
export function isProven({ provider: { auth }, headers, signer }: Deployment): boolean {
  if (signer !== undefined) return true;
  const own = auth.type === "header" ? Object.keys(auth.extra ?? {}).length : 0;
  return Object.keys(headers).length > own;
}

/** Places of a site, as its provider wants to be asked. Throws ConfigError for what a cloud cannot use. */
export function placesOf(site: Site): Deployment[] {
  const { provider } = site;
  if (provider.auth.type === "sigv4") return awsPlaces(site);
  if (provider.auth.type === "oauth2") return vertexPlaces(site);
  return isAzure(provider) ? azurePlaces(site) : plainPlaces(site);
}

/** Places of a provider that takes a key, or none, in a header. */
function plainPlaces(site: Site): Deployment[] {
  const { provider, settings, address } = site;
  const key = firstSecret(site.keyNames, site.secret);
  const addressed = address !== undefined || settings.base_urls !== undefined;
  if (key === undefined && !addressed) return [];
  if (provider.selfHosted && !addressed && provider.baseUrl === "") return [];

  const credential = key && credentialOf({ kind: "key", key: key.value }, site.clock, key.name);
  const proof = proofOf(provider, credential);
  const named = settings.region ?? site.read("REGION");
  const make = (region: string, url: string) => {
    const place = placeAt(site, { region, url, ...proof });
    if (place.basis !== "published") return place;
    // Where another address computes the operator says: what a provider publishes is about its own.
    const known = provider.regions.find(({ id }) => id === region);
    const isOwn = known !== undefined && isSameUrl(url, regionAddress(provider, known));
    return isOwn ? place : { ...place, basis: "operator-config" as const };
  };
  if (settings.base_urls) {
    return Object.entries(settings.base_urls).map(([region, url]) => make(region, url));
  }
  const home = provider.regions[0]?.id ?? "global";
  if (address !== undefined) {
    const regions = named ? [named] : settings.regions;
    if (regions !== undefined) return regions.map((region) => make(region, address));
    const own = ownRegion(provider, address);
    if (own !== undefined) return [make(own.id, address)];
    const place = placeAt(site, { region: home, url: address, ...proof });
    // What the provider publishes of itself is not said of somebody else's address.
    return [place.basis === "published" ? { ...place, basis: "assumed" } : place];
  }
  const wanted = new Set([home, ...(settings.regions ?? []), ...(named ? [named] : [])]);
  return [...wanted].flatMap((id) => {
    const region = provider.regions.find((one) => one.id === id);
    const url = region && regionAddress(provider, region);
    // An address with a place that nothing fills leads nowhere.
    return url === undefined || url.includes("{") ? [] : [make(id, url)];
  });
}

/** The region whose published address this is; undefined for any other address. */
function ownRegion(provider: Provider, address: string): ProviderRegion | undefined {
  return provider.regions.find((one) => isSameUrl(address, regionAddress(provider, one)));
}

function isSameUrl(one: string, other: string): boolean {
  return trimSlashes(one) === trimSlashes(other);
}

function regionAddress(provider: Provider, region: ProviderRegion): string {
  return region.baseUrl ?? provider.baseUrl;
}

/** The endpoint of a model that a deployment serves, or undefined. */
export function endpointAt(model: Model, deployment: Deployment): Endpoint | undefined {
  const offered = model.endpoints
    .filter((endpoint) => endpoint.provider === deployment.provider.id)
    .flatMap((endpoint) => spokenAt(endpoint, deployment) ?? []);
  const here = offered.find(
    (endpoint) => endpoint.regions.includes(deployment.region) || endpoint.regions.includes("*"),
  );
  // An address that the operator gave serves what the provider offers anywhere, in the operator's region.
  return here ?? (deployment.basis === "operator-config" ? offered[0] : undefined);
}

/** A model of Bedrock that is called in one region and computes in one of several. */
export const crossRegion = /^(us|us-gov|eu|apac|jp|au|ca|in|global)\./;

/** The endpoint as this address takes it; undefined where it is at another address of the provider, or not spoken. */
function spokenAt(
  endpoint: Endpoint,
  { provider, basis, serves }: Deployment,
): Endpoint | undefined {
  if (serves !== undefined)
    return serves(endpoint) && isSpoken(endpoint.protocol) ? endpoint : undefined;
  if (provider.protocol !== "bedrock-converse" || provider.auth.type !== "sigv4") {
    const sameFamily = familyOf(endpoint.protocol) === familyOf(provider.protocol);
    return sameFamily && isSpoken(endpoint.protocol) ? endpoint : undefined;
  }
  if (crossRegion.test(endpoint.upstreamModel) !== (basis === "assumed")) return undefined;
  if (endpoint.protocol === "bedrock-converse") return endpoint;
  // Converse takes every model of Anthropic; the Messages wire has another path, host or body there.
  const converse = endpoint.protocol === "anthropic-messages";
  return converse ? { ...endpoint, protocol: "bedrock-converse" } : undefined;
}

/** `openai` of `openai-chat`: wires of one family are paths below one address. */
function familyOf(protocol: Endpoint["protocol"]): string {
  const [family = protocol] = protocol.split("-");
  return family;
}
