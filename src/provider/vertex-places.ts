import cloudFile from "#data/cloud-regions.json" with { type: "json" };
import type { Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import { readFileSync } from "node:fs";
import { type Credential, proofOf } from "#src/provider/credential.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import {
  googleTokens,
  readServiceAccount,
  type ServiceAccount,
} from "#src/provider/google-token.ts";
import { firstSecret, isBare, placeAt, type Site, trimSlashes } from "#src/provider/site.ts";
import { claudeAtVertex } from "#src/provider/vertex-claude.ts";

/** A location of Google Cloud by its own name, and what of our place it stands for. */
interface Location {
  native: string;
  region: string;
  /** Set where the catalogue has another location for this region. */
  other?: { gridZone: string };
}

/**
 * Places at Vertex AI: the global one and every location that is named, each with Google's own models, Claude
 * and the open models, which have addresses of their own. Throws ConfigError for a credential or a location
 * that cannot be used, and where no project is named.
 */
export function vertexPlaces(site: Site): Deployment[] {
  const { settings, address } = site;
  const account = accountOf(site);
  if (account === undefined && address === undefined && !settings.base_urls) return [];
  const project = site.secret("GOOGLE_CLOUD_PROJECT") ?? account?.project;
  if (project === undefined)
    throw new ConfigError(
      'Cannot use the provider "vertex": no project is named. Set GOOGLE_CLOUD_PROJECT, or give a service account with a "project_id"',
    );
  const tokens = account && googleTokens(account, site.clock);
  const credential: Credential | undefined = tokens && { kind: "google", tokens };
  return locationsOf(site).flatMap((location) => {
    const { native, region } = location;
    const whole = settings.base_urls?.[region] ?? settings.base_urls?.[native] ?? address;
    const below = `/projects/${encodeURIComponent(project)}/locations/${native}`;
    return publishersAt(site, location, rootOf(whole, native) + below, credential);
  });
}

function publishersAt(
  site: Site,
  { region, other }: Location,
  url: string,
  credential: Credential | undefined,
): Deployment[] {
  const proof = proofOf(site.provider, credential);
  const at = (spot: Pick<Deployment, "serves" | "reshape"> & { path: string }): Deployment => {
    const { path, ...asked } = spot;
    const place = placeAt(site, { region, url: url + path, ...asked, ...proof });
    // The operator chose a location that the catalogue does not name, so its grid is that of the location.
    return other === undefined
      ? place
      : { ...place, basis: "operator-config", country: undefined, gridZone: other.gridZone };
  };
  return [
    at({ path: "/publishers/google", serves: ({ protocol }) => protocol === "gemini" }),
    at({
      path: "/publishers/anthropic",
      serves: ({ protocol }) => protocol === "anthropic-messages",
      reshape: claudeAtVertex,
    }),
    at({
      path: "/endpoints/openapi",
      // Models without a publisher in their name are at addresses of that publisher, in its own wire.
      serves: ({ protocol, upstreamModel }) =>
        protocol === "openai-chat" && upstreamModel.includes("/"),
    }),
  ];
}

/** The service account: of a variable that holds its JSON, or names its file. */
function accountOf({ keyNames, secret }: Site): ServiceAccount | undefined {
  const found = firstSecret(keyNames, secret);
  if (found === undefined) return undefined;
  const { name, value } = found;
  if (value.trimStart().startsWith("{")) return readServiceAccount(value, name);
  let json: string;
  try {
    json = readFileSync(value, "utf8");
  } catch (cause) {
    throw new ConfigError(
      `Cannot read the Google credential that ${name} names: "${value}" is no readable file. Give the path of a service account's JSON key, or set enabled = false in [providers.vertex]`,
      { cause },
    );
  }
  return readServiceAccount(json, name);
}

/** Scheme, host and version of a location. */
function rootOf(address: string | undefined, native: string): string {
  if (address !== undefined) {
    const trimmed = trimSlashes(address);
    return isBare(trimmed) ? `${trimmed}/v1` : trimmed;
  }
  const host = native === "global" ? "" : `${native}-`;
  return `https://${host}aiplatform.googleapis.com/v1`;
}

function locationsOf({ provider, settings, read, secret }: Site): Location[] {
  const own = settings.region ?? read("REGION");
  const configured = settings.base_urls
    ? Object.keys(settings.base_urls)
    : [...(settings.regions ?? []), ...(own ? [own] : [])];
  const named = configured.map((name) => {
    const location = locationOf(provider, name);
    if (location !== undefined) return location;
    const ids = provider.regions.map(({ id, native }) => (native ? `${id} (${native})` : id));
    throw new ConfigError(
      `Cannot use the region "${name}" for the provider "${provider.id}": known are ${ids.join(", ")} and Google's own names of its locations`,
    );
  });
  if (settings.base_urls) return named;
  // Set for other tools as well: a location that we do not know is no mistake there.
  const ambient = named.length > 0 ? undefined : secret("GOOGLE_CLOUD_LOCATION");
  const further = ambient === undefined ? undefined : locationOf(provider, ambient);
  const all = [everywhere, ...named, ...(further ? [further] : [])];
  return [...new Map(all.map((location) => [location.native, location])).values()];
}

const everywhere: Location = { native: "global", region: "global" };

function locationOf({ regions }: Provider, name: string): Location | undefined {
  if (name === everywhere.region) return everywhere;
  const known = regions.find(({ id, native }) => id === name || native === name);
  if (known?.native !== undefined) return { native: known.native, region: known.id };
  const site = cloudFile.regions.find((row) => row.provider === "gcp" && row.region === name);
  return site && { native: name, region: site.coarseRegion, other: { gridZone: site.gridZone } };
}
