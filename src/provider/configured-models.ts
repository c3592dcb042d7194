import type { Capabilities, Endpoint, Model, Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import type { ModelConfig } from "#src/config/schema.ts";
import { operatorOrigin, ownPrices, pricesAsSaid } from "#src/provider/configured-prices.ts";

/**
 * The models with those of the configuration file: at a provider that is known to have it, a model is as the entry says;
 * at any other it gets a further endpoint, and one that nobody knows is added. Throws ConfigError for a known model that
 * is said to be of another kind, and for two entries for what is known.
 */
export function withConfiguredModels(
  models: Model[],
  providers: Provider[],
  config: Config,
): Model[] {
  const all = new Map(models.map((model) => [model.id, model]));
  const bundled = new Set(
    models.flatMap((model) => model.endpoints.map((one) => pairOf(model.id, one.provider))),
  );
  const said = new Set<string>();
  for (const entry of config.models) {
    const provider = providers.find((one) => one.id === entry.provider);
    const known = all.get(entry.id);
    const pair = pairOf(entry.id, entry.provider);
    if (bundled.has(pair) && said.has(pair)) throw saidTwice(entry);
    said.add(pair);
    if (known === undefined) all.set(entry.id, own(entry, provider));
    else all.set(entry.id, (bundled.has(pair) ? changed : further)(known, entry, provider));
  }
  return [...all.values()];
}

function pairOf(model: string, provider: string): string {
  return `${provider} ${model}`;
}

function saidTwice({ id, provider }: ModelConfig): ConfigError {
  return new ConfigError(
    `Cannot use two entries of models for "${id}" at "${provider}": it is bundled, and each would change it. Put what both say into one`,
  );
}

/** A model that nobody knew. */
function own(entry: ModelConfig, provider: Provider | undefined): Model {
  const slash = entry.id.indexOf("/");
  const contextWindow = entry.context_window ?? 128_000;
  return {
    id: entry.id,
    author: entry.id.slice(0, slash),
    name: entry.id.slice(slash + 1),
    kind: entry.kind ?? "chat",
    openWeights: false,
    contextWindow,
    inputModalities: entry.vision ? ["text", "image"] : ["text"],
    outputModalities: ["text"],
    aliases: [],
    status: "active",
    ...operatorOrigin,
    capabilities: {
      tools: true,
      structuredOutputs: true,
      jsonMode: true,
      reasoning: false,
      streaming: true,
      vision: false,
      pdf: false,
      audio: false,
      samplingParams: true,
      promptCaching: false,
      ...abilitiesOf(entry),
    },
    endpoints: [endpointOf(entry, provider, { contextWindow })],
  };
}

/** A model that is known, with a further endpoint. */
function further(model: Model, entry: ModelConfig, provider: Provider | undefined): Model {
  refuseOtherKind(model, entry);
  const endpoint = { ...endpointOf(entry, provider, model), ...abilitiesSaid(entry) };
  const endpoints = model.endpoints.map((one) =>
    one.provider === entry.provider ? { ...one, ...abilitiesSaid(entry) } : one,
  );
  return { ...model, endpoints: [...endpoints, endpoint] };
}

/**
 * A model that is known at the provider of an entry, with what the entry says there. Under a name that the entry gives,
 * it is had in regions that the catalogue does not know of, too.
 */
function changed(model: Model, entry: ModelConfig, provider: Provider | undefined): Model {
  refuseOtherKind(model, entry);
  const endpoints = model.endpoints.map((one) =>
    one.provider === entry.provider ? endpointAsSaid(one, entry) : one,
  );
  if (entry.upstream === undefined) return { ...model, endpoints };
  const elsewhere = { ...endpointOf(entry, provider, model), ...abilitiesSaid(entry) };
  return { ...model, endpoints: [...endpoints, elsewhere] };
}

function endpointAsSaid(endpoint: Endpoint, entry: ModelConfig): Endpoint {
  const most = entry.max_output_tokens ?? endpoint.maxOutputTokens;
  return {
    ...endpoint,
    upstreamModel: entry.upstream ?? endpoint.upstreamModel,
    contextWindow: entry.context_window ?? endpoint.contextWindow,
    ...(most === undefined ? {} : { maxOutputTokens: most }),
    prices: pricesAsSaid(endpoint.prices, entry),
    ...abilitiesSaid(entry),
  };
}

function refuseOtherKind({ kind }: Model, entry: ModelConfig): void {
  if (entry.kind === undefined || entry.kind === kind) return;
  throw new ConfigError(
    `Cannot use kind = "${entry.kind}" of models "${entry.id}": that model is known, and its kind is ${kind}. Leave kind out, or give an id of your own`,
  );
}

/** What an entry says of abilities, which holds at its provider alone. */
function abilitiesSaid(entry: ModelConfig): Pick<Endpoint, "abilities"> {
  const abilities = abilitiesOf(entry);
  return Object.keys(abilities).length > 0 ? { abilities } : {};
}

function abilitiesOf({ tools, vision, json_schema: schema }: ModelConfig): Partial<Capabilities> {
  return {
    ...(tools === undefined ? {} : { tools }),
    ...(vision === undefined ? {} : { vision }),
    ...(schema === undefined ? {} : { structuredOutputs: schema }),
  };
}

function endpointOf(
  entry: ModelConfig,
  provider: Provider | undefined,
  model: Pick<Model, "contextWindow" | "maxOutputTokens">,
): Endpoint {
  const { id } = entry;
  return {
    id: `${id}#${entry.provider}:configured`,
    provider: entry.provider,
    upstreamModel: entry.upstream ?? id.slice(id.indexOf("/") + 1),
    protocol: provider?.protocol ?? "openai-chat",
    regions: ["*"],
    regionBasis: "operator-config",
    contextWindow: entry.context_window ?? model.contextWindow,
    maxOutputTokens: entry.max_output_tokens ?? model.maxOutputTokens,
    prices: ownPrices(entry),
    dataPolicy: { trainsOnData: null, retentionDays: null, zdr: "unknown", ...operatorOrigin },
    selfHosted: true,
  };
}
