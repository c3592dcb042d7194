import type { Capabilities, Endpoint, Model, Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import type { ModelConfig } from "#src/config/schema.ts";

const origin = { source: "operator configuration", read: "" };

/**
 * The models with those of the configuration file: one that is known gets a further endpoint, any other is added. Throws
 * ConfigError for a known model that is said to be of another kind.
 */
export function withConfiguredModels(
  models: Model[],
  providers: Provider[],
  config: Config,
): Model[] {
  const all = new Map(models.map((model) => [model.id, model]));
  for (const entry of config.models) {
    const provider = providers.find((one) => one.id === entry.provider);
    const known = all.get(entry.id);
    all.set(entry.id, known === undefined ? own(entry, provider) : further(known, entry, provider));
  }
  return [...all.values()];
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
    ...origin,
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

/** A model that is known, with the endpoint; what the entry says of abilities holds at its provider alone. */
function further(model: Model, entry: ModelConfig, provider: Provider | undefined): Model {
  if (entry.kind !== undefined && entry.kind !== model.kind)
    throw new ConfigError(
      `Cannot use kind = "${entry.kind}" of models "${entry.id}": that model is known, and its kind is ${model.kind}. Leave kind out, or give an id of your own`,
    );
  const abilities = abilitiesOf(entry);
  const said = Object.keys(abilities).length > 0 ? { abilities } : {};
  const endpoint = endpointOf(entry, provider, model);
  return {
    ...model,
    endpoints: [
      ...model.endpoints.map((one) =>
        one.provider === entry.provider ? { ...one, ...said } : one,
      ),
      { ...endpoint, ...said },
    ],
  };
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
  const { id, input_per_million: input, output_per_million: output } = entry;
  return {
    id: `${id}#${entry.provider}:configured`,
    provider: entry.provider,
    upstreamModel: entry.upstream ?? id.slice(id.indexOf("/") + 1),
    protocol: provider?.protocol ?? "openai-chat",
    regions: ["*"],
    regionBasis: "operator-config",
    contextWindow: entry.context_window ?? model.contextWindow,
    maxOutputTokens: entry.max_output_tokens ?? model.maxOutputTokens,
    prices:
      input === undefined || output === undefined
        ? []
        : [{ input: String(input), output: String(output), ...origin }],
    dataPolicy: { trainsOnData: null, retentionDays: null, zdr: "unknown", ...origin },
    selfHosted: true,
  };
}
