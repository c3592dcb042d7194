/**
 * Everything that a dialect promises and everything that it is told, in one place: whoever writes one reads this
 * file and turn.ts, and nothing else. That is why it is longer than 300 lines.
 */
import type { Usage } from "#src/dialect/usage.ts";
import type { StopShare } from "#src/dialect/stop-share.ts";
import type { SseEvent } from "#src/dialect/sse.ts";
import type { Reply, StreamStep, Turn } from "#src/dialect/turn.ts";
import type { ToolNames } from "#src/dialect/tool-names.ts";
import type { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";
import type { Payload } from "#src/lib/bytes.ts";
import type { UpstreamBody } from "#src/lib/raw-pieces.ts";

/** Wire dialects by the names the catalogue uses. */
export type DialectId =
  | "openai-chat"
  | "openai-responses"
  | "openai-completions"
  | "openai-embeddings"
  | "anthropic-messages"
  | "gemini"
  | "gemini-embed"
  | "cohere-v2"
  | "cohere-v2-embed"
  | "bedrock-converse";

/** Where the caller wants to be served: `route` of the request, both of its forms. */
export interface RouteWish {
  /** A region id, or `eu` for every country of the EU and the EEA. */
  region?: string;
  /** Set where the region came in a header. */
  regionParam?: string;
  /** ISO 3166 alpha-2. */
  country?: string;
  /** Zone of the grid tables, or a country whose grid is one zone. */
  gridZone?: string;
  provider?: string;
  preferLowCarbon?: boolean;
  fallback?: boolean;
  /** `name`, or `name:region` and `name:provider` for those that take one. */
  policy?: string;
}

/** The request's `provider` object. Lists hold provider ids, lower case, `id` or `id/region`. */
export interface ProviderWish {
  order?: string[];
  allowFallbacks?: boolean;
  only?: string[];
  ignore?: string[];
  requireParameters?: boolean;
  dataCollection?: "allow" | "deny";
  zdr?: boolean;
  quantizations?: string[];
  sort?: { by: "price" | "throughput" | "latency"; partition: "model" | "none" };
  /** Soft bounds, tokens per second and seconds: who misses them comes last. */
  preferredMinThroughput?: Percentiles;
  preferredMaxLatency?: Percentiles;
  /** Currency per million tokens, per request, per image, per unit of audio. */
  maxPrice?: {
    prompt?: number;
    completion?: number;
    request?: number;
    image?: number;
    audio?: number;
  };
}

/** A bound by the percentile of recent requests that it holds for. */
export interface Percentiles {
  p50?: number;
  p75?: number;
  p90?: number;
  p99?: number;
}

/** What the request cannot do without; an endpoint that lacks one is not a candidate. */
export interface Needs {
  tools: boolean;
  vision: boolean;
  pdf: boolean;
  audio: boolean;
  jsonObject: boolean;
  jsonSchema: boolean;
  reasoning: boolean;
  logprobs: boolean;
}

/** What routing and admission need to know of a request; made once, at the edge, after validation. */
export interface Ask {
  dialect: DialectId;
  /** What is asked for: words, or vectors. */
  kind: "chat" | "embedding";
  /** The body as parsed; the bytes stay the source for the same dialect. */
  parsed: JsonObject;
  /** The body's text where all of it is ASCII. */
  ascii?: string;
  /** The body's bytes as text of one character each, where it is large and not all ASCII. */
  raw?: string;
  /** The canonical form, kept when it was first needed, and the client's names of its tools. */
  turn?: Turn;
  toolNames?: ToolNames;
  /** Reasoning that is signed or encrypted is left out: hosts refused it that did not make it. */
  withoutProof?: boolean;
  /** g CO2e per 1,000 tokens that a route may emit: the request met the end of a carbon budget that goes on cleaner. */
  gramsPer1kAtMost?: number;
  /** Absent when the caller left the choice to us. */
  model?: string;
  /** Further candidates in order. */
  models: string[];
  /** Patterns that narrow the automatic choice. */
  autoAllowed?: string[];
  /** Plugins that are left out without harm, by their places: `plugins[0]`. */
  unusedPlugins?: string[];
  stream: boolean;
  /** The client asked for the usage chunk itself. */
  includeUsage: boolean;
  /** An upper bound of the prompt's tokens, from its bytes. */
  inputTokensAtMost: number;
  /** The caller's limit on completion tokens, when it gave one. */
  maxOutputTokens?: number;
  choices: number;
  user?: string;
  needs: Needs;
  /** Names of request parameters given, for `require_parameters`. */
  parameters: string[];
  route: RouteWish;
  provider: ProviderWish;
}

/** Where a request is sent, in the words a dialect understands. */
export interface Target {
  /** The upstream's own name of the model. */
  model: string;
  /** Provider id, for named quirks. */
  provider: string;
  maxOutputTokens?: number;
  /** Tokens that an answer is held to, in money, where the client sets no limit. */
  heldOutputTokens: number;
  /** False where temperature, top_p and top_k must be left out. */
  samplingParams: boolean;
  jsonSchema: boolean;
  /** Takes instructions amid the conversation as what they are. */
  instructsAmid?: boolean;
  reasoning: ReasoningControl | undefined;
  /** Body members that this endpoint always takes, such as a processing region. */
  overrides?: JsonObject;
}

/** How a model's reasoning is steered, from the catalogue. */
export interface ReasoningControl {
  efforts?: string[];
  budget?: { min?: number; max?: number };
  mandatory?: boolean;
}

/** A request ready to be sent: path below the provider's base URL, and body. */
export interface UpstreamRequest {
  /** Path appended to the base URL, beginning with a slash. */
  path: string;
  body: UpstreamBody;
  /** Members of the client's request that this wire cannot say, by their own names. */
  dropped: string[];
  /** Who looks for the client's stop sequences; absent where there are none, and where bytes are passed on. */
  stops?: StopShare;
}

/** A picture or file that the client gave by its address. */
export interface RemoteSource {
  kind: "image" | "file";
  url: string;
}

/** What an upstream's error meant. `message` is the upstream's own and goes only to the caller. */
export interface UpstreamFault {
  status: number;
  message: string;
  type?: string;
  code?: string;
  param?: string;
  /** The wait that the body asks for, where a wire says it there and in no header. */
  retryAfterSeconds?: number;
}

/** What the gateway adds to an answer. */
export interface Summary {
  completionId: string;
  /** Unix seconds. */
  created: number;
  /** The resolved model, `author/name`. */
  model: string;
  provider: string;
  /** Absent when usage is unknown. */
  usage?: Usage;
  /** Cost in the configured currency; absent when a price is unknown. */
  cost?: {
    /** What is charged. */
    total: number;
    /** Parts of the price at the provider. */
    prompt: number;
    completion: number;
    /** The price at the provider, where it is not `total`. */
    upstream?: number;
  };
  isByok: boolean;
  /** The request's members, for a wire whose answers repeat them. */
  asked?: JsonObject;
  /** The `lowrouter` block, ready to be written. */
  block: LowrouterBlock;
}

export interface LowrouterBlock {
  generation_id: string;
  provider: string;
  region: string;
  eco?: EcoBlock;
}

/** The five published figures. Units: Wh, g CO2e, g CO2e per 1,000 tokens. */
export interface EcoBlock {
  energy_wh: number;
  carbon_g: number;
  carbon_per_1k_tokens_g: number;
  accuracy: "accurate" | "medium" | "gross";
  methodology_version: string;
}

export interface ErrorReply {
  status: number;
  body: Uint8Array<ArrayBuffer>;
}

/**
 * The upstream's half of a dialect: how to ask a provider and how to read what it says.
 * Pure: knows no URL, key, price or region.
 */
export interface UpstreamDialect {
  readonly id: DialectId;
  /** Canonical request to bytes. Throws `unsupported_feature` when dropping would change the meaning. */
  writeRequest(turn: Turn, target: Target): UpstreamRequest;
  /**
   * Whether this wire cannot take a picture or file by its address: the gateway then fetches it, and
   * `writeRequest` gets its bytes in the place of the address. Absent: it takes all addresses.
   */
  needsBytes?(document: RemoteSource, target: Target): boolean;
  /** A whole answer. Throws when it is not one (garbage, an error body under status 200). */
  readReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined };
  readStream(): StreamReader;
  readError(status: number, body: Uint8Array): UpstreamFault;
}

