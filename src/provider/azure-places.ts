import type { Endpoint, Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import { rawTextOf } from "#src/dialect/raw-text.ts";
import { membersOf } from "#src/dialect/splice.ts";
import { credentialOf, proofOf } from "#src/provider/credential.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import { firstSecret, isBare, placeAt, type Site, trimSlashes } from "#src/provider/site.ts";
import { modelIn } from "#src/provider/vertex-claude.ts";

/** Whether a provider gives every customer a host of its own. */
export function isAzure({ baseUrl }: Provider): boolean {
  return baseUrl.includes("{resource}");
}

/**
 * Places of Azure OpenAI: at the operator's resource, in the region that the operator says, for Azure tells none.
 * With a version of the older interface, the deployment stands in the path. Throws ConfigError for a version that is none.
 */
export function azurePlaces(site: Site): Deployment[] {
  const { provider, settings } = site;
  const version = versionOf(site);
  const key = firstSecret(site.keyNames, site.secret);
  const credential = key && credentialOf({ kind: "key", key: key.value }, site.clock, key.name);
  const proof = proofOf(provider, credential);
  const shaped = version === undefined ? {} : olderInterface(version);
  const make = (name: string, url: string): Deployment => {
    // Azure's own name of a region is as good as ours.
    const region = provider.regions.find(({ native }) => native === name)?.id ?? name;
    const whole = isBare(trimSlashes(url)) ? trimSlashes(url) + belowHost(version) : url;
    const place = placeAt(site, { region, url: whole, ...proof, ...shaped });
    if (!hasResponses(version)) place.alsoSpeaks = settings.also_speaks ?? [];
    // What the operator deployed is served there, whatever the catalogue has seen in that region.
    if (settings.deployments) place.basis = "operator-config";
    return place;
  };
  if (settings.base_urls)
    return Object.entries(settings.base_urls).map(([region, url]) => make(region, url));
  const url = site.address ?? resourceAddress(site, version);
  if (url === undefined || (key === undefined && site.address === undefined)) return [];
  const named = settings.region ?? site.read("REGION");
  const home = provider.regions[0]?.id ?? "global";
  const regions = named ? [named] : (settings.regions ?? [home]);
  return regions.map((region) => make(region, url));
}

/** Where a resource is: by its endpoint as its SDKs take it, or by its name. */
function resourceAddress(site: Site, version: string | undefined): string | undefined {
  const endpoint = site.secret("AZURE_OPENAI_ENDPOINT");
  if (endpoint !== undefined) return endpoint;
  const name = site.read("RESOURCE_NAME");
  if (name === undefined) return undefined;
  const whole = site.provider.baseUrl.replaceAll("{resource}", () => encodeURIComponent(name));
  return new URL(whole).origin + belowHost(version);
}

/** Where the interface is at a host. */
function belowHost(version: string | undefined): string {
  return version === undefined ? "/openai/v1" : "/openai";
}

/** The older interface has Responses since 2025-03-01-preview. */
function hasResponses(version: string | undefined): boolean {
  return version === undefined || version >= "2025-03-01";
}

function versionOf({ settings, read, secret }: Site): string | undefined {
  const version = settings.api_version ?? read("API_VERSION") ?? secret("OPENAI_API_VERSION");
  // The newer interface calls itself so, and takes no version.
  if (version === undefined || version === "v1") return undefined;
  if (/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) return version;
  throw new ConfigError(
    `Cannot use "${version}" as api_version of the provider "azure": give one such as 2024-10-21, or none for the interface without versions`,
  );
}

/** Paths of the older interface that stand below a deployment. */
const deployed: ReadonlySet<string> = new Set(["/chat/completions", "/completions", "/embeddings"]);

function olderInterface(version: string): Pick<Deployment, "reshape" | "serves"> {
  const reshape = atDeployment(version);
  if (hasResponses(version)) return { reshape };
  const serves = ({ protocol }: Endpoint) =>
    protocol.startsWith("openai-") && protocol !== "openai-responses";
  return { reshape, serves };
}

function atDeployment(version: string): NonNullable<Deployment["reshape"]> {
  return (path, body) => {
    const query = `${path.includes("?") ? "&" : "?"}api-version=${version}`;
    if (body === undefined || !deployed.has(path)) return { path: path + query, body };
    const raw = rawTextOf(body);
    const model = modelIn(raw, membersOf(raw));
    return { path: `/deployments/${encodeURIComponent(model)}${path}${query}`, body };
  };
}
