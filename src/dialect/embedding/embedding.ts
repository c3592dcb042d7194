import {
  type Ask,
  type DialectId,
  type ErrorReply,
  type MeteredReply,
  type Summary,
  type Target,
  type UpstreamRequest,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Payload } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import type { Json } from "#src/lib/json.ts";

/*
 * The canonical form of embeddings, between any client's dialect and any upstream's wire.
 */

const taskTypes = [
  "RETRIEVAL_QUERY",
  "RETRIEVAL_DOCUMENT",
  "SEMANTIC_SIMILARITY",
  "CLASSIFICATION",
  "CLUSTERING",
  "QUESTION_ANSWERING",
  "FACT_VERIFICATION",
  "CODE_RETRIEVAL_QUERY",
] as const;

/** What vectors are for, in Gemini's words: no other wire has more of them. */
export type TaskType = (typeof taskTypes)[number];

/** Texts, or token arrays, to be turned into one vector each. */
export interface EmbeddingTurn {
  inputs: (string | number[])[];
  /** Length of a vector; the model's own when absent. */
  dimensions?: number;
  taskType?: TaskType;
  user?: string;
  /** Members of the request that only its own wire can say. */
  leftover: string[];
}

/** Numbers, or their float32 in base64, little-endian. */
export type Vector = number[] | string;

/** Vectors in the order of the inputs. */
export interface EmbeddingReply {
  id?: string;
  vectors: Vector[];
  /** Absent when the upstream told none, or none that can be true. */
  usage: Usage | undefined;
}

/** How to ask a provider for vectors and how to read what it says. Pure. */
export interface EmbeddingUpstream {
  readonly id: DialectId;
  /** Throws `unsupported_feature` for inputs that this wire cannot take. */
  writeRequest(turn: EmbeddingTurn, target: Target): UpstreamRequest;
  /** Throws UpstreamStreamError when the body holds no vector for every input. */
  readReply(body: Uint8Array, turn: EmbeddingTurn): EmbeddingReply;
}

/** How clients ask for vectors, and how answers and errors are shown to them. */
export interface EmbeddingClient {
  readonly id: DialectId;
  /** Its name for what vectors are for. */
  readonly taskMember: string;
  peek(body: Uint8Array, url: string): Ask;
  readRequest(ask: Ask): EmbeddingTurn;
  writeReply(reply: EmbeddingReply, ask: Ask, summary: Summary): Payload;
  writeError(error: AppError): ErrorReply;
}

/** The byte path: client and upstream speak the same wire. */
export interface EmbeddingSplice {
  readonly id: DialectId;
  retarget(body: Uint8Array, ask: Ask, target: Target): UpstreamRequest;
  meterReply(body: Uint8Array, ask: Ask): MeteredReply;
}

/** What tokenizers, and instructions of a provider, may put around one input. */
const tokensAround = 16;
/** Bytes of English text that make a token, as a rule of thumb of the tokenizers' makers. */
const bytesPerToken = 4;

/** An upper bound of the tokens of these inputs: a token is at least one byte of text. */
export function tokensAtMost(inputs: EmbeddingTurn["inputs"]): number {
  return inputs.reduce<number>((sum, input) => sum + lengthOf(input) + tokensAround, 0);
}

function lengthOf(input: string | number[]): number {
  return typeof input === "string" ? Buffer.byteLength(input) : input.length;
}

/** A usage of prompt tokens alone; undefined for none, which no input can have. */
export function promptUsage(tokens: number, raw: Json): Usage | undefined {
  if (tokens === 0) return undefined;
  return {
    input: { fresh: tokens, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 0, reasoning: 0 },
    raw,
  };
}

