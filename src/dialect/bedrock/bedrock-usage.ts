import type { FinishReason } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { countOf, isObject, numberOf, type Json } from "#src/lib/json.ts";

/** Usage from a `usage` object; undefined when there is none or it counts nothing. */
export function readUsage(raw: Json | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined;
  if (numberOf(raw.inputTokens) === undefined && numberOf(raw.outputTokens) === undefined) {
    return undefined;
  }
  const details = Array.isArray(raw.cacheDetails) ? raw.cacheDetails.filter(isObject) : [];
  const hourly = details
    .filter((detail) => detail.ttl === "1h")
    .reduce((sum, detail) => sum + countOf(detail.inputTokens), 0);
  const written = countOf(raw.cacheWriteInputTokens);
  const cacheWrite1h = Math.min(hourly, written);
  return {
    input: {
      // The three counts lie beside each other: inputTokens is what no cache took part in.
      fresh: countOf(raw.inputTokens),
      cacheRead: countOf(raw.cacheReadInputTokens),
      cacheWrite5m: written - cacheWrite1h,
      cacheWrite1h,
    },
    // Reasoning is inside and not told apart.
    output: { visible: countOf(raw.outputTokens), reasoning: 0 },
    raw,
  };
}

const finishes: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  guardrail_intervened: "content_filter",
  content_filtered: "content_filter",
  malformed_model_output: "error",
  malformed_tool_use: "error",
};

/** That a stop sequence ended it, as a member of an ending; the wire does not say which. */
export function stoppedAt(stopReason: string | undefined): { stopSequence?: null } {
  return stopReason === "stop_sequence" ? { stopSequence: null } : {};
}

/** The ending in canonical words; whether calls were shown decides between `stop` and `tool_calls`. */
export function finishOf(stopReason: string | undefined, called: boolean): FinishReason {
  const known = stopReason !== undefined && Object.hasOwn(finishes, stopReason);
  const finish = (known && finishes[stopReason]) || "stop";
  if (finish !== "stop" && finish !== "tool_calls") return finish;
  return called ? "tool_calls" : "stop";
}

/** What went wrong by the exception's type alone: its message may quote the prompt. */
export function faultText(type: string | undefined): string {
  const known = type !== undefined && /^[a-zA-Z_]{1,64}$/.test(type);
  return `The provider ended its answer with ${known ? `"${type}"` : "an error"}`;
}
