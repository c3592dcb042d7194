import { readUsage as readMessagesUsage } from "#src/dialect/anthropic/anthropic-messages-usage.ts";
import { readUsage as readConverseUsage } from "#src/dialect/bedrock/bedrock-usage.ts";
import { readUsage as readCohereUsage } from "#src/dialect/cohere/cohere-usage.ts";
import { readUsage as readGeminiUsage } from "#src/dialect/gemini/gemini-usage.ts";
import { findUsage } from "#src/dialect/openai/openai-usage.ts";
import { readUsage as readResponsesUsage } from "#src/dialect/responses/responses-usage.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { countOf, isObject, numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Top-level members in which the answers of the known wires tell usage. */
export const usageMembers = ["usage", "usageMetadata", "x_groq", "meta"] as const;

/** Usage of a whole answer or a chunk of any known wire, by its own shape; undefined where it tells none. */
export function usageIn(answer: JsonObject, provider?: string): Usage | undefined {
  return (
    findUsage(answer, provider) ??
    readGeminiUsage(answer.usageMetadata) ??
    usageOf(answer.usage) ??
    readCohereUsage(answer.meta)
  );
}

/** A usage object that is not in the words of chat completions. */
function usageOf(usage: Json | undefined): Usage | undefined {
  if (!isObject(usage)) return undefined;
  if (numberOf(usage.input_tokens) !== undefined || numberOf(usage.output_tokens) !== undefined) {
    // The same names, but only one of the wires counts what was cached among the input, and it sums up.
    const sums = isObject(usage.input_tokens_details) || typeof usage.total_tokens === "number";
    return sums ? readResponsesUsage(usage) : readMessagesUsage(usage);
  }
  return readCohereUsage(usage) ?? readConverseUsage(usage) ?? totalOnly(usage);
}

/** Providers of vectors alone may tell nothing but a total. */
function totalOnly(raw: JsonObject): Usage | undefined {
  if (numberOf(raw.total_tokens) === undefined) return undefined;
  return {
    input: { fresh: countOf(raw.total_tokens), cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 0, reasoning: 0 },
    raw,
  };
}

/** Whether a member `error` tells of one: some wires always have it. */
export function isError(error: Json | undefined): boolean {
  return error !== undefined && error !== null && error !== false && error !== "";
}

/** A value from its text; undefined where it is no JSON, of which a meter reads nothing. */
export function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The bytes go on all the same.
  }
}
