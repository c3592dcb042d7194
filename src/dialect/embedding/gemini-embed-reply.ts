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
  toFloats,
  vectorIn,
} from "#src/dialect/embedding/embedding.ts";
import { type EmbedVerb, textsIn } from "#src/dialect/embedding/gemini-embed-request.ts";
import { faultText } from "#src/dialect/gemini/gemini-usage.ts";
import { asciiOf, payload, rawJson, toRaw } from "#src/dialect/raw-text.ts";
import { edit, type Member, membersOf } from "#src/dialect/splice.ts";
import { inputTokens, type Usage } from "#src/dialect/usage.ts";
import { decode, encode, type Payload } from "#src/lib/bytes.ts";
import { countOf, isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** An answer of either call in canonical form. Throws UpstreamStreamError when it holds no vector for every input. */
export function readEmbedReply(text: string, inputs: number): EmbeddingReply {
  const answer = parsed(text);
  if (answer.error) throw new UpstreamStreamError(faultText(answer.error));
  const list = Array.isArray(answer.embeddings) ? answer.embeddings : [answer.embedding];
  const items = list.filter(isObject);
  checkCount(items.length, inputs);
  return { vectors: items.map(({ values }) => vectorIn(values)), usage: usageIn(answer, items) };
}

function parsed(text: string): JsonObject {
  const value: Json = answerJson(text);
  if (isObject(value)) return value;
  throw new UpstreamStreamError("The provider answered with something that is no answer");
}

/** Older models tell no usage, or one for each vector. */
function usageIn({ usageMetadata }: JsonObject, items: JsonObject[]): Usage | undefined {
  if (isObject(usageMetadata)) {
    const told = promptUsage(countOf(usageMetadata.promptTokenCount), usageMetadata);
    if (told !== undefined) return told;
  }
  const counts = items.map(({ statistics }) =>
    isObject(statistics) ? countOf(statistics.tokenCount) : 0,
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.includes(0) ? undefined : promptUsage(total, { tokenCount: total });
}

/** A canonical answer as this wire writes it. */
export function writeEmbedReply(
  verb: EmbedVerb,
  { vectors }: EmbeddingReply,
  { usage, block }: Summary,
): Payload {
  const embeddings = vectors.map((vector) => ({ values: toFloats(vector) }));
  const told = verb === "embedContent" ? { embedding: embeddings[0] } : { embeddings };
  const usageMetadata = usage && {
    promptTokenCount: inputTokens(usage),
    totalTokenCount: inputTokens(usage),
  };
  return encode(JSON.stringify({ ...told, usageMetadata, lowrouter: block }));
}

/** A whole answer on the byte path. */
export class EmbedReply implements MeteredReply {
  /** This wire has none. */
  readonly id = undefined;
  readonly usage: Usage;
  readonly #raw: string;
  readonly #ascii: boolean;
  readonly #members: Member[];

  constructor(verb: EmbedVerb, body: Uint8Array, ask: Ask) {
    const ascii = asciiOf(body);
    const texts = textsIn(verb, ask);
    const { usage } = readEmbedReply(ascii ?? decode(body), texts.length);
    this.usage = usage ?? estimateInputs(texts);
    this.#ascii = ascii !== undefined;
    this.#raw = ascii ?? toRaw(body);
    try {
      this.#members = membersOf(this.#raw);
    } catch (cause) {
      throw new UpstreamStreamError("The provider sent an answer that is nested too deep", {
        cause,
      });
    }
  }

  attach({ block }: Summary): Payload {
    const put = { lowrouter: rawJson(block) };
    return payload(edit(this.#raw, { set: put, add: put }, 0, this.#members), this.#ascii);
  }
}
