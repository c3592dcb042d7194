import { isOwnReasoning, writeEntry, writeSystem } from "#src/dialect/cohere/cohere-messages.ts";
import { arrange } from "#src/dialect/conversation.ts";
import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { fitBudget, shareOf } from "#src/dialect/effort.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { leftover, refuseChoices } from "#src/dialect/leftover.ts";
import { shareStops } from "#src/dialect/stop-share.ts";
import type { Reasoning, Tool, Turn } from "#src/dialect/turn.ts";
import { jsonBody } from "#src/dialect/shell-write.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

const mostStops = 5;

/** A canonical request as a v2 chat request. Throws `unsupported_feature` for what would change the answer. */
export function writeRequest(turn: Turn, target: Target): UpstreamRequest {
  refuseChoices(turn.choices);
  const dropped: string[] = [];
  const { system, entries } = arrange(turn, isOwnReasoning);
  const stops = shareStops(turn.stop, mostStops);
  const body: JsonObject = {
    model: target.model,
    messages: [...writeSystem(system), ...entries.flatMap(writeEntry)],
    ...writeTools(turn, dropped),
    ...writeFormat(turn, target),
    ...writeLimit(turn, target),
    ...(stops.sent.length > 0 ? { stop_sequences: [...stops.sent] } : {}),
    ...writeSampling(turn, target, dropped),
    ...writeLogprobs(turn),
    ...writeThinking(turn, target, dropped),
    // The wire wants the member either way.
    stream: turn.stream,
  };
  if (turn.user) dropped.push("user");
  dropped.push(...leftover(turn, turn.extra.logprobs === true ? ["logprobs"] : []));
  const bytes = jsonBody(mergeJson(body, target.overrides));
  return { path: "/chat", body: bytes, dropped, stops };
}

function refuse(param: string, message: string): AppError {
  return new AppError("unsupported_feature", message, { param });
}

/** A choice is REQUIRED or NONE; one demanded tool is demanded by offering no other. */
function writeTools(turn: Turn, dropped: string[]): JsonObject {
  const { toolChoice: choice } = turn;
  if (turn.tools.length === 0) return {};
  // Tools that must not be called are as good as none where a format rules them out.
  if (turn.responseFormat && choice === "none") return {};
  if (turn.responseFormat) {
    throw refuse(
      "response_format",
      "Cannot combine `tools` with `response_format` on this model: send one of them",
    );
  }
  const named = typeof choice === "object" ? choice.name : undefined;
  const tools = turn.tools.filter((tool) => named === undefined || tool.name === named);
  if (tools.some((tool) => tool.strict)) dropped.push("strict");
  if (turn.parallelToolCalls === false) dropped.push("parallel_tool_calls");
  const demanded = choice === "required" || named !== undefined;
  const word = demanded ? "REQUIRED" : choice === "none" ? "NONE" : undefined;
  return { tools: tools.map(writeTool), ...(word ? { tool_choice: word } : {}) };
}

function writeTool({ name, description, parameters }: Tool): JsonObject {
  const said = { name, ...(description ? { description } : {}) };
  return { type: "function", function: { ...said, parameters: objectSchema(parameters) } };
}

function objectSchema(schema: Json | undefined): JsonObject {
  const says = isObject(schema) && Object.keys(schema).length > 0;
  return says ? schema : { type: "object", properties: {} };
}

function writeFormat({ responseFormat: format }: Turn, target: Target): JsonObject {
  if (format === undefined) return {};
  if (format.type === "json_object") return { response_format: { type: "json_object" } };
  if (!target.jsonSchema) {
    throw refuse(
      "response_format",
      "Cannot enforce a JSON schema on this model: use `json_object`",
    );
  }
  return { response_format: { type: "json_object", json_schema: format.schema } };
}

function writeLimit({ maxOutputTokens: asked }: Turn, target: Target): JsonObject {
  if (asked === undefined) return {};
  return { max_tokens: Math.min(asked, target.maxOutputTokens ?? Infinity) };
}

/** Ranges are narrower than a client may think: what is outside goes to the nearest end, or by name. */
function writeSampling(turn: Turn, target: Target, dropped: string[]): JsonObject {
  const { temperature, topP, topK, seed } = turn;
  const members: JsonObject = {};
  if (!target.samplingParams) {
    if (temperature !== undefined && temperature !== 1) dropped.push("temperature");
    if (topP !== undefined && topP !== 1) dropped.push("top_p");
    if (topK !== undefined) dropped.push("top_k");
  } else {
    if (temperature !== undefined) members.temperature = Math.min(temperature, 1);
    if (topP !== undefined) members.p = Math.min(Math.max(topP, 0.01), 0.99);
    if (topK !== undefined) members.k = Math.min(topK, 500);
  }
  if (seed !== undefined && seed >= 0) members.seed = seed;
  else if (seed !== undefined) dropped.push("seed");
  for (const name of ["frequency_penalty", "presence_penalty"] as const) {
    const penalty = name === "frequency_penalty" ? turn.frequencyPenalty : turn.presencePenalty;
    // Below zero it would reward repeating, for which this wire has no word.
    if (penalty !== undefined && penalty < 0) dropped.push(name);
    else if (penalty !== undefined) members[name] = Math.min(penalty, 1);
  }
  return members;
}

function writeLogprobs({ extra }: Turn): JsonObject {
  const { top_logprobs: top } = extra;
  if (typeof top === "number" && top > 0) {
    throw refuse(
      "top_logprobs",
      "Cannot give the probabilities of other tokens: ask for 0, or call a model of OpenAI or Google",
    );
  }
  return extra.logprobs === true ? { logprobs: true } : {};
}

const budgets = { minimal: 1024, low: 2048, medium: 8192 } as const;

/** Thinking is on or off, with a budget where less than all is wanted. */
function writeThinking(turn: Turn, target: Target, dropped: string[]): JsonObject {
  const { reasoning } = turn;
  if (reasoning === undefined) return {};
  const off = reasoning.effort === "none" || reasoning.budgetTokens === 0;
  if (!target.reasoning) {
    if (!off && !onlyHides(reasoning)) dropped.push("reasoning");
    return {};
  }
  if (reasoning.exclude) dropped.push("reasoning.exclude");
  if (off) {
    if (!target.reasoning.mandatory) return { thinking: { type: "disabled" } };
    dropped.push("reasoning");
    return {};
  }
  if (onlyHides(reasoning)) return {};
  const { min = 1, max = Infinity } = target.reasoning.budget ?? {};
  const limit = Math.min(turn.maxOutputTokens ?? Infinity, target.maxOutputTokens ?? Infinity);
  const set = turn.maxOutputTokens === undefined ? undefined : limit;
  const wanted = reasoning.budgetTokens ?? budgetOf(reasoning, set);
  if (wanted === undefined) return { thinking: { type: "enabled" } };
  const budget = fitBudget(Math.min(Math.max(wanted, min), max), min, limit);
  return { thinking: { type: "enabled", ...(budget ? { token_budget: budget } : {}) } };
}

/** The share of the limit that the caller set, else a number for the lower efforts; the others are left to the model. */
function budgetOf({ effort }: Reasoning, set: number | undefined): number | undefined {
  if (effort !== undefined && set !== undefined) return shareOf(set, effort);
  if (effort === "minimal" || effort === "low" || effort === "medium") return budgets[effort];
  return undefined;
}

function onlyHides({ effort, budgetTokens, exclude }: Reasoning): boolean {
  return exclude === true && effort === undefined && budgetTokens === undefined;
}