/** A stand-in where the upstream told no usage: marked as estimated, never zero. */
export function estimateInputs(inputs: EmbeddingTurn["inputs"]): Usage {
  const tokens = inputs.map((input) =>
    typeof input === "string" ? Math.ceil(lengthOf(input) / bytesPerToken) : input.length,
  );
  return {
    input: {
      fresh: Math.max(
        1,
        tokens.reduce((sum, one) => sum + one, 0),
      ),
      cacheRead: 0,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
    },
    output: { visible: 0, reasoning: 0 },
    raw: null,
    estimated: true,
  };
}

const otherWords: Readonly<Record<string, TaskType>> = {
  QUERY: "RETRIEVAL_QUERY",
  SEARCH_QUERY: "RETRIEVAL_QUERY",
  DOCUMENT: "RETRIEVAL_DOCUMENT",
  PASSAGE: "RETRIEVAL_DOCUMENT",
  SEARCH_DOCUMENT: "RETRIEVAL_DOCUMENT",
};

/** What vectors are for, from any provider's word for it; undefined for an unknown one. */
export function taskTypeOf(word: Json | undefined): TaskType | undefined {
  if (typeof word !== "string") return undefined;
  const upper = word.toUpperCase();
  return taskTypes.find((type) => type === upper) ?? otherWords[upper];
}

/** Whether vectors of this purpose look for vectors of documents. */
export function isQuery(task: TaskType): boolean {
  return (
    task === "RETRIEVAL_QUERY" ||
    task === "QUESTION_ANSWERING" ||
    task === "FACT_VERIFICATION" ||
    task === "CODE_RETRIEVAL_QUERY"
  );
}

/** The inputs as texts, for a wire that knows no tokens and takes only so many. Throws `unsupported_feature`. */
export function textsFor({ inputs }: EmbeddingTurn, { provider }: Target, most: number): string[] {
  if (inputs.length > most) throw tooMany(inputs.length, provider, most);
  return inputs.map((input) => {
    if (typeof input === "string") return input;
    throw new AppError(
      "unsupported_feature",
      `Cannot send tokens to ${provider}, whose tokenizer is another: send the text itself`,
      { param: "input" },
    );
  });
}

/** The refusal of a batch that a provider does not take. */
export function tooMany(found: number, provider: string, most: number): AppError {
  return new AppError(
    "unsupported_feature",
    `Cannot embed ${found} inputs in one request at ${provider}: it takes at most ${most}; send them in smaller batches`,
    { param: "input", metadata: { limit: most } },
  );
}

/** A vector's numbers. Throws UpstreamStreamError for text that is no float32 in base64. */
export function toFloats(vector: Vector): number[] {
  if (typeof vector !== "string") return vector;
  const bytes = Buffer.from(vector, "base64");
  const isWhole = bytes.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(vector);
  // A copy is aligned; every machine that this runs on is little-endian, as the format is.
  const floats = isWhole ? Array.from(new Float32Array(new Uint8Array(bytes).buffer)) : [];
  if (floats.length > 0 && floats.every(Number.isFinite)) return floats;
  throw new UpstreamStreamError("The provider answered with a vector that is no float32 in base64");
}

/** A vector as float32 in base64, little-endian. */
export function toBase64(vector: Vector): string {
  if (typeof vector === "string") return vector;
  return Buffer.from(Float32Array.from(vector).buffer).toString("base64");
}

/** A vector of length 1 in the same direction; one of zeros stays. */
export function normalised(vector: number[]): number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** A vector out of an answer. Throws UpstreamStreamError when it is none. */
export function vectorIn(value: Json | undefined): Vector {
  if (typeof value === "string" && value !== "") return value;
  if (Array.isArray(value) && value.length > 0) {
    const numbers = value.filter((one) => typeof one === "number");
    if (numbers.length === value.length) return numbers;
  }
  throw new UpstreamStreamError("The provider answered with something that is no vector");
}

/** Throws UpstreamStreamError unless there is one vector for each input. */
export function checkCount(found: number, wanted: number): void {
  if (found === wanted) return;
  throw new UpstreamStreamError(
    `The provider answered with ${found} vectors for ${wanted} ${wanted === 1 ? "input" : "inputs"}`,
  );
}
