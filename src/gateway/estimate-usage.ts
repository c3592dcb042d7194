import type { Ask } from "#src/dialect/dialect.ts";
import type { Usage } from "#src/dialect/usage.ts";

/** Bytes of English text that make a token, as a rule of thumb of the tokenizers' makers. */
const bytesPerToken = 4;

/** A stand-in where the upstream told no usage: from byte counts, marked as estimated, never zero. */
export function estimateUsage(ask: Ask, outputBytes: number): Usage {
  return {
    input: {
      fresh: Math.max(1, Math.ceil(ask.inputTokensAtMost / bytesPerToken)),
      cacheRead: 0,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
    },
    output: { visible: Math.ceil(outputBytes / bytesPerToken), reasoning: 0 },
    raw: null,
    estimated: true,
  };
}
