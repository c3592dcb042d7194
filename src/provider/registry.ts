import type { Config } from "#src/config/load.ts";
import type { ProviderConfig } from "#src/config/schema.ts";
import type { Endpoint, Model, Provider, ProviderRegion } from "#src/catalog/model.ts";
import { isSpoken } from "#src/dialect/upstreams.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import {
  awsCredential,
  awsRegions,
  bedrockSigner,
  type SigningDeployment,
} from "#src/provider/aws-credentials.ts";
import type { Deployment } from "#src/provider/deployment.ts";

/** Version segments that a bare host gets, as the providers' own SDKs add them. */
const versionPath: Record<string, string> = {
  "anthropic-messages": "/v1",
  gemini: "/v1beta",
  "cohere-v2": "/v2",
};

/** The catalogue's providers and models with those that the configuration file adds. */
export function withConfigured(
  catalogue: { providers: Provider[]; models: Model[] },
  config: Config,
): { providers: Provider[]; models: Model[] } {
  const known = new Set(catalogue.providers.map((provider) => provider.id));
  const added = Object.entries(config.providers)
    .filter(([id]) => !known.has(id))
    .map(([id, entry]): Provider => {
      const origin = { source: "operator configuration", read: "" };
      return {
        id,
        name: entry.name ?? id,
        protocol: entry.protocol ?? "openai-chat",
        baseUrl: entry.base_url ?? "",
        auth:
          entry.protocol === "anthropic-messages"
            ? {
                type: "header",
                header: "x-api-key",
                format: "{key}",
                extra: { "anthropic-version": "2023-06-01" },
              }
            : entry.protocol === "gemini"
              ? { type: "header", header: "x-goog-api-key", format: "{key}" }
              : { type: "header", header: "Authorization", format: "Bearer {key}" },
        env: entry.api_key_env ? [entry.api_key_env] : [],
        regions: [
          { id: entry.region ?? "local", country: entry.country, basis: "operator-config" },
        ],
        dataPolicy: { trainsOnData: null, retentionDays: null, zdr: "unknown", ...origin },
        selfHosted: true,
        ...origin,
      };
    });
  const providers = [...catalogue.providers, ...added];
  return { providers, models: withConfiguredModels(catalogue.models, providers, config) };
}

function withConfiguredModels(models: Model[], providers: Provider[], config: Config): Model[] {
  const all = new Map(models.map((model) => [model.id, model]));
  for (const entry of config.models) {
    const provider = providers.find((one) => one.id === entry.provider);
    const base = all.get(entry.id);
    const origin = { source: "operator configuration", read: "" };
    const contextWindow = entry.context_window ?? base?.contextWindow ?? 128_000;
    const endpoint: Endpoint = {
      id: `${entry.id}#${entry.provider}:configured`,
      provider: entry.provider,
      upstreamModel: entry.upstream ?? entry.id.slice(entry.id.indexOf("/") + 1),
      protocol: provider?.protocol ?? "openai-chat",
      regions: ["*"],
      regionBasis: "operator-config",
      contextWindow,
      maxOutputTokens: entry.max_output_tokens ?? base?.maxOutputTokens,
      prices:
        entry.input_per_million === undefined || entry.output_per_million === undefined
          ? []
          : [
              {
                input: String(entry.input_per_million),
                output: String(entry.output_per_million),
                ...origin,
              },
            ],
      dataPolicy: { trainsOnData: null, retentionDays: null, zdr: "unknown", ...origin },
      selfHosted: true,
    };
    const capabilities = base?.capabilities ?? {
      tools: entry.tools ?? true,
      structuredOutputs: entry.json_schema ?? true,
      jsonMode: true,
      reasoning: false,
      streaming: true,
      vision: entry.vision ?? false,
      pdf: false,
      audio: false,
      samplingParams: true,
      promptCaching: false,
    };
    all.set(entry.id, {
      ...(base ?? {
        id: entry.id,
        author: entry.id.slice(0, entry.id.indexOf("/")),
        name: entry.id.slice(entry.id.indexOf("/") + 1),
        kind: entry.kind ?? "chat",
        openWeights: false,
        contextWindow,
        inputModalities: entry.vision ? ["text", "image"] : ["text"],
        outputModalities: ["text"],
        aliases: [],
        status: "active",
        ...origin,
      }),
      capabilities,
      endpoints: [...(base?.endpoints ?? []), endpoint],
    });
  }
  return [...all.values()];
}

/**
 * Where requests can go: each provider with a credential (or none needed), in each region that is enabled.
 * The clock dates signatures. Throws ConfigError for a region of AWS that is configured and not known.
 */
