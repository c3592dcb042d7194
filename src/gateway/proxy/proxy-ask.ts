import type { Ask, DialectId, RouteWish } from "#src/dialect/dialect.ts";
import { noNeeds } from "#src/dialect/openai/openai-chat-messages.ts";
import { deepest, membersOf, tooDeep } from "#src/dialect/splice.ts";
import { decode } from "#src/lib/bytes.ts";
import { hasExtras } from "#src/gateway/proxy/proxy-extras.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/**
 * What a proxied call is for. Inference is what the catalogue can price; lists of models and counts of tokens cost
 * nothing at any provider; of all else nobody knows here what it will cost, or whose it is.
 */
export type Errand =
  | { kind: "free"; ask: Ask }
  | { kind: "inference"; ask: Ask; model: string }
  | { kind: "other"; ask: Ask };

/** A proxied request, as far as it tells what it is for. */
export interface Wanted {
  method: string;
  /** Below the version segment, unescaped. */
  endpoint: string;
  /** With its question mark, without a key. */
  query: string;
  body: Uint8Array;
  route: RouteWish;
}

interface Endpoint {
  /** May capture the model. */
  path: RegExp;
  dialect: DialectId;
  /** Where the wire limits the completion: the members that it takes, dotted. */
  limits: readonly string[];
  /** Where it asks for several answers. */
  choices: readonly string[];
}

/** Where models answer, by the path below the version: nothing else is charged by tokens alone. */
const endpoints: readonly Endpoint[] = [
  {
    path: /^\/chat\/completions$/,
    dialect: "openai-chat",
    limits: ["max_completion_tokens", "max_tokens"],
    choices: ["n"],
  },
  {
    path: /^\/completions$/,
    dialect: "openai-completions",
    limits: ["max_tokens"],
    choices: ["n", "best_of"],
  },
  {
    path: /^\/responses$/,
    dialect: "openai-responses",
    limits: ["max_output_tokens"],
    choices: [],
  },
  { path: /^\/messages$/, dialect: "anthropic-messages", limits: ["max_tokens"], choices: [] },
  {
    path: /^\/models\/([^/:]+):(?:streamG|g)enerateContent$/,
    dialect: "gemini",
    limits: ["generationConfig.maxOutputTokens", "generation_config.max_output_tokens"],
    choices: ["generationConfig.candidateCount", "generation_config.candidate_count"],
  },
  // Claude at Vertex, where the model stands in the path.
  {
    path: /^\/models\/([^/:]+):(?:streamR|r)awPredict$/,
    dialect: "anthropic-messages",
    limits: ["max_tokens"],
    choices: [],
  },
  // Azure's older interface, where the deployment does.
  {
    path: /^\/deployments\/([^/]+)\/chat\/completions$/,
    dialect: "openai-chat",
    limits: ["max_completion_tokens", "max_tokens"],
    choices: ["n"],
  },
  {
    path: /^\/deployments\/([^/]+)\/completions$/,
    dialect: "openai-completions",
    limits: ["max_tokens"],
    choices: ["n", "best_of"],
  },
  {
    path: /^\/deployments\/([^/]+)\/embeddings$/,
    dialect: "openai-embeddings",
    limits: [],
    choices: [],
  },
  { path: /^\/chat$/, dialect: "cohere-v2", limits: ["max_tokens"], choices: [] },
  {
    path: /^\/model\/([^/]+)\/converse(?:-stream)?$/,
    dialect: "bedrock-converse",
    limits: ["inferenceConfig.maxTokens"],
    choices: [],
  },
  { path: /^\/embeddings$/, dialect: "openai-embeddings", limits: [], choices: [] },
  {
    path: /^\/models\/([^/:]+):(?:embedContent|batchEmbedContents)$/,
    dialect: "gemini-embed",
    limits: [],
    choices: [],
  },
  { path: /^\/embed$/, dialect: "cohere-v2-embed", limits: [], choices: [] },
];

const vectors: ReadonlySet<DialectId> = new Set([
  "openai-embeddings",
  "gemini-embed",
  "cohere-v2-embed",
]);

/** Counting a prompt's tokens costs nothing anywhere. */
const counting =
  /^\/messages\/count_tokens$|^\/responses\/input_tokens$|^\/models\/[^/:]+:countTokens$/;
