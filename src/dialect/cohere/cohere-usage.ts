import type { FinishReason } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { countOf, isObject, numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/**
 * Usage from a `usage` object; undefined when there is none or it counts nothing. `billed_units` wins over
 * `tokens`: the latter also count the template around the prompt, which is processed and not paid for, and
 * our counts are what prices are multiplied with.
 */
export function readUsage(raw: Json | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const input = counted(raw, "input_tokens");
  const output = counted(raw, "output_tokens");
  if (input === undefined && output === undefined) return undefined;
  const prompt = countOf(input);
  const cacheRead = Math.min(countOf(raw.cached_tokens), prompt);
  return {
    input: { fresh: prompt - cacheRead, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0 },
    // Thinking is inside and not told apart.
    output: { visible: countOf(output), reasoning: 0 },
    raw,
  };
}

function counted(raw: JsonObject, name: string): number | undefined {
  const billed = isObject(raw.billed_units) ? numberOf(raw.billed_units[name]) : undefined;
  return billed ?? (isObject(raw.tokens) ? numberOf(raw.tokens[name]) : undefined);
}

const finishes: Readonly<Record<string, FinishReason>> = {
  COMPLETE: "stop",
  STOP_SEQUENCE: "stop",
  TOOL_CALL: "tool_calls",
  MAX_TOKENS: "length",
  ERROR: "error",
  TIMEOUT: "error",
};

/** That a stop sequence ended it, as a member of an ending; the wire does not say which. */
export function stoppedAt(reason: string | undefined): { stopSequence?: null } {
  return reason === "STOP_SEQUENCE" ? { stopSequence: null } : {};
}

/** The ending in canonical words; whether calls were made decides between `stop` and `tool_calls`. */
export function finishOf(reason: string | undefined, called: boolean): FinishReason {
  const known = reason !== undefined && Object.hasOwn(finishes, reason);
  const finish = (known && finishes[reason]) || "stop";
  if (finish !== "stop" && finish !== "tool_calls") return finish;
  return called ? "tool_calls" : "stop";
}

/** What went wrong by the reason alone: a message may quote the prompt. */
export function faultText(reason: string | undefined): string {
  const known = reason !== undefined && /^[A-Z_]{1,64}$/.test(reason);
  return `The provider ended its answer with ${known ? `"${reason}"` : "an error"}`;
}

/**
 * Log probabilities as the chat wire shows them. An entry of several tokens has one text, so it is shown
 * as one piece with the probability of all of them together.
 */
export function readLogprobs(entries: Json | undefined): JsonObject | undefined {
  const list = Array.isArray(entries) ? entries : [entries];
  const content = list.filter(isObject).flatMap((entry) => {
    const each = Array.isArray(entry.logprobs) ? entry.logprobs : [];
    if (typeof entry.text !== "string" || each.length === 0) return [];
    const logprob = each.reduce<number>((sum, one) => sum + (numberOf(one) ?? 0), 0);
    return [{ token: entry.text, logprob, bytes: null, top_logprobs: [] }];
  });
  return content.length > 0 ? { content, refusal: null } : undefined;
}
