import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { isOpenaiTier, leftover, refuseSeveral } from "#src/dialect/leftover.ts";
import { effortFor } from "#src/dialect/openai/openai-adapt.ts";
import { inputOf } from "#src/dialect/responses/responses-history.ts";
import { shareStops } from "#src/dialect/stop-share.ts";
import type { Carry, Turn } from "#src/dialect/turn.ts";
import { writeCut } from "#src/dialect/cut-turn.ts";
import { jsonBody } from "#src/dialect/shell-write.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** OpenAI refuses a smaller limit. */
const leastOutput = 16;
/** Members of the client's request that this wire says by the same names. */
const same = [
  "service_tier",
  "metadata",
  "safety_identifier",
  "moderation",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
] as const;

/** A canonical request as a Responses request. Throws `unsupported_feature` for what would change the answer. */
export function writeResponsesRequest(turn: Turn, target: Target): UpstreamRequest {
  return writeCut(turn, (bare, long) => write(bare, target, long));
}

function write(turn: Turn, target: Target, cut: readonly string[]): UpstreamRequest {
  refuseSeveral(turn);
  const { extra } = turn;
  const reasons = target.reasoning !== undefined;
  const sampling = target.samplingParams
    ? { temperature: turn.temperature, top_p: turn.topP }
    : undefined;
  const body = defined({
    model: target.model,
    instructions: turn.system.map((part) => part.text).join("\n\n") || undefined,
    input: inputOf(turn.messages),
    ...Object.fromEntries(said(turn).map((name) => [name, extra[name] ?? undefined])),
    tools: turn.tools.length === 0 ? undefined : toolsOf(turn),
    tool_choice: toolChoiceOf(turn),
    parallel_tool_calls: turn.parallelToolCalls,
    max_output_tokens: limitOf(turn.maxOutputTokens, target),
    ...sampling,
    reasoning: reasoningOf(turn, target),
    text: textOf(turn),
    user: turn.user,
    store: extra.store === true,
    include: reasons ? ["reasoning.encrypted_content"] : undefined,
    stream: turn.stream || undefined,
  });
  const bytes = jsonBody(mergeJson(body, target.overrides), cut);
  // The wire has no word for stop sequences.
  const stops = shareStops(turn.stop, 0);
  return { path: "/responses", body: bytes, dropped: droppedOf(turn, target), stops };
}

function said({ extra }: Turn): readonly string[] {
  return isOpenaiTier(extra.service_tier) ? same : same.filter((name) => name !== "service_tier");
}

function defined(members: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function droppedOf(turn: Turn, target: Target): string[] {
  const { temperature, topP, topK, seed, frequencyPenalty, presencePenalty, reasoning } = turn;
  const asked = reasoning?.effort !== "none" && (reasoning?.effort ?? reasoning?.budgetTokens);
  const cannot: [name: string, given: boolean][] = [
    ["temperature", !target.samplingParams && temperature !== undefined],
    ["top_p", !target.samplingParams && topP !== undefined],
    ["top_k", topK !== undefined],
    ["seed", seed !== undefined],
    ["frequency_penalty", Boolean(frequencyPenalty)],
    ["presence_penalty", Boolean(presencePenalty)],
    ["reasoning", target.reasoning === undefined && Boolean(asked)],
    ["cache_control", hasMarks(turn)],
  ];
  const names = cannot.flatMap(([name, given]) => (given ? [name] : []));
  return [...names, ...leftover(turn, [...said(turn), "store", "verbosity"])];
}

/** Whether anything bears a mark for a prompt cache: no part that is written here does. */
function hasMarks({ system, messages, tools, extra }: Turn): boolean {
  const isMarked = ({ carry }: { carry?: Carry }) =>
    carry?.["anthropic-messages"]?.cache_control !== undefined;
  const parts = messages.flatMap((message): { carry?: Carry }[] =>
    message.role === "tool"
      ? message.results.flatMap((result) => [result, ...result.content])
      : message.content.map((part) => ("carry" in part ? part : {})),
  );
  return isObject(extra.cache_control) || [...system, ...tools, ...parts].some(isMarked);
}

/** Strictness is always told: left out it would be on here, and off in the wires that requests come from. */
function toolsOf({ tools }: Turn): Json[] {
  return tools.map(({ name, description, parameters, strict = false }) =>
    defined({
      type: "function",
      name,
      description,
      parameters: parameters ?? { type: "object", properties: {}, additionalProperties: false },
      strict,
    }),
  );
}

function toolChoiceOf({ toolChoice: choice, tools }: Turn): Json | undefined {
  if (tools.length === 0) return undefined;
  if (choice === undefined || typeof choice === "string") return choice;
  return { type: "function", name: choice.name };
}

/** A summary is asked for only with reasoning that the caller asked for: some organisations may not have any. */
function reasoningOf({ reasoning }: Turn, target: Target): Json | undefined {
  if (reasoning === undefined || target.reasoning === undefined) return undefined;
  const effort = effortFor(reasoning, target);
  const shown = reasoning.exclude !== true && effort !== "none";
  const told = defined({ effort, summary: shown ? "auto" : undefined });
  return Object.keys(told).length === 0 ? undefined : told;
}

function textOf({ responseFormat: format, extra: { verbosity } }: Turn): Json | undefined {
  const told = defined({
    format: format && formatOf(format),
    verbosity: typeof verbosity === "string" ? verbosity : undefined,
  });
  return Object.keys(told).length === 0 ? undefined : told;
}

function formatOf(format: NonNullable<Turn["responseFormat"]>): Json {
  if (format.type === "json_object") return { type: "json_object" };
  const { type, name, schema, strict, description } = format;
  return defined({ type, name, schema, strict, description });
}

/** The limit within what the model takes. */
function limitOf(
  tokens: number | undefined,
  { maxOutputTokens = Infinity }: Target,
): number | undefined {
  return tokens && Math.max(leastOutput, Math.min(tokens, maxOutputTokens));
}
