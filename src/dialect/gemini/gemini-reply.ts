import { answerJson } from "#src/dialect/provider-json.ts";
import { BrokenAnswerError, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import { readGrounding } from "#src/dialect/gemini/gemini-grounding.ts";
import { readLogprobs } from "#src/dialect/gemini/gemini-logprobs.ts";
import { partsOf, readPart } from "#src/dialect/gemini/gemini-parts.ts";
import {
  blockReason,
  brokenText,
  faultText,
  finishOf,
  readUsage,
} from "#src/dialect/gemini/gemini-usage.ts";
import type { AssistantPart, Reply, ReplyChoice } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode, sha256Hex } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A whole answer; a blocked prompt is one, with a filtered choice. Throws `UpstreamStreamError` when the body is none. */
export function readReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined } {
  const text = decode(body);
  const response = parsed(text);
  if (response.error) throw new UpstreamStreamError(faultText(response.error));
  const id = stringOf(response.responseId);
  const seed = id ?? sha256Hex(text);
  const candidates = Array.isArray(response.candidates) ? response.candidates.filter(isObject) : [];
  const choices = candidates.map((candidate, at) => readCandidate(candidate, at, seed));
  const broken = choices.find(({ finish }) => finish === "error");
  if (broken !== undefined && choices.every(({ finish }) => finish === "error"))
    throw new BrokenAnswerError(brokenText(broken.nativeFinish));
  const blocked = blockReason(response);
  if (choices.length === 0 && blocked === undefined) {
    throw new UpstreamStreamError("The provider answered without any candidate");
  }
  if (choices.length === 0) {
    choices.push({ index: 0, parts: [], finish: "content_filter", nativeFinish: blocked });
  }
  return { reply: { ...(id ? { id } : {}), choices }, usage: readUsage(response.usageMetadata) };
}

function parsed(text: string): JsonObject {
  const value: Json = answerJson(text, parseExact);
  const response = Array.isArray(value) ? value[0] : value;
  if (isObject(response)) return response;
  throw new UpstreamStreamError("The provider answered with something that is no answer");
}

function readCandidate(candidate: JsonObject, at: number, seed: string): ReplyChoice {
  const index = numberOf(candidate.index) ?? at;
  const parts: AssistantPart[] = [];
  let calls = 0;
  for (const part of partsOf(candidate)) {
    const read = readPart(part, { seed, candidate: index, index: calls });
    if (read?.type === "tool_call") calls++;
    if (read) parts.push(read);
  }
  cite(parts, candidate.groundingMetadata);
  const nativeFinish = stringOf(candidate.finishReason);
  const logprobs = readLogprobs(candidate.logprobsResult);
  const finish = finishOf(nativeFinish, calls > 0);
  return { index, parts, finish, nativeFinish, ...(logprobs ? { logprobs } : {}) };
}

/** Puts the pages that the answer leans on to its last text. */
function cite(parts: AssistantPart[], metadata: Json | undefined): void {
  const texts = parts.filter((part) => part.type === "text");
  const citations = readGrounding(metadata, texts.map(({ text }) => text).join(""));
  const last = texts.at(-1);
  if (last !== undefined && citations.length > 0) last.citations = citations;
}
