import type { DialectId, ReasoningControl } from "#src/dialect/dialect.ts";

/** Wire protocols named in data/; those without a dialect yet are listed but not routable. */
export type Protocol = DialectId | "bedrock-invoke";

/** Where a fact was read, and when. */
export interface Sourced {
  /** URL, or the name of a publication in data/SOURCES.md. */
  source: string;
  /** Day it was read, YYYY-MM-DD. */
  read: string;
}

/** USD per million tokens, decimal strings as in data/. Absent means the source gives none. */
export interface TokenPrices {
  input: string;
  output: string;
  cacheRead?: string;
  cacheWrite?: string;
  cacheWrite1h?: string;
  reasoning?: string;
}

/** Prices that hold from a day on. */
export interface PriceRow extends TokenPrices, Sourced {
  /** First day these prices hold, YYYY-MM-DD; absent on the first row. */
  from?: string;
  /** Dearer prices for the whole request above a prompt size. */
  tiers?: (TokenPrices & { aboveInputTokens: number })[];
}

export interface DataPolicy extends Sourced {
  trainsOnData: boolean | null;
  /** Days that prompts are kept; null when no figure is published. */
  retentionDays: number | null;
  zdr: "default" | "self-serve" | "approval" | "none" | "depends" | "unknown";
}

export interface Capabilities {
  tools: boolean;
  structuredOutputs: boolean;
  jsonMode: boolean;
  reasoning: boolean;
  streaming: boolean;
  vision: boolean;
  pdf: boolean;
  audio: boolean;
  logprobs?: boolean;
  seed?: boolean;
  parallelToolCalls?: boolean;
  assistantPrefill?: boolean;
  /** Takes messages of role `system` amid the conversation, at its own maker's. */
  midConversationSystem?: boolean;
  samplingParams: boolean;
  promptCaching: false | "automatic" | "explicit";
}

/** A model at one provider in one or more regions. */
export interface Endpoint {
  /** `author/model#provider:regions[:variant]`, unique. */
  id: string;
  provider: string;
  /** The provider's own name of the model. */
  upstreamModel: string;
  protocol: Protocol;
  /** Our region ids; several mean that a request may run in any of them. */
  regions: string[];
  regionBasis: "published" | "assumed" | "operator-config";
  contextWindow: number;
  maxOutputTokens?: number;
  /** In order of `from`; the row that holds on a day prices it. */
  prices: PriceRow[];
  quantization?: string;
  variant?: string;
  dataPolicy: DataPolicy;
  requestOverrides?: Record<string, string | number | boolean>;
  /** What the operator says that the model can here, where that is something else than what is known of it. */
  abilities?: Partial<Capabilities>;
  deprecationDate?: string;
  selfHosted: boolean;
}

export interface Model extends Sourced {
  /** `author/name`, canonical. */
  id: string;
  author: string;
  name: string;
  kind: "chat" | "completion" | "embedding";
  family?: string;
  releaseDate?: string;
  knowledgeCutoff?: string;
  openWeights: boolean;
  contextWindow: number;
  maxOutputTokens?: number;
  inputModalities: string[];
  outputModalities: string[];
  capabilities: Capabilities;
  reasoning?: ReasoningControl;
  /** OpenAI parameter names that at least one host takes. */
  parameters?: string[];
  aliases: string[];
  status: "active" | "preview" | "deprecated" | "superseded";
  endpoints: Endpoint[];
}

export interface ProviderRegion {
  /** Our region id. */
  id: string;
  /** The provider's own name of the region. */
  native?: string;
  /** ISO 3166 alpha-2; absent when not disclosed. */
  country?: string;
  /** Zone of data/grid; absent when it has to be derived from the country or the region. */
  gridZone?: string;
  basis: "published" | "assumed" | "operator-config";
  /** Address of this region, when it has its own. */
  baseUrl?: string;
}

/** How a key is put on a request. */
export type ProviderAuth =
  | { type: "header"; header: string; format: string; extra?: Record<string, string> }
  | { type: "none" }
  | { type: "oauth2" }
  | { type: "sigv4" };

export interface Provider extends Sourced {
  id: string;
  name: string;
  /** ISO 3166 alpha-2 of the company's seat. */
  headquarters?: string;
  protocol: Protocol;
  /** Further wires that it takes for the models of its protocol. */
  alsoSpeaks?: Protocol[];
  baseUrl: string;
  auth: ProviderAuth;
  /** Environment variables that may hold the key, first match wins. */
  env: string[];
  regions: ProviderRegion[];
  dataPolicy: DataPolicy;
  /** Grid zone assumed for `global`, with its basis. */
  defaultZone?: { zone: string } & Sourced;
  /** Wire quirks by name; see dialect/quirks. */
  quirks?: string[];
  statusPage?: string;
  docsUrl?: string;
  /** Header by which it knows a request that is sent again, and runs it once. */
  idempotencyHeader?: string | undefined;
  selfHosted: boolean;
}