/** Reads an upstream's event stream, chunk by chunk; a small state machine without I/O. */
export interface StreamReader {
  /** Steps contained in the bytes that arrived. Throws `UpstreamStreamError` on an error event or garbage. */
  push(chunk: Uint8Array): StreamStep[];
  /** Steps of a last event whose blank line never came; called once, when the bytes are over. */
  finish?(): StreamStep[];
  /** The upstream's id of the answer, once seen. */
  readonly id: string | undefined;
  /** Usage as far as it was told; the last word counts. */
  readonly usage: Usage | undefined;
  /** Whether the terminal event was seen. A stream that ends without it was cut. */
  readonly ended: boolean;
  /** Nothing of the answer can follow, not even its usage: absent where only the end of the bytes says so. */
  readonly over?: boolean;
}

/** The upstream broke its stream: an error event after the 200, or bytes that are no events. */
export class UpstreamStreamError extends Error {
  override readonly name = "UpstreamStreamError";
  // Private, so that no log shows it: it may quote the prompt.
  #event: SseEvent | undefined;

  /** The event that broke it; undefined where none did. */
  get event(): SseEvent | undefined {
    return this.#event;
  }

  /** Keeps the event, for whoever may still tell the client what it says. */
  brokenBy(event: SseEvent): void {
    this.#event ??= event;
  }
}

