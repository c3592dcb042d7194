import type { Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import { awsCredential } from "#src/provider/aws-credentials.ts";
import { proofOf } from "#src/provider/credential.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import { placeAt, type Site } from "#src/provider/site.ts";

/** A region by our name and by AWS's. */
interface AwsRegion {
  id: string;
  native: string;
}

/**
 * Places in AWS, whose every region has its own address: those that are named, by configuration or else by
 * AWS's own variables. Each is there twice: a profile that spans regions is called at one of them and may
 * compute in another, so for those models the region is assumed, and no request pinned to it goes there.
 * Profiles that span the world are called at the first region. Throws ConfigError for a configured region
 * that is not known.
 */
export function awsPlaces(site: Site): Deployment[] {
  const { provider, settings, address } = site;
  const own = settings.region ?? site.read("REGION");
  const configured = settings.base_urls
    ? Object.keys(settings.base_urls)
    : [...(settings.regions ?? []), ...(own ? [own] : [])];
  const isNamed = configured.length > 0 || site.secret("AWS_REGION") !== undefined;
  const credential = awsCredential(site, isNamed);
  if (credential === undefined && address === undefined && !settings.base_urls) return [];
  const regions = awsRegions(provider, configured, site.secret);
  return regions.flatMap(({ id, native }, at): Deployment[] => {
    const url =
      settings.base_urls?.[id] ??
      settings.base_urls?.[native] ??
      address ??
      provider.baseUrl.replace("{region}", native);
    const proof = proofOf(provider, credential, native);
    const place = placeAt(site, { region: id, url, ...proof });
    const spanning: Deployment = { ...place, basis: "assumed" };
    if (at > 0) return [place, spanning];
    const world = placeAt(site, { region: "global", url, ...proof });
    return [place, spanning, { ...world, basis: "assumed" }];
  });
}

/** Regions that are named, each by either of its names: by configuration, or else by AWS's own variables. */
function awsRegions(
  provider: Provider,
  configured: readonly string[],
  secret: Site["secret"],
): AwsRegion[] {
  const known = provider.regions.flatMap(({ id, native }) => (native ? [{ id, native }] : []));
  const find = (name: string) => known.find(({ id, native }) => id === name || native === name);
  if (configured.length > 0) {
    const found = configured.map((name) => {
      const region = find(name);
      if (region !== undefined) return region;
      const names = known.map(({ id, native }) => `${id} (${native})`).join(", ");
      throw new ConfigError(
        `Cannot use the region "${name}" for the provider "${provider.id}": known are ${names}`,
      );
    });
    return [...new Set(found)];
  }
  // Set for other tools as well: a region that the catalogue lacks is no mistake there.
  const ambient = secret("AWS_REGION") ?? secret("AWS_DEFAULT_REGION");
  const region = ambient === undefined ? undefined : find(ambient);
  return region ? [region] : [];
}
