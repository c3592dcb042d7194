import type { Summary } from "#src/dialect/dialect.ts";
import { rawJson } from "#src/dialect/raw-text.ts";
import { edit, membersOf, valueIn } from "#src/dialect/splice.ts";
import { inputTokens, outputTokens, type Usage } from "#src/dialect/usage.ts";
import { countOf, isObject, numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Usage of an OpenAI-shaped answer as disjoint classes; undefined when it is no usage object. */
export function readUsage(usage: Json | undefined, provider?: string): Usage | undefined {
  if (!isObject(usage) || typeof usage.prompt_tokens !== "number") return undefined;
  const inputs = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const prompt = countOf(usage.prompt_tokens);
  const told =
    countOf(inputs.cached_tokens) ||
    countOf(usage.prompt_cache_hit_tokens) ||
    countOf(usage.cached_tokens);
  const cacheRead = Math.min(prompt, told);
  const cacheWrite5m = Math.min(prompt - cacheRead, countOf(inputs.cache_write_tokens));
  const fresh = prompt - cacheRead - cacheWrite5m;
  return {
    input: { fresh, cacheRead, cacheWrite5m, cacheWrite1h: 0 },
    output: readOutput(usage, prompt, provider),
    raw: usage,
  };
}

/**
 * Reasoning stands among the completion tokens, except at xAI and Perplexity, where it stands beside them.
 * The upstream's own total says which; what it counts beyond prompt and completion is reasoning that it does not itemise.
 */
function readOutput(usage: JsonObject, prompt: number, provider?: string): Usage["output"] {
  const details = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const told = countOf(details.reasoning_tokens) || countOf(usage.reasoning_tokens);
  const completion = countOf(usage.completion_tokens);
  const total = numberOf(usage.total_tokens);
  const citations = countOf(usage.citation_tokens);
  const beyond = total === undefined ? 0 : Math.max(0, countOf(total) - prompt - completion);
  // Perplexity leaves reasoning and citations out of its total as well.
  const outside =
    isPerplexity(usage, provider) || told > completion + beyond
      ? Math.max(beyond, told + citations)
      : isXai(usage, provider) && total === undefined
        ? told
        : beyond;
  const output = completion + outside;
  const reasoning = Math.min(output, told || outside);
  return { visible: output - reasoning, reasoning };
}

/** Perplexity by name, or by what it alone counts. */
function isPerplexity(usage: JsonObject, provider?: string): boolean {
  const own = ["citation_tokens", "num_search_queries", "search_context_size"];
  return provider === "perplexity" || own.some((name) => name in usage);
}

/** xAI by name, or by what it alone counts. */
function isXai(usage: JsonObject, provider?: string): boolean {
  return provider === "xai" || "num_sources_used" in usage || "cost_in_usd_ticks" in usage;
}

/** Usage of a whole answer or a chunk, also where some providers hide it: in the last choice, or in a member of their own. */
export function findUsage(answer: JsonObject, provider?: string): Usage | undefined {
  const usual = readUsage(answer.usage, provider);
  if (usual) return usual;
  if (isObject(answer.x_groq)) return readUsage(answer.x_groq.usage, provider);
  const last = Array.isArray(answer.choices) ? answer.choices.at(-1) : undefined;
  return isObject(last) ? readUsage(last.usage, provider) : undefined;
}

/** What the gateway adds to a usage object: the cost, in the configured currency; null where a price is unknown. */
function costMembers({ cost, isByok }: Summary): JsonObject {
  return {
    cost: cost?.total ?? null,
    is_byok: isByok,
    cost_details: {
      upstream_inference_cost: cost?.upstream ?? cost?.total ?? null,
      upstream_inference_prompt_cost: cost?.prompt ?? null,
      upstream_inference_completions_cost: cost?.completion ?? null,
    },
  };
}

function detailMembers({ input, output }: Usage): Record<string, JsonObject> {
  return {
    prompt_tokens_details: {
      cached_tokens: input.cacheRead,
      cache_write_tokens: input.cacheWrite5m + input.cacheWrite1h,
    },
    completion_tokens_details: { reasoning_tokens: output.reasoning },
  };
}

/** A usage as OpenAI writes it, with the cost. */
export function writeUsage(usage: Usage, summary: Summary): JsonObject {
  const [prompt, completion] = [inputTokens(usage), outputTokens(usage)];
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...detailMembers(usage),
    ...costMembers(summary),
  };
}

/** The upstream's own usage object, in raw text, with the cost and the details that it lacks. */
export function completeUsage(raw: string, usage: Usage, summary: Summary): string {
  const set: Record<string, string> = {};
  const add: Record<string, string> = {};
  const members = membersOf(raw);
  const details = detailMembers(usage);
  for (const name in details) {
    const own = details[name] ?? {};
    const told = valueIn(raw, name, members);
    if (told === undefined) add[name] = rawJson(own);
    else set[name] = withDetails(told, own);
  }
  const costs = costMembers(summary);
  for (const name in costs) set[name] = add[name] = rawJson(costs[name] ?? null);
  return edit(raw, { set, add }, 0, members);
}

function withDetails(raw: string, details: JsonObject): string {
  if (!raw.startsWith("{")) return rawJson(details);
  const add: Record<string, string> = {};
  for (const name in details) add[name] = rawJson(details[name] ?? null);
  return edit(raw, { add });
}
