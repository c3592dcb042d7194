import { parseExact } from "#src/dialect/exact-json.ts";
import { dialectId } from "#src/dialect/gemini/gemini-content.ts";
import type { AssistantPart, Citation, FinishReason } from "#src/dialect/turn.ts";
import { inputTokens, totalTokens, type Usage } from "#src/dialect/usage.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

const finishes: Readonly<Record<FinishReason, string>> = {
  stop: "STOP",
  tool_calls: "STOP",
  length: "MAX_TOKENS",
  content_filter: "SAFETY",
  error: "OTHER",
};

/** The ending in Google's words, which have none for calls but one for broken calls. */
export function finishOf(finish: FinishReason, malformed: boolean): string {
  return malformed && finish !== "length" ? "MALFORMED_FUNCTION_CALL" : finishes[finish];
}

/** Parts of an answer. A content without parts is taken for a broken one by clients, so there is always one. */
export function writeParts(said: AssistantPart[]): { parts: JsonObject[]; malformed: boolean } {
  const parts: JsonObject[] = [];
  let malformed = false;
  for (const part of said) {
    const written = writePart(part);
    if (written) parts.push(written);
    else if (part.type === "tool_call") malformed = true;
  }
  if (parts.length === 0) parts.push({ text: "" });
  return { parts, malformed };
}

/** Undefined for empty text, and for a call whose arguments are no object: nothing is invented for it. */
export function writePart(part: AssistantPart): JsonObject | undefined {
  const own = "carry" in part ? part.carry?.[dialectId]?.thoughtSignature : undefined;
  const thoughtSignature = own === undefined ? {} : { thoughtSignature: own };
  if (part.type === "tool_call") {
    const args = argumentsOf(part.arguments);
    const { id, name } = part;
    return args && { functionCall: { id, name, args }, ...thoughtSignature };
  }
  if (part.text === "" && own === undefined) return undefined;
  const thought = part.type === "reasoning" ? { thought: true } : {};
  return { text: part.text, ...thought, ...thoughtSignature };
}

function argumentsOf(text: string): JsonObject | undefined {
  const said = text.trim();
  if (said === "" || said === "null") return {};
  try {
    const value = parseExact(said);
    return isObject(value) ? value : undefined;
  } catch {
    // Cut short or never JSON: the call is reported as malformed.
    return undefined;
  }
}

/** Log probabilities out of the shape of chat completions, as a member of a candidate. */
export function writeLogprobs(logprobs: Json | undefined): JsonObject {
  if (!isObject(logprobs) || !Array.isArray(logprobs.content)) return {};
  const tokens = logprobs.content.filter(isObject);
  const written = ({ token, logprob }: JsonObject) => ({ token, logProbability: logprob });
  const topCandidates = tokens.map(({ top_logprobs: top }) => ({
    candidates: Array.isArray(top) ? top.filter(isObject).map(written) : [],
  }));
  return { logprobsResult: { chosenCandidates: tokens.map(written), topCandidates } };
}

/** Pages that a text leans on, as a member of a candidate. This wire counts bytes. */
export function writeGrounding(citations: Citation[], text: string): JsonObject {
  if (citations.length === 0) return {};
  const urls = [...new Set(citations.map(({ url }) => url))];
  const groundingChunks = urls.map((uri) => {
    const title = citations.find(({ url }) => url === uri)?.title;
    return { web: { uri, ...(title === undefined ? {} : { title }) } };
  });
  const bytes = (end: number) => Buffer.byteLength(text.slice(0, end));
  const groundingSupports = citations.map(({ url, start, end }) => ({
    segment: { startIndex: bytes(start), endIndex: bytes(end), text: text.slice(start, end) },
    groundingChunkIndices: [urls.indexOf(url)],
  }));
  return { groundingMetadata: { groundingChunks, groundingSupports } };
}

/** Usage in Google's words: thoughts are counted beside the candidates, cached tokens inside the prompt. */
export function writeUsage(usage: Usage): JsonObject {
  const { input, output } = usage;
  return {
    promptTokenCount: inputTokens(usage),
    ...(input.cacheRead > 0 ? { cachedContentTokenCount: input.cacheRead } : {}),
    candidatesTokenCount: output.visible,
    ...(output.reasoning > 0 ? { thoughtsTokenCount: output.reasoning } : {}),
    totalTokenCount: totalTokens(usage),
  };
}
