import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import type { Ask, Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import {
  type EmbeddingClient,
  type EmbeddingSplice,
  type EmbeddingTurn,
  type EmbeddingUpstream,
  tooMany,
} from "#src/dialect/embedding/embedding.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { embeddingQuirksOf, inputTypeOf } from "#src/dialect/embedding/openai-embeddings-quirks.ts";
import {
  EmbeddingsReply,
  readEmbeddingsReply,
  writeEmbeddingsReply,
} from "#src/dialect/embedding/openai-embeddings-reply.ts";
import {
  inputsOf,
  peekEmbeddings,
  readEmbeddingsRequest,
} from "#src/dialect/embedding/openai-embeddings-request.ts";
import { writeOpenaiError } from "#src/dialect/openai/openai-errors.ts";
import { editedRequest } from "#src/dialect/edited.ts";
import { rawJson, rawOf } from "#src/dialect/raw-text.ts";
import { encode } from "#src/lib/bytes.ts";

const path = "/embeddings";

/** OpenAI's embeddings as clients speak them. */
export const openaiEmbeddingsClient: EmbeddingClient = {
  id: "openai-embeddings",
  taskMember: "input_type",
  peek: peekEmbeddings,
  readRequest: readEmbeddingsRequest,
  writeReply: writeEmbeddingsReply,
  writeError: writeOpenaiError,
};

/** OpenAI's embeddings on both sides. */
export const openaiEmbeddingsSplice: EmbeddingSplice = {
  id: "openai-embeddings",
  retarget,
  meterReply: (body, ask) => new EmbeddingsReply(body, ask),
};

/** OpenAI's embeddings as providers speak them. */
export const openaiEmbeddingsUpstream: EmbeddingUpstream = {
  id: "openai-embeddings",
  writeRequest,
  readReply: (body, { inputs }) => readEmbeddingsReply(body, inputs.length),
};

function retarget(body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const { parsed } = ask;
  const quirks = embeddingQuirksOf(target);
  requireFit(inputsOf(parsed.input).length, target, quirks.most);
  const model = rawJson(target.model);
  const set: Record<string, string | undefined> = { model };
  const add: Record<string, string> = { model };
  const dropped: string[] = [];
  for (const name of gatewayMembers) if (name in parsed) set[name] = undefined;
  const format = parsed.encoding_format;
  // Some providers refuse a null here, which means the same as nothing.
  if (format === null || (format === "float" && !quirks.saysFloat)) set.encoding_format = undefined;
  if (quirks.dimensions !== "dimensions" && "dimensions" in parsed) {
    set.dimensions = undefined;
    if (typeof parsed.dimensions === "number")
      set[quirks.dimensions] = add[quirks.dimensions] = rawJson(parsed.dimensions);
  }
  if (!quirks.user && "user" in parsed) {
    set.user = undefined;
    if (parsed.user !== null) dropped.push("user");
  }
  for (const [name, value] of Object.entries(target.overrides ?? {}))
    set[name] = add[name] = rawJson(value ?? null);
  const raw = rawOf(body, ask);
  return { path, body: editedRequest(raw, { set, add }, ask.ascii !== undefined), dropped };
}

function requireFit(found: number, { provider }: Target, most: number): void {
  if (found > most) throw tooMany(found, provider, most);
}

function writeRequest(turn: EmbeddingTurn, target: Target): UpstreamRequest {
  const { inputs, taskType, user } = turn;
  const quirks = embeddingQuirksOf(target);
  requireFit(inputs.length, target, quirks.most);
  const inputType = taskType && quirks.inputType ? inputTypeOf(taskType) : undefined;
  const body = {
    model: target.model,
    input: inputs,
    [quirks.dimensions]: turn.dimensions,
    user: quirks.user ? user : undefined,
    input_type: inputType,
  };
  const dropped: string[] = [];
  if (taskType !== undefined && inputType === undefined) dropped.push("taskType");
  if (user !== undefined && !quirks.user) dropped.push("user");
  return { path, body: encode(JSON.stringify(mergeJson(body, target.overrides))), dropped };
}
