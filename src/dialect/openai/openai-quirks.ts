import type { Target } from "#src/dialect/dialect.ts";

/** How providers of one wire differ in what they take. Source: the wire notes, sections 8 and 13. */
export interface Quirks {
  /** The one name of the output limit that the target takes; undefined where either will do. */
  outputLimit?: "max_tokens" | "max_completion_tokens";
  /** Ends an answer early where no limit is set: it is told what is held for the answer. */
  endsEarly: boolean;
  /**
   * How reasoning is asked for: the words of `reasoning_effort`; the object `reasoning` in full, or with `enabled`
   * alone where the model has no efforts; `thinking.type`; or `enable_thinking` and `thinking_budget`.
   */
  reasoning: "effort" | "object" | "enabled" | "thinking" | "enable_thinking";
  /** Refuses an effort for a model without a published list of them. */
  listedEfforts: boolean;
  /** Refuses members of a request that it does not know. */
  strict: boolean;
  /** Knows the role `developer`; elsewhere it is `system`. */
  developerRole: boolean;
  /** Name of the member that seeds sampling. */
  seed: "seed" | "random_seed";
  /** Where it wants its own reasoning back as `reasoning_content`: in every turn, in those with calls, or nowhere. */
  reasoningBack: "always" | "calls" | "never";
  /** Members that it refuses: left out, and named. */
  refused: ReadonlySet<string>;
  /** The only members that it takes, where it refuses all others. */
  taken?: ReadonlySet<string>;
  /** Members of messages that it refuses. */
  messageRefused: ReadonlySet<string>;
  /** The only members of a message that it takes, by role, where it refuses all others. */
  messageTaken?: Readonly<Record<string, ReadonlySet<string>>>;
  /** What becomes of marks for a prompt cache; `unread` is let through. */
  cacheMarks: "cache_control" | "prompt_cache_breakpoint" | "refused" | "unread";
  /** Gives one choice alone. */
  oneChoice: boolean;
  /** Tells no log probabilities. */
  noLogprobs: boolean;
  /** Its word for a call that must be made. */
  required: "required" | "any";
  /** Ids of calls: nine letters and digits, or so many characters at most. */
  callIds: "nine" | number;
  /** Wants an answer between a result and the user, and an assistant's last message marked as a beginning. */
  answerAfterTool: boolean;
  /** User and assistant have to take turns. */
  alternates: boolean;
  /** Takes pictures as bytes alone. */
  inlineImages: boolean;
  temperatureMost?: number;
  /** Refuses a temperature of 0: `do_sample: false` says the same. */
  noZeroTemperature: boolean;
}

const none: ReadonlySet<string> = new Set();

const common: Quirks = {
  endsEarly: false,
  reasoning: "effort",
  listedEfforts: false,
  strict: false,
  developerRole: false,
  seed: "seed",
  reasoningBack: "never",
  refused: none,
  messageRefused: none,
  cacheMarks: "unread",
  oneChoice: false,
  noLogprobs: false,
  required: "required",
  // Nobody makes longer ones; state that came with another wire's calls does.
  callIds: 64,
  answerAfterTool: false,
  alternates: false,
  inlineImages: false,
  noZeroTemperature: false,
};

const foreignSampling = ["top_k", "min_p", "top_a", "repetition_penalty"];
const reasoningTexts = ["reasoning", "reasoning_content", "reasoning_details"];
const cacheHints = ["prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"];

const openaiRefused = [...foreignSampling, "cache_control"];
const groqMessageRefused = [
  ...["name", "refusal", "annotations", "audio", "cache_control"],
  ...["reasoning_content", "reasoning_details"],
];

const openai: Partial<Quirks> = {
  strict: true,
  callIds: 40,
  developerRole: true,
  refused: new Set(openaiRefused),
  messageRefused: new Set([...reasoningTexts, "cache_control"]),
};

