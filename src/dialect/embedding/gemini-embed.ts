import type { Ask, Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import {
  type EmbeddingClient,
  type EmbeddingReply,
  type EmbeddingSplice,
  type EmbeddingTurn,
  type EmbeddingUpstream,
  normalised,
  textsFor,
  toFloats,
  tooMany,
} from "#src/dialect/embedding/embedding.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { writeGeminiError } from "#src/dialect/gemini/gemini-client-errors.ts";
import {
  EmbedReply,
  readEmbedReply,
  writeEmbedReply,
} from "#src/dialect/embedding/gemini-embed-reply.ts";
import {
  type EmbedVerb,
  peekEmbed,
  readEmbedRequest,
  requestsIn,
} from "#src/dialect/embedding/gemini-embed-request.ts";
import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import { payload, rawJson, rawOf } from "#src/dialect/raw-text.ts";
import { edit, elementsOf, lastOf, membersOf } from "#src/dialect/splice.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** How many inputs this wire takes at once. */
const maxRequests = 100;

/** One of the two calls as clients speak it. */
export function geminiEmbedClient(verb: EmbedVerb): EmbeddingClient {
  return {
    id: "gemini-embed",
    taskMember: "taskType",
    peek: (body, url) => peekEmbed(verb, body, url),
    readRequest: (ask) => readEmbedRequest(verb, ask),
    writeReply: (reply, _ask, summary) => writeEmbedReply(verb, reply, summary),
    writeError: writeGeminiError,
  };
}

/** One of the two calls on both sides. */
export function geminiEmbedSplice(verb: EmbedVerb): EmbeddingSplice {
  return {
    id: "gemini-embed",
    retarget: (body, ask, target) => retarget(verb, body, ask, target),
    meterReply: (body, ask) => new EmbedReply(verb, body, ask),
  };
}

/** Google's embedding calls, as the provider speaks them. */
export const geminiEmbedUpstream: EmbeddingUpstream = {
  id: "gemini-embed",
  writeRequest,
  readReply,
};

function pathOf(verb: EmbedVerb, { model }: Target): string {
  return `/models/${model.split("/").map(encodeURIComponent).join("/")}:${verb}`;
}

function retarget(verb: EmbedVerb, body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const found = requestsIn(verb, ask.parsed).length;
  if (found > maxRequests) throw tooMany(found, target.provider, maxRequests);
  const raw = rawOf(body, ask);
  const set: Record<string, string | undefined> = {};
  for (const name of [...gatewayMembers, "user"]) if (name in ask.parsed) set[name] = undefined;
  const put: Record<string, string> = { model: rawJson(`models/${target.model}`) };
  for (const [name, value] of Object.entries(target.overrides ?? {}))
    put[name] = rawJson(value ?? null);
  const edited =
    verb === "embedContent"
      ? edit(raw, { set: { ...set, ...put }, add: put })
      : edit(raw, { set: { ...set, requests: eachWith(raw, put) } });
  return {
    path: pathOf(verb, target),
    body: payload(edited, ask.ascii !== undefined),
    dropped: [],
  };
}

/** The requests of a batch, in raw text, with members put into each. */
function eachWith(raw: string, put: Record<string, string>): string {
  const member = lastOf(membersOf(raw), "requests");
  if (member === undefined) return "[]";
  let out = "";
  let at = member.valueStart;
  for (const { start, end } of elementsOf(raw, member.valueStart)) {
    out += raw.slice(at, start) + edit(raw.slice(start, end), { set: put, add: put });
    at = end;
  }
  return out + raw.slice(at, member.end);
}

function writeRequest(turn: EmbeddingTurn, target: Target): UpstreamRequest {
  const requests = textsFor(turn, target, maxRequests).map((text): JsonObject => {
    const request: JsonObject = {
      model: `models/${target.model}`,
      content: { parts: [{ text }] },
      taskType: turn.taskType,
      outputDimensionality: turn.dimensions,
    };
    return mergeJson(request, target.overrides);
  });
  const verb = requests.length === 1 ? "embedContent" : "batchEmbedContents";
  const body = requests.length === 1 ? requests[0] : { requests };
  return {
    path: pathOf(verb, target),
    body: encode(JSON.stringify(body)),
    dropped: turn.user === undefined ? [] : ["user"],
  };
}

/** Vectors that were cut short are not of length 1 any more; clients of other wires count on it. */
function readReply(body: Uint8Array, { inputs, dimensions }: EmbeddingTurn): EmbeddingReply {
  const reply = readEmbedReply(decode(body), inputs.length);
  if (dimensions === undefined) return reply;
  return { ...reply, vectors: reply.vectors.map((vector) => normalised(toFloats(vector))) };
}
