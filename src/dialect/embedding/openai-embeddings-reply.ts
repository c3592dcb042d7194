import { answerJson } from "#src/dialect/provider-json.ts";
import {
  type Ask,
  type MeteredReply,
  type Summary,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import {
  checkCount,
  type EmbeddingReply,
  estimateInputs,
  promptUsage,
  toBase64,
  toFloats,
  type Vector,
  vectorIn,
} from "#src/dialect/embedding/embedding.ts";
import { failed } from "#src/dialect/openai/openai-chunk.ts";
import { inputsOf } from "#src/dialect/embedding/openai-embeddings-request.ts";
import { writeUsage } from "#src/dialect/openai/openai-usage.ts";
import { asciiOf, payload, rawJson, toRaw } from "#src/dialect/raw-text.ts";
import { edit, elementsOf, lastOf, type Member, membersOf } from "#src/dialect/splice.ts";
import { inputTokens, type Usage } from "#src/dialect/usage.ts";
import { decode, encode, type Payload } from "#src/lib/bytes.ts";
import { countOf, isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

type Encoding = "float" | "base64";

/** An answer of this wire, understood. */
interface List {
  parsed: JsonObject;
  vectors: Vector[];
  /** For each input, where its vector stands in `vectors`. */
  order: number[];
  /** Every vector stands at its input's place and says so. */
  isTidy: boolean;
}

/** Reads an answer. Throws UpstreamStreamError when it holds no vector for every input. */
function readList(text: string, inputs: number): List {
  const parsed: Json = answerJson(text);
  if (!isObject(parsed) || !Array.isArray(parsed.data)) {
    if (isObject(parsed) && parsed.error) throw failed(parsed);
    throw new UpstreamStreamError(
      "The provider answered with something that is no list of vectors",
    );
  }
  checkCount(parsed.data.length, inputs);
  const items = parsed.data.map((item) => (isObject(item) ? item : {}));
  const told = items.map(({ index }) => index);
  return {
    parsed,
    vectors: items.map(({ embedding }) => vectorIn(embedding)),
    order: orderOf(told),
    isTidy: told.every((index, at) => index === at),
  };
}

/** Positions by the index that was told; as they came where the indexes are no numbering. */
function orderOf(told: (Json | undefined)[]): number[] {
  const order = told.map((_, index) => told.indexOf(index));
  return order.includes(-1) ? told.map((_, at) => at) : order;
}

/** Prompt tokens of an answer; some providers tell the total only. */
function usageIn(usage: Json | undefined): Usage | undefined {
  if (!isObject(usage)) return undefined;
  return promptUsage(countOf(usage.prompt_tokens) || countOf(usage.total_tokens), usage);
}

/** An answer of this wire in canonical form. */
export function readEmbeddingsReply(body: Uint8Array, inputs: number): EmbeddingReply {
  const { parsed, vectors, order } = readList(decode(body), inputs);
  return {
    id: stringOf(parsed.id) || undefined,
    vectors: order.flatMap((at) => vectors.slice(at, at + 1)),
    usage: usageIn(parsed.usage),
  };
}

/** What the client wants vectors in. */
function encodingOf({ parsed }: Ask): Encoding {
  return parsed.encoding_format === "base64" ? "base64" : "float";
}

function costMembers(usage: Usage, summary: Summary): JsonObject {
  const { cost, is_byok, cost_details } = writeUsage(usage, summary);
  return { cost, is_byok, cost_details };
}

function countMembers(usage: Usage): JsonObject {
  const tokens = inputTokens(usage);
  return { prompt_tokens: tokens, total_tokens: tokens };
}

/** A canonical answer as this wire writes it. */
export function writeEmbeddingsReply(
  { vectors }: EmbeddingReply,
  ask: Ask,
  summary: Summary,
): Payload {
  const write = encodingOf(ask) === "base64" ? toBase64 : toFloats;
  const { model, usage, block } = summary;
  const data = vectors.map((vector, index) => ({
    object: "embedding",
    index,
    embedding: write(vector),
  }));
  const told = usage && { ...countMembers(usage), ...costMembers(usage, summary) };
  return encode(JSON.stringify({ object: "list", data, model, usage: told, lowrouter: block }));
}

/** A whole answer on the byte path: vectors keep their bytes where they are as the client asked. */
export class EmbeddingsReply implements MeteredReply {
  readonly id: string | undefined;
  readonly usage: Usage;
  readonly #raw: string;
  readonly #ascii: boolean;
  readonly #members: Member[];
  /** The data in raw text, where it has to be another than the upstream's. */
  readonly #data: string | undefined;

  constructor(body: Uint8Array, ask: Ask) {
    const ascii = asciiOf(body);
    const inputs = inputsOf(ask.parsed.input);
    const list = readList(ascii ?? decode(body), inputs.length);
    this.id = stringOf(list.parsed.id) || undefined;
    this.usage = usageIn(list.parsed.usage) ?? estimateInputs(inputs);
    this.#ascii = ascii !== undefined;
    this.#raw = ascii ?? toRaw(body);
    try {
      this.#members = membersOf(this.#raw);
    } catch (cause) {
      throw new UpstreamStreamError("The provider sent an answer that is nested too deep", {
        cause,
      });
    }
    this.#data = this.#tidied(list, ask);
  }

  attach(summary: Summary): Payload {
    const put: Record<string, string> = {
      model: rawJson(summary.model),
      lowrouter: rawJson(summary.block),
      usage: this.#usageOf(summary),
    };
    const set: Record<string, string> = { ...put };
    // This wire has no id of its own; one that a provider adds must be one that can be looked up.
    if (this.id !== undefined) set.id = rawJson(summary.completionId);
    if (this.#data !== undefined) set.data = this.#data;
    return payload(edit(this.#raw, { set, add: put }, 0, this.#members), this.#ascii);
  }

  #tidied({ vectors, order, isTidy }: List, ask: Ask): string | undefined {
    const wanted = encodingOf(ask);
    const asWanted = vectors.map((vector) => isIn(vector, wanted) || isSpecial(ask));
    const data = this.#member("data");
    if ((isTidy && !asWanted.includes(false)) || data === undefined) return undefined;
    const elements = elementsOf(this.#raw, data.valueStart);
    const items = order.map((at, index) => {
      const [element, vector] = [elements[at], vectors[at]];
      if (element === undefined || vector === undefined) return "";
      const raw = this.#raw.slice(element.start, element.end);
      const put = { index: rawJson(index) };
      if (asWanted[at]) return edit(raw, { set: put, add: put });
      return edit(raw, { set: { ...put, embedding: written(vector, wanted) }, add: put });
    });
    return `[${items.join(",")}]`;
  }

  #usageOf(summary: Summary): string {
    const { usage } = this;
    const cost = rawMembers(costMembers(usage, summary));
    const counts = rawMembers(countMembers(usage));
    const member = this.#member("usage");
    const told = member && this.#raw.slice(member.valueStart, member.end);
    if (usage.estimated || !told?.startsWith("{"))
      return rawJson({ ...countMembers(usage), ...costMembers(usage, summary) });
    return edit(told, { set: cost, add: { ...counts, ...cost } });
  }

  #member(name: string): Member | undefined {
    return lastOf(this.#members, name);
  }
}

function isIn(vector: Vector, encoding: Encoding): boolean {
  return (typeof vector === "string") === (encoding === "base64");
}

/** Numbers of another type were asked for, in a provider's own words: they are not ours to decode. */
function isSpecial({ parsed }: Ask): boolean {
  const type = parsed.output_dtype;
  return type !== undefined && type !== null && type !== "float";
}

function written(vector: Vector, encoding: Encoding): string {
  return rawJson(encoding === "base64" ? toBase64(vector) : toFloats(vector));
}

function rawMembers(members: JsonObject): Record<string, string> {
  const raw: Record<string, string> = {};
  for (const [name, value] of Object.entries(members)) raw[name] = rawJson(value ?? null);
  return raw;
}
