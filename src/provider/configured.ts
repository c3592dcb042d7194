import type { Endpoint, Model, Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import { withConfiguredModels } from "#src/provider/configured-models.ts";
import { operatorOrigin } from "#src/provider/configured-prices.ts";

/** The catalogue's providers and models with those that the configuration file adds. Throws ConfigError. */
export function withConfigured(
  catalogue: { providers: Provider[]; models: Model[] },
  config: Config,
): { providers: Provider[]; models: Model[] } {
  const known = new Set(catalogue.providers.map((provider) => provider.id));
  const added = Object.entries(config.providers)
    .filter(([id]) => !known.has(id))
    .map(([id, entry]): Provider => {
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
        dataPolicy: { trainsOnData: null, retentionDays: null, zdr: "unknown", ...operatorOrigin },
        selfHosted: true,
        ...operatorOrigin,
      };
    });
  const providers = [...catalogue.providers.map((one) => asSaid(one, config)), ...added];
  const deployed = withDeployed(catalogue.models, config);
  return { providers, models: withConfiguredModels(deployed, providers, config) };
}

/** A bundled provider by the name that the operator gave it. Throws ConfigError for another wire than its own. */
function asSaid(provider: Provider, config: Config): Provider {
  const { name = provider.name, protocol } = config.providers[provider.id] ?? {};
  if (protocol !== undefined && protocol !== provider.protocol)
    throw new ConfigError(
      `Cannot use protocol = "${protocol}" of providers.${provider.id}: it is bundled and speaks ${provider.protocol}. Leave protocol out, or take a name of your own for another server, as [providers.my-${provider.id}]`,
    );
  return name === provider.name ? provider : { ...provider, name };
}

/**
 * The models by the names that the operator deployed them under: where a provider's deployments are listed, it
 * serves those and what has an entry of its own. Throws ConfigError for a model that the catalogue does not have there.
 */
function withDeployed(models: Model[], config: Config): Model[] {
  const isEntered = (model: string, provider: string) =>
    config.models.some((entry) => entry.id === model && entry.provider === provider);
  let made = models;
  for (const [id, { deployments }] of Object.entries(config.providers)) {
    if (deployments === undefined) continue;
    const wanted = Object.entries(deployments);
    for (const [name, model] of wanted) {
      const served = models.find((one) => one.id === model)?.endpoints ?? [];
      if (served.some(({ provider }) => provider === id)) continue;
      throw new ConfigError(
        `Cannot use the deployment "${name}" of the provider "${id}": the catalogue has no model "${model}" there. Give an id as "lowrouter model list" shows it, or a [[models]] entry with provider = "${id}" and upstream = "${name}"`,
      );
    }
    made = made.map((model) => {
      const names = wanted.flatMap(([name, of]) => (of === model.id ? [name] : []));
      if (names.length === 0 && isEntered(model.id, id)) return model;
      return { ...model, endpoints: model.endpoints.flatMap((one) => deployedAs(one, id, names)) };
    });
  }
  return made;
}

/** An endpoint under each of its deployments' names; an endpoint of another provider stays as it is. */
function deployedAs(endpoint: Endpoint, provider: string, names: readonly string[]): Endpoint[] {
  if (endpoint.provider !== provider) return [endpoint];
  return names.map((name) => ({
    ...endpoint,
    id: names.length > 1 ? `${endpoint.id}:${name}` : endpoint.id,
    upstreamModel: name,
  }));
}
