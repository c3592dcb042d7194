import type { Endpoint, Model, Protocol, Provider } from "#src/catalog/model.ts";

/** A provider in one region, with an address and a credential: somewhere a request can really go. */
export interface Deployment {
  provider: Provider;
  /** Our region id; `global` where the provider does not say where it computes. */
  region: string;
  basis: "published" | "assumed" | "operator-config";
  /** ISO 3166 alpha-2, when known. */
  country: string | undefined;
  gridZone: string | undefined;
  /** Wires that it takes besides that of an endpoint. */
  alsoSpeaks: readonly Protocol[];
  /** Address without a trailing slash. */
  baseUrl: string;
  /** Headers that carry the credential and what the provider always wants. */
  headers: Record<string, string>;
}

/** A model, at an endpoint, at a deployment: one way to serve a request. */
export interface Route {
  model: Model;
  endpoint: Endpoint;
  deployment: Deployment;
  /** Annual grid intensity where it computes, g CO2e per kWh; absent when unknown. */
  gridGPerKwh: number | undefined;
  /** g CO2e per 1,000 tokens under the default methodology; absent when unknown. */
  carbonPer1k: number | undefined;
  /** Active parameters in billions, middle of the interval; absent when unknown. */
  activeB: number | undefined;
  /** USD per million tokens, prompt and completion, on the day the table was made; absent when unknown. */
  price: { input: number; output: number } | undefined;
}

/** One of each place: a provider in a region at an address, which may be deployed for several kinds of models. */
export function distinctPlaces(deployments: readonly Deployment[]): Deployment[] {
  const name = ({ provider, region, baseUrl }: Deployment) => `${provider.id} ${region} ${baseUrl}`;
  return [...new Map(deployments.map((one) => [name(one), one])).values()];
}