export function deployments(
  providers: Provider[],
  config: Config,
  clock: Clock = systemClock,
): SigningDeployment[] {
  return providers.flatMap((provider) => {
    const settings = config.providers[provider.id] ?? {};
    if (settings.enabled === false || provider.auth.type === "oauth2") return [];
    const prefix = provider.id.toUpperCase().replaceAll("-", "_");
    const site: Site = {
      provider,
      settings,
      read: (name) => config.secret(`${prefix}_${name}`),
      secret: config.secret,
      address: settings.base_url ?? config.secret(`${prefix}_BASE_URL`),
      keyNames: settings.api_key_env ? [settings.api_key_env] : provider.env,
    };
    return provider.auth.type === "sigv4" ? awsPlaces(site, clock) : placesOf(site);
  });
}

/** A provider and what the operator says about it. */
interface Site {
  provider: Provider;
  settings: ProviderConfig;
  /** A variable that begins with the provider's name. */
  read(name: string): string | undefined;
  secret(name: string): string | undefined;
  /** The operator's address for it, instead of its own. */
  address: string | undefined;
  /** Variables that may hold the key. */
  keyNames: readonly string[];
}

function placesOf(site: Site): Deployment[] {
  const { provider, settings, address } = site;
  const key = site.keyNames.map(site.secret).find((value) => value !== undefined);
  const addressed = address !== undefined || settings.base_urls !== undefined;
  if (key === undefined && !addressed) return [];
  if (provider.selfHosted && !addressed && provider.baseUrl === "") return [];

  const headers = credentialHeaders(provider, key);
  const named = settings.region ?? site.read("REGION");
  const make = (region: string, url: string) => placeAt(site, region, url, headers);
  if (settings.base_urls) {
    return Object.entries(settings.base_urls).map(([region, url]) => make(region, url));
  }
  const home = provider.regions[0]?.id ?? "global";
  const whole = address ?? ofResource(site);
  if (whole !== undefined) {
    const regions = named ? [named] : (settings.regions ?? [home]);
    return regions.map((region) => make(region, whole));
  }
  const wanted = new Set([home, ...(settings.regions ?? []), ...(named ? [named] : [])]);
  return [...wanted].flatMap((id) => {
    const region = provider.regions.find((one) => one.id === id);
    const url = region && regionAddress(provider, region);
    // An address with a place that nothing fills leads nowhere.
    return url === undefined || url.includes("{") ? [] : [make(id, url)];
  });
}

function placeAt(
  { provider, settings, read, address }: Site,
  region: string,
  url: string,
  headers: Record<string, string>,
): Deployment {
  const known = provider.regions.find((one) => one.id === region);
  const country = settings.country ?? read("COUNTRY");
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
    headers,
  };
}

function regionAddress(provider: Provider, region: ProviderRegion): string {
  return region.baseUrl ?? provider.baseUrl;
}

/** The address of a provider that gives every customer a host of its own; undefined for others. */
function ofResource({ provider, read }: Site): string | undefined {
  const name = read("RESOURCE_NAME");
  if (name === undefined || !provider.baseUrl.includes("{resource}")) return undefined;
  return provider.baseUrl.replaceAll("{resource}", encodeURIComponent(name));
}

/**
 * Places in AWS, whose every region has its own address: those that are named, by configuration or else by
 * AWS's own variables. Each is there twice: a profile that spans regions is called at one of them and may
 * compute in another, so for those models the region is assumed, and no request pinned to it goes there.
 */
function awsPlaces(site: Site, clock: Clock): SigningDeployment[] {
  const { provider, settings, address } = site;
  const credential = awsCredential(site.secret, site.keyNames);
  if (credential === undefined && address === undefined && !settings.base_urls) return [];
  const headers: Record<string, string> =
    credential && "bearer" in credential ? { authorization: `Bearer ${credential.bearer}` } : {};
  const own = settings.region ?? site.read("REGION");
  const configured = settings.base_urls
    ? Object.keys(settings.base_urls)
    : [...(settings.regions ?? []), ...(own ? [own] : [])];
  return awsRegions(provider, configured, site.secret).flatMap(
    ({ id, native }): SigningDeployment[] => {
      const url =
        settings.base_urls?.[id] ??
        settings.base_urls?.[native] ??
        address ??
        provider.baseUrl.replace("{region}", native);
      const place = placeAt(site, id, url, headers);
      const signs = credential !== undefined && "accessKeyId" in credential;
      const whole = signs ? { ...place, sign: bedrockSigner(credential, native, clock) } : place;
      return [whole, { ...whole, basis: "assumed" }];
    },
  );
}

function credentialHeaders(provider: Provider, key: string | undefined): Record<string, string> {
  if (provider.auth.type !== "header") return {};
  const headers = { ...provider.auth.extra };
  if (key !== undefined) headers[provider.auth.header] = provider.auth.format.replace("{key}", key);
  return headers;
}

function normalise(address: string, provider: Provider): string {
  const trimmed = address.replace(/\/+$/, "");
  const version = versionPath[provider.protocol];
  const bare = /^[a-z]+:\/\/[^/]+$/i.test(trimmed);
  return bare && version ? trimmed + version : trimmed;
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
function spokenAt(endpoint: Endpoint, { provider, basis }: Deployment): Endpoint | undefined {
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
