import type { Provider } from "#src/catalog/model.ts";
import type { Config } from "#src/config/load.ts";
import type { ProviderConfig } from "#src/config/schema.ts";
import type { Clock } from "#src/lib/clock.ts";
import { isAzure } from "#src/provider/azure-places.ts";
import type { SecretFields } from "#src/provider/credential.ts";
import type { Deployment, DeploymentKey } from "#src/provider/deployment.ts";
import { placesOf, withKey } from "#src/provider/registry.ts";
import type { Site } from "#src/provider/site.ts";

/** A credential that was given to the gateway, rather than to its environment. */
export interface StoredCredential {
  key: DeploymentKey;
  secret: SecretFields;
  /** Its own address, instead of the provider's. */
  baseUrl?: string | undefined;
  /** Our region id, or the provider's own name of it; absent: wherever the provider is reached. */
  region?: string | undefined;
  /** Name of the one deployment that it is for, at Azure. */
  deployment?: string | undefined;
}

/** Variables that say where, and nothing of whose. */
const placeNames: ReadonlySet<string> = new Set([
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "GOOGLE_CLOUD_LOCATION",
]);

/**
 * Where a stored credential leads: the provider's places, as the operator's configuration has them, or its own address.
 * Throws ConfigError for a credential or a region that the provider cannot use.
 */
export function storedPlaces(
  provider: Provider,
  credential: StoredCredential,
  config: Config,
  clock: Clock,
): Deployment[] {
  const { key, region, baseUrl } = credential;
  const configured = config.providers[provider.id] ?? {};
  if (configured.enabled === false || !suits(provider, credential.secret)) return [];
  // A resource of the operator's takes no key of anybody else's.
  if (isAzure(provider) && key.accountId !== undefined && baseUrl === undefined) return [];
  const places = placesOf(siteOf(provider, credential, configured, config, clock));
  const native = provider.regions.find((one) => one.native === region)?.id;
  const named = places.filter((place) => place.region === region || place.region === native);
  // A location of a cloud by a name that the catalogue lacks stands in a wider region of ours.
  const isCloud = provider.auth.type === "oauth2" && named.length === 0;
  const beside = isCloud ? places.filter((place) => place.region !== "global") : named;
  const here = region === undefined ? places : beside;
  const isGuarded =
    key.accountId !== undefined && baseUrl !== undefined && !config.limits.byokPrivateAddresses;
  return withKey(here, key).map((place) => (isGuarded ? { ...place, isGuarded } : place));
}

/** Whether a provider takes that kind of credential. */
export function suits({ auth }: Provider, { kind }: Pick<SecretFields, "kind">): boolean {
  if (auth.type === "oauth2") return kind === "google";
  return kind === "key" || (kind === "aws" && auth.type === "sigv4");
}

function siteOf(
  provider: Provider,
  { key, secret, baseUrl, region, deployment }: StoredCredential,
  configured: ProviderConfig,
  config: Config,
  clock: Clock,
): Site {
  const isOwn = key.accountId !== undefined;
  const prefix = provider.id.toUpperCase().replaceAll("-", "_");
  const fields = variablesOf(secret);
  const settings: ProviderConfig = baseUrl === undefined ? { ...configured } : {};
  if (baseUrl !== undefined && !isOwn && configured.api_version !== undefined)
    settings.api_version = configured.api_version;
  // Azure serves what the customer deployed, wherever that is.
  if (deployment !== undefined) settings.deployments ??= {};
  if (region !== undefined && settings.base_urls === undefined) settings.region = region;
  // An account's credential is never completed by the operator's: neither a project nor a resource of its.
  const isOpen = (name: string) => !isOwn || placeNames.has(name);
  const read = (name: string) =>
    baseUrl === undefined || !isOwn ? config.secret(`${prefix}_${name}`) : undefined;
  return {
    provider,
    settings,
    read,
    secret: (name) => {
      if (name in fields) return fields[name];
      return !(name in credentialNames) && isOpen(name) ? config.secret(name) : undefined;
    },
    address: baseUrl ?? settings.base_url ?? read("BASE_URL"),
    keyNames: [theKey],
    clock,
  };
}

const theKey = "the key";

/** Variables of the environment that hold credentials: none of them may take the place of what is stored. */
const credentialNames: Readonly<Record<string, true>> = {
  AWS_ACCESS_KEY_ID: true,
  AWS_SECRET_ACCESS_KEY: true,
  AWS_SESSION_TOKEN: true,
  AWS_BEARER_TOKEN_BEDROCK: true,
};

/** A secret as the places read it: by the names of variables. */
function variablesOf(secret: SecretFields): Record<string, string> {
  switch (secret.kind) {
    case "key":
      return { [theKey]: secret.key };
    case "google":
      return { [theKey]: secret.json };
    case "aws":
      return {
        AWS_ACCESS_KEY_ID: secret.accessKeyId,
        AWS_SECRET_ACCESS_KEY: secret.secretAccessKey,
        ...(secret.sessionToken ? { AWS_SESSION_TOKEN: secret.sessionToken } : {}),
      };
  }
}