/** Which models there are is the same for everyone. */
const listing = /^\/models(?:\/[^/]+){0,2}$/;
const reading: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Reads what a proxied call is for; its body stays what it is. Throws `invalid_value` where a body can be read in two ways. */
export function errandOf({ method, endpoint, query, body, route }: Wanted): Errand {
  // All else that can be read is what other accounts left at the provider, where we all are one customer.
  const lists = reading.has(method) && body.length === 0 && listing.test(endpoint);
  if (lists || (method === "POST" && counting.test(endpoint)))
    return { kind: "free", ask: askOf({ size: 0, route }) };
  const parsed = objectIn(body);
  const known = endpoints.find(({ path }) => path.test(endpoint));
  const inPath = known?.path.exec(endpoint)?.[1];
  const inBody = stringOf(parsed?.model);
  const model = inPath ?? inBody;
  const ask = askOf({ size: body.length, route, parsed, known, model, endpoint });
  const isCharged = method === "POST" && known !== undefined && parsed !== undefined && model;
  // Who answers later tells no usage now; who may turn to another model has another price.
  const isOpen =
    parsed?.background === true ||
    // Servers differ in which of two models they take.
    (inPath !== undefined && inBody !== undefined && inBody.replace(/^models\//, "") !== inPath) ||
    hasSome(parsed?.models) ||
    (parsed !== undefined && hasExtras(parsed, query));
  return isCharged && !isOpen ? { kind: "inference", ask, model } : { kind: "other", ask };
}

interface Read {
  size: number;
  route: RouteWish;
  parsed?: JsonObject;
  known?: Endpoint;
  model?: string;
  endpoint?: string;
}

function askOf({ size, route, parsed = {}, known, model, endpoint = "" }: Read): Ask {
  const dialect = known?.dialect ?? "openai-chat";
  const isVector = vectors.has(dialect);
  const limit = known && largest(parsed, known.limits);
  return {
    dialect,
    kind: isVector ? "embedding" : "chat",
    parsed,
    model: model?.slice(0, 200),
    models: [],
    stream: parsed.stream === true || /:stream[GR]|-stream$/.test(endpoint),
    includeUsage: true,
    // A token is at least one byte of text.
    inputTokensAtMost: size,
    maxOutputTokens: isVector ? 0 : limit,
    choices: (known && largest(parsed, known.choices)) ?? 1,
    user: stringOf(parsed.user),
    needs: { ...noNeeds },
    parameters: [],
    route,
    provider: {},
  };
}

/** The largest count among some members; upstreams take a count in quotes for one. */
function largest(body: JsonObject, paths: readonly string[]): number | undefined {
  const counts = paths
    .map((path) => path.split(".").reduce<Json | undefined>(memberOf, body))
    .map((told) => (typeof told === "string" || typeof told === "number" ? Number(told) : 0))
    .filter((count) => Number.isSafeInteger(count) && count > 0);
  return counts.length === 0 ? undefined : Math.max(...counts);
}

function memberOf(holder: Json | undefined, name: string): Json | undefined {
  return isObject(holder) ? holder[name] : undefined;
}

function hasSome(list: Json | undefined): boolean {
  return Array.isArray(list) && list.length > 0;
}

/** The body as an object; undefined where it is none, which is for the provider to judge. */
function objectIn(body: Uint8Array): JsonObject | undefined {
  const text = decode(body);
  if (!/^\s*\{/.test(text)) return undefined;
  if (tooDeep(text))
    throw new AppError("invalid_json", `Cannot take JSON nested more than ${deepest} levels deep`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  refuseTwice(text);
  return parsed;
}

/** Members that hold others by which a call is charged. */
const holders: ReadonlySet<string> = new Set([
  "generationconfig",
  "generation_config",
  "inferenceconfig",
]);

/** Readers differ in which of two members counts, and some in whether their case does: it would be charged as one, run as the other. */
function refuseTwice(text: string): void {
  const seen = new Set<string>();
  for (const { key, valueStart, end } of membersOf(text)) {
    const name = key.normalize("NFKC").toLowerCase();
    if (seen.has(name)) {
      const shown = /^\w{1,64}$/.test(name) ? name : "?";
      throw new AppError("invalid_value", `Cannot pass on a body that gives "${shown}" twice`, {
        param: shown,
      });
    }
    seen.add(name);
    if (holders.has(name) && text[valueStart] === "{") refuseTwice(text.slice(valueStart, end));
  }
}