/** The model ended an answer with nothing to show, as with a broken call: another try may do better, and the upstream is well. */
export class BrokenAnswerError extends UpstreamStreamError {}

/** The client's half of a dialect: how it asks, and how answers and errors are shown to it. */
export interface ClientDialect {
  readonly id: DialectId;
  /** Validates and reads what routing needs. Throws `invalid_json`, `missing_field`, `invalid_value`, `conflicting_route`. */
  peek(body: Uint8Array, url: string): Ask;
  readRequest(ask: Ask): Turn;
  writeReply(reply: Reply, summary: Summary): Payload;
  writeStream(head: StreamHead): StreamWriter;
  writeError(error: AppError): ErrorReply;
}

/** What is known when a stream begins. */
export interface StreamHead {
  completionId: string;
  created: number;
  model: string;
  provider: string;
  includeUsage: boolean;
  /** The request's members, for a wire whose answers repeat them. */
  asked?: JsonObject;
  /** The client's names of its tools, where others went out. */
  toolNames?: ToolNames;
  /** Who looks for the client's stop sequences. */
  stops?: StopShare;
  /** How many choices were asked for; absent: one. */
  choices?: number;
}

/** Writes a client's event stream. Each method returns whole events, ready to be sent. */
export interface StreamWriter {
  steps(steps: StreamStep[]): string;
  /** Everything after the last step: usage chunk where asked, the summary chunk, the terminal event. */
  end(summary: Summary): string;
  /** An honest ending of a broken stream: error event, summary without eco, terminal event. */
  fail(error: AppError, summary: Summary): string;
}

/**
 * The byte path: client and upstream speak the same dialect, so bytes are edited and never decoded
 * and encoded again. Unknown members, key order and large integers survive.
 */
export interface SpliceDialect {
  readonly id: DialectId;
  /** The client's body with the model replaced, routing members removed, usage asked for. */
  retarget(body: Uint8Array, ask: Ask, target: Target): UpstreamRequest;
  /** What the body names by address and this wire needs as bytes. Absent: nothing. */
  addresses?(ask: Ask, target: Target): RemoteSource[];
  /** The body with these data URIs, by address, in the place of the addresses. */
  inline?(
    body: Uint8Array,
    ask: Ask,
    dataUris: ReadonlyMap<string, string>,
  ): { body: Uint8Array; ask: Ask };
  /** Reads a whole answer. Throws when the body is none (garbage, an error under status 200). */
  meterReply(body: Uint8Array): MeteredReply;
  relayStream(head: StreamHead): StreamRelay;
}

/** A whole answer on the byte path. */
export interface MeteredReply {
  /** The upstream's id of the answer. */
  readonly id: string | undefined;
  readonly usage: Usage | undefined;
  /** The answer with the resolved model, our id, the cost and the block. */
  attach(summary: Summary): Payload;
}

/** Edits an event stream on its way through and meters it. */
export interface StreamRelay {
  /** Events to send on now. Throws `UpstreamStreamError` on an error event or garbage. */
  push(chunk: Uint8Array): Payload;
  /** What a last event without its blank line held; called once, when the bytes are over. */
  finish(): Payload;
  readonly id: string | undefined;
  readonly usage: Usage | undefined;
  /** Every choice finished and the terminal event was seen. */
  readonly ended: boolean;
  /** Nothing of the answer can follow, not even its usage: absent where only the end of the bytes says so. */
  readonly over?: boolean;
  /** The gateway ended the answer at a stop sequence, and the upstream goes on: it is to be told to stop. */
  readonly isCut?: boolean;
  /** Text length of the completion so far in bytes: 0 until its first word, and an estimate when usage never came. */
  readonly outputBytes: number;
  end(summary: Summary): string;
  fail(error: AppError, summary: Summary): string;
}
