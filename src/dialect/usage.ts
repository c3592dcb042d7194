import type { Json } from "#src/lib/json.ts";

/** Disjoint token classes of one answer; totals are derived, never stored. */
export interface Usage {
  readonly input: {
    readonly fresh: number;
    readonly cacheRead: number;
    readonly cacheWrite5m: number;
    readonly cacheWrite1h: number;
  };
  readonly output: { readonly visible: number; readonly reasoning: number };
  /** What the upstream said, kept as it came. */
  readonly raw: Json;
  /** Present when the upstream gave no usage and the counts are ours. */
  readonly estimated?: true;
  /** Present when the upstream counted the prompt alone so far: what stands for the output is no count of it. */
  readonly outputUntold?: true;
}

/** All prompt tokens, cached ones included. */
export function inputTokens(usage: Usage): number {
  const { fresh, cacheRead, cacheWrite5m, cacheWrite1h } = usage.input;
  return fresh + cacheRead + cacheWrite5m + cacheWrite1h;
}

/** All completion tokens, reasoning included. */
export function outputTokens(usage: Usage): number {
  return usage.output.visible + usage.output.reasoning;
}

/** Prompt and completion tokens together. */
export function totalTokens(usage: Usage): number {
  return inputTokens(usage) + outputTokens(usage);
}
