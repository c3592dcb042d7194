import { inputTokens, outputTokens, type Usage } from "#src/dialect/usage.ts";
import type { Summary } from "#src/dialect/dialect.ts";
import { countOf, isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Providers that report reasoning tokens beside the completion tokens instead of among them. */
const reasoningBeside: ReadonlySet<string> = new Set(["xai", "perplexity"]);

/** Usage of an OpenAI-shaped answer as disjoint classes; undefined when it is no usage object. */
export function readUsage(usage: Json | undefined, provider: string): Usage | undefined {
  if (!isObject(usage) || typeof usage.prompt_tokens !== "number") return undefined;
  const inputs = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const outputs = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const prompt = countOf(usage.prompt_tokens);
  const cached = Math.min(
    prompt,
    countOf(inputs.cached_tokens) ||
      countOf(usage.prompt_cache_hit_tokens) ||
      countOf(usage.cached_tokens),
  );
  const written = Math.min(prompt - cached, countOf(inputs.cache_write_tokens));
  const completion = countOf(usage.completion_tokens);
  const told = countOf(outputs.reasoning_tokens) || countOf(usage.reasoning_tokens);
  const beside = reasoningBeside.has(provider);
  const reasoning = beside ? told : Math.min(completion, told);
  return {
    input: {
      fresh: prompt - cached - written,
      cacheRead: cached,
      cacheWrite5m: written,
      cacheWrite1h: 0,
    },
    output: { visible: beside ? completion : completion - reasoning, reasoning },
    raw: usage,
  };
}

/** What the gateway adds to a usage object: the cost, in the configured currency; null where a price is unknown. */
export function costMembers({ cost, isByok }: Summary): JsonObject {
  return {
    cost: cost?.total ?? null,
    is_byok: isByok,
    cost_details: {
      upstream_inference_cost: cost?.total ?? null,
      upstream_inference_prompt_cost: cost?.prompt ?? null,
      upstream_inference_completions_cost: cost?.completion ?? null,
    },
  };
}

/** A usage as OpenAI writes it, with the cost. */
export function writeUsage(usage: Usage, summary: Summary): JsonObject {
  const [prompt, completion] = [inputTokens(usage), outputTokens(usage)];
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: usage.input.cacheRead,
      cache_write_tokens: usage.input.cacheWrite5m + usage.input.cacheWrite1h,
    },
    completion_tokens_details: { reasoning_tokens: usage.output.reasoning },
    ...costMembers(summary),
  };
}
