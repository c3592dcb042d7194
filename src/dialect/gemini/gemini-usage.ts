import type { FinishReason } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { countOf, isObject, numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Usage from `usageMetadata`; undefined when there is none or it counts nothing. */
export function readUsage(raw: Json | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const { promptTokenCount, candidatesTokenCount } = raw;
  if (numberOf(promptTokenCount) === undefined && numberOf(candidatesTokenCount) === undefined) {
    return undefined;
  }
  const prompt = countOf(promptTokenCount) + countOf(raw.toolUsePromptTokenCount);
  const cacheRead = Math.min(countOf(raw.cachedContentTokenCount), prompt);
  // Thoughts are counted beside the candidates, not inside them.
  const output = {
    visible: countOf(candidatesTokenCount),
    reasoning: countOf(raw.thoughtsTokenCount),
  };
  return {
    input: { fresh: prompt - cacheRead, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0 },
    output,
    raw,
  };
}

const finishes: Readonly<Record<string, FinishReason>> = {
  STOP: "stop",
  MAX_TOKENS: "length",
  SAFETY: "content_filter",
  RECITATION: "content_filter",
  BLOCKLIST: "content_filter",
  PROHIBITED_CONTENT: "content_filter",
  SPII: "content_filter",
  MALFORMED_FUNCTION_CALL: "error",
  UNEXPECTED_TOOL_CALL: "error",
  TOO_MANY_TOOL_CALLS: "error",
};

/** The ending in canonical words. The wire has no word for tool calls: whether any was made decides. */
export function finishOf(reason: string | undefined, called: boolean): FinishReason {
  const filtered = reason?.startsWith("IMAGE_") ? "content_filter" : "stop";
  const known = reason !== undefined && Object.hasOwn(finishes, reason);
  const finish = (known && finishes[reason]) || filtered;
  return finish === "stop" && called ? "tool_calls" : finish;
}

/** That a call came out broken, in the upstream's word for it. */
export function brokenText(reason: string | undefined): string {
  return `The provider ended its answer with "${reason ?? "an error"}"`;
}

/** What went wrong by Google's status alone: the message may quote the prompt. */
export function faultText(error: Json): string {
  const status = isObject(error) ? error.status : undefined;
  const known = typeof status === "string" && /^[A-Z_]{1,64}$/.test(status);
  return `The provider ended its answer with ${known ? `"${status}"` : "an error"}`;
}

/** The reason why a prompt was refused, when it was. */
export function blockReason(response: JsonObject): string | undefined {
  const feedback = response.promptFeedback;
  if (!isObject(feedback) || typeof feedback.blockReason !== "string") return undefined;
  return feedback.blockReason;
}
