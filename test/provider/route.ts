import type { Route } from "#src/provider/deployment.ts";
import { deploymentAt } from "#test/provider/deployment.ts";

/** A route to a model at a provider in a region, without a price or a footprint. */
export function routeAt(provider: string, region: string, model: string): Route {
  const place = deploymentAt("http://127.0.0.1:1/v1");
  const deployment = { ...place, provider: { ...place.provider, id: provider }, region };
  const origin = { source: "test", read: "" };
  const contextWindow = 128_000;
  const endpoint: Route["endpoint"] = {
    id: `${model}#${provider}`,
    provider,
    upstreamModel: model,
    protocol: "openai-chat",
    regions: [region],
    regionBasis: "operator-config",
    contextWindow,
    prices: [],
    dataPolicy: deployment.provider.dataPolicy,
    selfHosted: true,
  };
  return {
    model: {
      id: model,
      author: provider,
      name: model,
      kind: "chat",
      openWeights: false,
      contextWindow,
      inputModalities: ["text"],
      outputModalities: ["text"],
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
      },
      aliases: [],
      status: "active",
      endpoints: [endpoint],
      ...origin,
    },
    endpoint,
    deployment,
    gridGPerKwh: undefined,
    carbonPer1k: undefined,
    activeB: undefined,
    price: undefined,
  };
}
