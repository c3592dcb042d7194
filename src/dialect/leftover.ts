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

const tiers: readonly Json[] = ["auto", "default", "flex", "scale", "priority", "fast"];

/** Whether a value of `service_tier` is one of OpenAI's: other wires have words of their own. */
export function isOpenaiTier(value: Json | undefined): boolean {
  return tiers.includes(value ?? null);
}

/** What an answer would be without these members is not what was asked for. */
const cannot: Readonly<Record<string, string>> = {
  web_search_options: "Cannot search the web with this model",
  moderation: "Cannot moderate what this model takes and says",
};

/** Throws `unsupported_feature` where the answer would be of another kind without a member. */
export function requireSayable(name: string, value: Json | undefined): void {
  if (value === undefined || value === null) return;
  if (name === "modalities" && Array.isArray(value) && value.some((kind) => kind !== "text"))
    throw refuse(name, 'Cannot answer in "modalities" other than "text"');
  if (!Object.hasOwn(cannot, name)) return;
  throw refuse(name, `${cannot[name]}: leave out "${name}", or call a model whose provider has it`);
}

/** Names of the client's extra members that a wire cannot say. Throws where the answer would be of another kind. */
export function leftover(turn: Turn, said: readonly string[]): string[] {
  for (const name in turn.extra) if (!said.includes(name)) requireSayable(name, turn.extra[name]);
  return Object.entries(turn.extra).flatMap(([name, value]) => {
    if (value === undefined || value === null || said.includes(name)) return [];
    if (silent.has(name)) return [];
    const harmless = Object.hasOwn(idle, name) ? idle[name] : undefined;
    return harmless?.includes(value) ? [] : [name];
  });
}

/** Refuses several choices and log probabilities, for wires that know neither. Throws `unsupported_feature`. */
export function refuseSeveral(turn: Turn): void {
  refuseChoices(turn.choices);
  refuseLogprobs(turn);
}

/** Refuses log probabilities. Throws `unsupported_feature`. */
export function refuseLogprobs({ extra, ownNames }: Turn): void {
  const { logprobs, top_logprobs: top } = extra;
  if (logprobs === true || (typeof top === "number" && top > 0))
    throw withoutLogprobs(ownNames?.logprobs);
}

/** Refuses more than one choice. Throws `unsupported_feature`. */
export function refuseChoices(choices: number): void {
  if (choices <= 1) return;
  const instead = "ask for 1, or call a model of OpenAI or Google";
  throw refuse("n", `Cannot give ${choices} choices with this model: ${instead}`);
}

/** The refusal of log probabilities, with who could give them. */
export function withoutLogprobs(param = "logprobs"): AppError {
  const instead = "leave them out, or call a model of OpenAI or Google that has them";
  return refuse(param, `Cannot give log probabilities with this model: ${instead}`);
}

function refuse(param: string, message: string): AppError {
  return new AppError("unsupported_feature", message, { param });
}