const byProvider: Readonly<Record<string, Partial<Quirks>>> = {
  openai,
  azure: openai,
  mistral: {
    outputLimit: "max_tokens",
    strict: true,
    listedEfforts: true,
    seed: "random_seed",
    taken: new Set([
      ...["model", "messages", "stream", "max_tokens", "temperature", "top_p", "stop"],
      ...["random_seed", "response_format", "tools", "tool_choice", "parallel_tool_calls"],
      ...["presence_penalty", "frequency_penalty", "n", "prediction", "prompt_mode"],
      ...["reasoning_effort", "safe_prompt", "metadata", "guardrails", "prompt_cache_key"],
    ]),
    messageTaken: {
      system: new Set(["role", "content"]),
      user: new Set(["role", "content"]),
      assistant: new Set(["role", "content", "tool_calls", "prefix"]),
      tool: new Set(["role", "content", "tool_call_id", "name"]),
    },
    cacheMarks: "refused",
    noLogprobs: true,
    required: "any",
    callIds: "nine",
    answerAfterTool: true,
  },
  groq: {
    strict: true,
    refused: new Set([
      ...[...foreignSampling, ...cacheHints, "logit_bias", "top_logprobs", "prediction"],
      ...["verbosity", "web_search_options", "cache_control", "safety_identifier"],
    ]),
    messageRefused: new Set(groqMessageRefused),
    cacheMarks: "refused",
    oneChoice: true,
    noLogprobs: true,
  },
  deepseek: { reasoning: "thinking", reasoningBack: "calls" },
  moonshot: { reasoning: "thinking", reasoningBack: "always", temperatureMost: 1 },
  zai: { reasoning: "thinking", reasoningBack: "always", noZeroTemperature: true },
  xai: { listedEfforts: true },
  cerebras: {
    outputLimit: "max_completion_tokens",
    strict: true,
    refused: new Set([
      ...["frequency_penalty", "presence_penalty", "logit_bias", "cache_control"],
      ...[...cacheHints, "safety_identifier"],
    ]),
    messageRefused: new Set([
      ...["reasoning_content", "reasoning_details", "annotations", "refusal", "audio"],
      "cache_control",
    ]),
    cacheMarks: "refused",
  },
  perplexity: { alternates: true, cacheMarks: "refused" },
  openrouter: { reasoning: "object", developerRole: true, cacheMarks: "cache_control" },
  together: { reasoning: "enabled", endsEarly: true },
  deepinfra: { reasoning: "enabled", endsEarly: true },
  huggingface: { endsEarly: true },
  fireworks: {
    endsEarly: true,
    reasoningBack: "always",
    cacheMarks: "refused",
    messageRefused: new Set(["cache_control"]),
  },
  alibaba: { reasoning: "enable_thinking", cacheMarks: "cache_control" },
  cohere: {
    refused: new Set(["logit_bias", "parallel_tool_calls", "cache_control"]),
    cacheMarks: "refused",
    oneChoice: true,
  },
  ollama: { inlineImages: true, endsEarly: true, oneChoice: true },
};

const steady = ["stop", "presence_penalty", "frequency_penalty"];
/** What reasoning models of OpenAI and xAI refuse. */
const openaiReasoning: ReadonlySet<string> = new Set([...openaiRefused, ...steady, "logit_bias"]);
const xaiReasoning: ReadonlySet<string> = new Set(steady);
const groqPlain: ReadonlySet<string> = new Set([...groqMessageRefused, "reasoning"]);

/** Those that were made, by provider and by what of a target they depend on: every request asks for them. */
const made = new Map<string, Quirks[]>();

/** How a target differs from what most take. */
export function quirksOf({ provider, reasoning, samplingParams, model }: Target): Readonly<Quirks> {
  const name = Object.hasOwn(byProvider, provider) ? provider : "";
  const target = {
    reasons: reasoning !== undefined,
    samplingParams,
    breakpoints: hasBreakpoints(model),
  };
  const ofProvider = made.get(name) ?? [];
  if (ofProvider.length === 0) made.set(name, ofProvider);
  const at =
    (target.reasons ? 1 : 0) + (target.samplingParams ? 2 : 0) + (target.breakpoints ? 4 : 0);
  return (ofProvider[at] ??= makeQuirks(name, target));
}

function makeQuirks(
  provider: string,
  target: { reasons: boolean; samplingParams: boolean; breakpoints: boolean },
): Quirks {
  const { reasons, samplingParams, breakpoints } = target;
  const own = byProvider[provider];
  const quirks: Quirks = { ...common, ...own };
  if (own === openai) {
    if (reasons) quirks.outputLimit = "max_completion_tokens";
    quirks.cacheMarks = breakpoints ? "prompt_cache_breakpoint" : "refused";
    // Models that take sampling although they reason take these as well.
    if (reasons && !samplingParams) quirks.refused = openaiReasoning;
  }
  if (provider === "xai" && reasons) quirks.refused = xaiReasoning;
  // Groq takes reasoning back from models that reason, and refuses it of others.
  if (provider === "groq" && !reasons) quirks.messageRefused = groqPlain;
  return quirks;
}

/** Whether a provider of this wire gives one choice alone. */
export function givesOneChoice(provider: string): boolean {
  return (Object.hasOwn(byProvider, provider) && byProvider[provider]?.oneChoice) === true;
}

/** Cache breakpoints came with GPT-5.6. */
function hasBreakpoints(model: string): boolean {
  const version = /^gpt-(\d+)(?:\.(\d+))?/.exec(model);
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2] ?? 0)];
  return major > 5 || (major === 5 && minor >= 6);
}

/** Whether a model calls tools on the chat wire only where it does not reason: the GPT-6 family. */
export function callsNeedResponses(provider: string, model: string): boolean {
  if (provider !== "openai" && provider !== "azure") return false;
  const version = /^gpt-(\d+)/.exec(model);
  return version !== null && Number(version[1]) >= 6;
}
