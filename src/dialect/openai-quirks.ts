import type { Target } from "#src/dialect/dialect.ts";

/** How providers of one wire differ in what they take. Source: the wire notes, section 13. */
export interface Quirks {
  /** The one name of the output limit that the target takes; undefined where either will do. */
  outputLimit?: "max_tokens" | "max_completion_tokens";
  /** Reasoning is asked for by the object `reasoning`; elsewhere by `reasoning_effort`. */
  reasoningObject: boolean;
  /** Knows the role `developer`; elsewhere it is `system`. */
  developerRole: boolean;
  /** Name of the member that seeds sampling. */
  seed: "seed" | "random_seed";
  /** Wants its own reasoning back in a tool loop. */
  reasoningBack: boolean;
}

const reasoningObject: ReadonlySet<string> = new Set(["openrouter", "together", "deepinfra"]);
const reasoningBack: ReadonlySet<string> = new Set(["deepseek", "moonshot", "zai"]);
const openai: ReadonlySet<string> = new Set(["openai", "azure"]);

export function quirksOf({ provider, reasoning }: Target): Quirks {
  return {
    outputLimit: outputLimitOf(provider, reasoning !== undefined),
    reasoningObject: reasoningObject.has(provider),
    developerRole: openai.has(provider) || provider === "openrouter",
    seed: provider === "mistral" ? "random_seed" : "seed",
    reasoningBack: reasoningBack.has(provider),
  };
}

function outputLimitOf(provider: string, reasons: boolean): Quirks["outputLimit"] {
  if (provider === "mistral") return "max_tokens";
  if (provider === "cerebras") return "max_completion_tokens";
  return openai.has(provider) && reasons ? "max_completion_tokens" : undefined;
}
