import type { Endpoint, Model, Protocol, Provider } from "#src/catalog/model.ts";
import type { UpstreamBody } from "#src/lib/raw-pieces.ts";
import type { Head } from "#src/provider/exchange.ts";

/** A request as it is about to leave. */
export interface LeavingRequest {
  method: string;
  host: string;
  /** Path and query of the request line. */
  path: string;
  headers: Record<string, string>;
  body: UpstreamBody | undefined;
}

/** Proves requests one by one, where no fixed header does. */
export interface Signer {
  /** Headers to be added; a promise while the credential itself has to be fetched. */
  sign(request: LeavingRequest): Record<string, string> | Promise<Record<string, string>>;
  /** Hears how a proven request was answered, to forget a credential that is refused. */
  answered?(head: Head, proof: Record<string, string>): void;
}

/** One of several credentials for the same place, with limits of its own. */
export interface DeploymentKey {
  /** `pk_…`, or `env_1` for one of the environment. */
  id: string;
  /** Whose own it is; absent: the operator's. */
  accountId?: string | undefined;
  /** Unix milliseconds of its last change: what was learnt before is of no more use. */
  since?: number | undefined;
  /** How often it is taken among its like. */
  weight: number;
  /** Requests per minute. */
  rpm?: number | undefined;
  /** Nano-units at the provider's price, per UTC day and month. */
  dailyBudget?: number | undefined;
  monthlyBudget?: number | undefined;
  /** An account's own that stands in for the operator's, and not before them. */
  isFallback: boolean;
}

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
  /** Whether an endpoint of the provider is at this address; absent: those of the provider's own family of wires. */
  serves?(endpoint: Endpoint): boolean;
  /** Address without a trailing slash. */
  baseUrl: string;
  /** Headers that carry the credential and what the provider always wants. */
  headers: Record<string, string>;
  signer?: Signer;
  /** Which credential it is, where there may be others; absent where it is the only one, or none is needed. */
  key?: DeploymentKey;
  /** An account chose the address: only the public internet may be reached by it. */
  isGuarded?: boolean;
  /** A request in its wire's own form as this address takes it: where the model stands, what the query says. */
  reshape?(path: string, body: UpstreamBody | undefined): Shaped;
}

/** Path below the address, and body. */
export interface Shaped {
  path: string;
  body: UpstreamBody | undefined;
}

/** What the intensity of a grid counts: with or without building and fuel, of what is made or of what is used there. */
export interface GridCounts {
  basis: "lifecycle" | "direct" | "mixed";
  scope: "production" | "consumption" | "generation" | "unstated" | "mixed";
}

/** A model, at an endpoint, at a deployment: one way to serve a request. */
export interface Route {
  model: Model;
  endpoint: Endpoint;
  deployment: Deployment;
  /** Annual grid intensity where it computes, g CO2e per kWh; absent when unknown. */
  gridGPerKwh: number | undefined;
  /** What that figure counts. Two that count unlike things cannot be told apart by their size alone. */
  gridCounts?: GridCounts | undefined;
  /** g CO2e per 1,000 tokens under the default methodology; absent when unknown. */
  carbonPer1k: number | undefined;
  /** Active parameters in billions, middle of the interval; absent when unknown. */
  activeB: number | undefined;
  /** USD per million tokens, prompt and completion, on the day the table was made; absent when unknown. */
  price: { input: number; output: number } | undefined;
  /** Zone of the grid tables that it is known to stand in; absent where only a wider place is known. */
  zone?: string | undefined;
  /** What the operator measured there, Wh for 1,000 tokens and the building's overhead: it takes the place of an estimate. */
  measured?: { whPer1kTokens: number; pue: number } | undefined;
  /** What the suffix of the model's name asked for. */
  variant?: "free" | "thinking" | "extended";
  /** The same with each credential that may be taken there; absent where there is only one. */
  keys?: readonly Route[];
}

/** One of each place and credential: a provider in a region at an address, which may be deployed for several kinds of models. */
export function distinctPlaces(deployments: readonly Deployment[]): Deployment[] {
  const name = ({ provider, region, baseUrl, key }: Deployment) =>
    `${provider.id} ${region} ${baseUrl} ${key?.id}`;
  return [...new Map(deployments.map((one) => [name(one), one])).values()];
}
