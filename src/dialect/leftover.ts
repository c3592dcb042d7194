import type { Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import type { Json } from "#src/lib/json.ts";

/** Members whose value asks for nothing beyond what happens anyway. */
const idle: Readonly<Record<string, readonly Json[]>> = {
  logprobs: [false],
  top_logprobs: [0],
  service_tier: ["auto", "default"],
  store: [false],
  parallel_tool_calls: [true],
};

/** Members that nobody misses: settled otherwise, or hints to a cache that works without them. */
const silent: ReadonlySet<string> = new Set([
  ...["modalities", "stream_options", "cache_control"],
  ...["prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"],
]);

/** Names of the client's extra members that a wire cannot say. Throws where the answer would be of another kind. */
export function leftover(turn: Turn, said: readonly string[]): string[] {
  const { modalities } = turn.extra;
  if (Array.isArray(modalities) && modalities.some((kind) => kind !== "text")) {
    throw new AppError("unsupported_feature", 'Cannot answer in "modalities" other than "text"', {
      param: "modalities",
    });
  }
  return Object.entries(turn.extra).flatMap(([name, value]) => {
    if (value === undefined || value === null || said.includes(name)) return [];
    if (silent.has(name)) return [];
    const harmless = Object.hasOwn(idle, name) ? idle[name] : undefined;
    return harmless?.includes(value) ? [] : [name];
  });
}

/** Refuses several choices and log probabilities, for wires that know neither. Throws `unsupported_feature`. */
export function refuseSeveral(turn: Turn): void {
  if (turn.choices > 1)
    throw refuse("n", `Cannot give ${turn.choices} choices with this model: ask for 1`);
  const { logprobs, top_logprobs: top } = turn.extra;
  if (logprobs !== true && !(typeof top === "number" && top > 0)) return;
  throw refuse("logprobs", "Cannot give log probabilities with this model: leave out `logprobs`");
}

function refuse(param: string, message: string): AppError {
  return new AppError("unsupported_feature", message, { param });
}
