import type { Config } from "#src/config/load.ts";
import type { Endpoint, Model, Provider, ProviderRegion } from "#src/catalog/model.ts";
import { isSpoken } from "#src/dialect/upstreams.ts";
import type { Deployment } from "#src/provider/deployment.ts";

/** Version segments that a bare host gets, as the providers' own SDKs add them. */
const versionPath: Record<string, string> = { "anthropic-messages": "/v1", gemini: "/v1beta" };

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
        kind: "chat",
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

/** Where requests can go: each provider with a credential (or none needed), in each region that is enabled. */
export function deployments(providers: Provider[], config: Config): Deployment[] {
  return providers.flatMap((provider) => deploymentsOf(provider, config));
}

function deploymentsOf(provider: Provider, config: Config): Deployment[] {
  const settings = config.providers[provider.id] ?? {};
  if (settings.enabled === false) return [];
  const prefix = provider.id.toUpperCase().replaceAll("-", "_");
  const address = settings.base_url ?? config.secret(`${prefix}_BASE_URL`);
  const names = settings.api_key_env ? [settings.api_key_env] : provider.env;
  const key = names.map((name) => config.secret(name)).find((value) => value !== undefined);
  const addressed = address !== undefined || settings.base_urls !== undefined;
  if (provider.auth.type === "oauth2" || provider.auth.type === "sigv4") return [];
  if (key === undefined && !addressed) return [];
  if (provider.selfHosted && !addressed && provider.baseUrl === "") return [];

  const headers = credentialHeaders(provider, key);
  const named = settings.region ?? config.secret(`${prefix}_REGION`);
  const country = settings.country ?? config.secret(`${prefix}_COUNTRY`);
  const make = (region: string, baseUrl: string): Deployment => {
    const known = provider.regions.find((one) => one.id === region);
    return {
      provider,
      region,
      basis: known?.basis ?? "operator-config",
      country: country ?? known?.country,
      gridZone: country === undefined ? known?.gridZone : undefined,
      // Another address than the provider's own may be another server, that speaks less.
      alsoSpeaks: settings.also_speaks ?? (addressed ? [] : (provider.alsoSpeaks ?? [])),
      baseUrl: normalise(baseUrl, provider),
      headers,
    };
  };
  if (settings.base_urls) {
    return Object.entries(settings.base_urls).map(([region, url]) => make(region, url));
  }
  const home = provider.regions[0]?.id ?? "global";
  if (address !== undefined) {
    const regions = named ? [named] : (settings.regions ?? [home]);
    return regions.map((region) => make(region, address));
  }
  const wanted = new Set([home, ...(settings.regions ?? []), ...(named ? [named] : [])]);
  return [...wanted].flatMap((id) => {
    const region = provider.regions.find((one) => one.id === id);
    return region ? [make(id, regionAddress(provider, region))] : [];
  });
}

function regionAddress(provider: Provider, region: ProviderRegion): string {
  return region.baseUrl ?? provider.baseUrl;
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
  const offered = model.endpoints.filter(
    (endpoint) => endpoint.provider === deployment.provider.id && isSpoken(endpoint.protocol),
  );
  const here = offered.find(
    (endpoint) => endpoint.regions.includes(deployment.region) || endpoint.regions.includes("*"),
  );
  // An address that the operator gave serves what the provider offers anywhere, in the operator's region.
  return here ?? (deployment.basis === "operator-config" ? offered[0] : undefined);
}
