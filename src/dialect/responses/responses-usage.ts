import type { Summary } from "#src/dialect/dialect.ts";
import {
  readUsage as readChatUsage,
  writeUsage as writeChatUsage,
} from "#src/dialect/openai/openai-usage.ts";
import { rawJson } from "#src/dialect/raw-text.ts";
import { edit, membersOf, valueIn } from "#src/dialect/splice.ts";
import { inputTokens, outputTokens, totalTokens, type Usage } from "#src/dialect/usage.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Usage of a response as disjoint classes; undefined when it is no usage object. The counts of chat by other names. */
export function readUsage(raw: Json | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const usage = readChatUsage({
    prompt_tokens: raw.input_tokens,
    prompt_tokens_details: raw.input_tokens_details,
    completion_tokens: raw.output_tokens,
    completion_tokens_details: raw.output_tokens_details,
    total_tokens: raw.total_tokens,
  });
  return usage && { ...usage, raw };
}

function detailMembers({ input, output }: Usage): Record<string, JsonObject> {
  return {
    input_tokens_details: {
      cached_tokens: input.cacheRead,
      cache_write_tokens: input.cacheWrite5m + input.cacheWrite1h,
    },
    output_tokens_details: { reasoning_tokens: output.reasoning },
  };
}

/** The cost as every answer of the OpenAI family tells it. */
function costMembers(usage: Usage, summary: Summary): JsonObject {
  const { cost, is_byok, cost_details } = writeChatUsage(usage, summary);
  return { cost, is_byok, cost_details };
}

/** A usage as this wire writes it, with the cost. */
export function writeUsage(usage: Usage, summary: Summary): JsonObject {
  const { input_tokens_details, output_tokens_details } = detailMembers(usage);
  return {
    input_tokens: inputTokens(usage),
    input_tokens_details,
    output_tokens: outputTokens(usage),
    output_tokens_details,
    total_tokens: totalTokens(usage),
    ...costMembers(usage, summary),
  };
}

/** The upstream's own usage object, in raw text, with the cost and the details that it lacks. */
export function completeUsage(raw: string, usage: Usage, summary: Summary): string {
  const set: Record<string, string> = {};
  const add: Record<string, string> = {};
  const members = membersOf(raw);
  for (const [name, details] of Object.entries(detailMembers(usage))) {
    const told = valueIn(raw, name, members);
    if (told === undefined) add[name] = rawJson(details);
    else set[name] = withDetails(told, details);
  }
  for (const [name, value] of Object.entries(costMembers(usage, summary)))
    set[name] = add[name] = rawJson(value ?? null);
  return edit(raw, { set, add }, 0, members);
}

function withDetails(raw: string, details: JsonObject): string {
  if (!raw.startsWith("{")) return rawJson(details);
  const add: Record<string, string> = {};
  for (const [name, value] of Object.entries(details)) add[name] = rawJson(value ?? null);
  return edit(raw, { add });
}
