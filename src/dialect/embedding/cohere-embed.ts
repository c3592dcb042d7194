import { answerJson } from "#src/dialect/provider-json.ts";
import { type Target, type UpstreamRequest, UpstreamStreamError } from "#src/dialect/dialect.ts";
import {
  checkCount,
  type EmbeddingReply,
  type EmbeddingTurn,
  type EmbeddingUpstream,
  isQuery,
  promptUsage,
  type TaskType,
  textsFor,
  vectorIn,
} from "#src/dialect/embedding/embedding.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { encode, decode } from "#src/lib/bytes.ts";
import { countOf, isObject, stringOf, type Json } from "#src/lib/json.ts";

/** How many texts this wire takes at once. */
const maxTexts = 96;

/** Cohere's v2 embed wire, as the provider speaks it. */
export const cohereEmbedUpstream: EmbeddingUpstream = {
  id: "cohere-v2-embed",
  writeRequest,
  readReply,
};

function writeRequest(turn: EmbeddingTurn, target: Target): UpstreamRequest {
  const { taskType, user, dimensions } = turn;
  const inputType = taskType && inputTypeOf(taskType);
  const body = {
    model: target.model,
    texts: textsFor(turn, target, maxTexts),
    // The wire demands one.
    input_type: inputType ?? "search_document",
    embedding_types: ["float"],
    output_dimension: dimensions,
  };
  const dropped: string[] = [];
  if (taskType !== undefined && inputType === undefined) dropped.push("taskType");
  if (user !== undefined) dropped.push("user");
  return {
    path: "/embed",
    body: encode(JSON.stringify(mergeJson(body, target.overrides))),
    dropped,
  };
}

function inputTypeOf(task: TaskType): string | undefined {
  if (isQuery(task)) return "search_query";
  if (task === "RETRIEVAL_DOCUMENT") return "search_document";
  if (task === "CLASSIFICATION") return "classification";
  return task === "CLUSTERING" ? "clustering" : undefined;
}

function readReply(body: Uint8Array, { inputs }: EmbeddingTurn): EmbeddingReply {
  const parsed: Json = answerJson(decode(body));
  const answer = isObject(parsed) ? parsed : {};
  const floats = isObject(answer.embeddings) ? answer.embeddings.float : undefined;
  if (!Array.isArray(floats))
    throw new UpstreamStreamError(
      "The provider answered with something that is no list of vectors",
    );
  checkCount(floats.length, inputs.length);
  const meta = isObject(answer.meta) ? answer.meta : {};
  const billed = isObject(meta.billed_units) ? meta.billed_units : {};
  return {
    id: stringOf(answer.id) || undefined,
    vectors: floats.map(vectorIn),
    usage: promptUsage(countOf(billed.input_tokens), meta),
  };
}
