import type { FinishReason } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { countOf, isObject, numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Usage from a `usage` object; undefined when there is none or it counts nothing. */
export function readUsage(raw: Json | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined;
  if (numberOf(raw.input_tokens) === undefined && numberOf(raw.output_tokens) === undefined) {
    return undefined;
  }
  const split = isObject(raw.cache_creation) ? raw.cache_creation : {};
  const hourly = countOf(split.ephemeral_1h_input_tokens);
  const brief = countOf(split.ephemeral_5m_input_tokens);
  // The sum is authoritative: in a stream it may be corrected without its split.
  const written = numberOf(raw.cache_creation_input_tokens) ?? hourly + brief;
  const cacheWrite1h = Math.min(hourly, countOf(written));
  const details = isObject(raw.output_tokens_details) ? raw.output_tokens_details : {};
  const output = countOf(raw.output_tokens);
  const reasoning = Math.min(countOf(details.thinking_tokens), output);
  return {
    input: {
      fresh: countOf(raw.input_tokens),
      cacheRead: countOf(raw.cache_read_input_tokens),
      cacheWrite5m: countOf(written) - cacheWrite1h,
      cacheWrite1h,
    },
    output: { visible: output - reasoning, reasoning },
    raw,
  };
}

/**
 * Usage of a stream, out of what its events told one over the other. The first one tells the prompt and a stand-in
 * for the output, which only a later one counts.
 */
export function streamUsage(
  told: JsonObject | undefined,
  isOutputTold: boolean,
): Usage | undefined {
  const usage = readUsage(told);
  return usage === undefined || isOutputTold ? usage : { ...usage, outputUntold: true };
}

/** Whether a `message_delta` counts the output. */
export function tellsOutput(usage: Json | undefined): boolean {
  return isObject(usage) && numberOf(usage.output_tokens) !== undefined;
}

/** Later usage laid over earlier: counts are cumulative, so they replace; null says nothing. */
export function laterUsage(
  earlier: JsonObject | undefined,
  later: Json | undefined,
): JsonObject | undefined {
  if (!isObject(later)) return earlier;
  const told = Object.entries(later).filter(([, value]) => value !== null);
  return { ...earlier, ...Object.fromEntries(told) };
}

const finishes: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  pause_turn: "stop",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "content_filter",
};

/** The ending in canonical words; whether calls were shown decides between `stop` and `tool_calls`. */
export function finishOf(stopReason: string | undefined, called: boolean): FinishReason {
  const known = stopReason !== undefined && Object.hasOwn(finishes, stopReason);
  const finish = (known && finishes[stopReason]) || "stop";
  if (finish !== "stop" && finish !== "tool_calls") return finish;
  return called ? "tool_calls" : "stop";
}

/** The stop sequence that ended it, as a member of an ending: null where it is not named. */
export function stoppedAt(
  stopReason: string | undefined,
  sequence: Json | undefined,
): { stopSequence?: string | null } {
  if (stopReason !== "stop_sequence") return {};
  return { stopSequence: typeof sequence === "string" ? sequence : null };
}

/** What a refusal says for itself, if anything. */
export function refusalText(details: Json | undefined): string {
  if (!isObject(details)) return "";
  return typeof details.explanation === "string" ? details.explanation : "";
}
