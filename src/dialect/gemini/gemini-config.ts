import type { ReasoningControl, Target } from "#src/dialect/dialect.ts";
import {
  clampEffort,
  effortOfBudget,
  fitBudget,
  shareOf,
  type Effort,
} from "#src/dialect/effort.ts";
import { reduceSchema } from "#src/dialect/schema-openapi.ts";
import { loosenedNames } from "#src/dialect/schema-refs.ts";
import { shareStops, type StopShare } from "#src/dialect/stop-share.ts";
import type { Reasoning, Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** `generationConfig` of a request, and the client's members that it cannot say. */
export interface ConfigPlan {
  config: JsonObject;
  dropped: string[];
  stops: StopShare;
}

const mostStops = 5;

/** Says limits, sampling, response format and reasoning on this wire. */
export function planConfig(turn: Turn, target: Target): ConfigPlan {
  const dropped: string[] = [];
  const stops = shareStops(turn.stop, mostStops);
  const config: JsonObject = {
    ...(turn.choices > 1 ? { candidateCount: turn.choices } : {}),
    ...limit(turn, target),
    ...(stops.sent.length > 0 ? { stopSequences: [...stops.sent] } : {}),
    ...sampling(turn, target, dropped),
    ...given("seed", turn.seed),
    ...given("presencePenalty", turn.presencePenalty),
    ...given("frequencyPenalty", turn.frequencyPenalty),
    ...logprobs(turn),
    ...resolution(turn),
    ...format(turn, target, dropped),
    ...thinking(turn, target, dropped),
  };
  return { config, dropped, stops };
}

function given(name: string, value: number | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

function limit(turn: Turn, target: Target): JsonObject {
  if (turn.maxOutputTokens === undefined) return {};
  return { maxOutputTokens: Math.min(turn.maxOutputTokens, target.maxOutputTokens ?? Infinity) };
}

function sampling(turn: Turn, target: Target, dropped: string[]): JsonObject {
  const { temperature, topP, topK } = turn;
  if (target.samplingParams) {
    return { ...given("temperature", temperature), ...given("topP", topP), ...given("topK", topK) };
  }
  if (temperature !== undefined && temperature !== 1) dropped.push("temperature");
  if (topP !== undefined && topP !== 1) dropped.push("top_p");
  if (topK !== undefined) dropped.push("top_k");
  return {};
}

function logprobs(turn: Turn): JsonObject {
  if (turn.extra.logprobs !== true) return {};
  const top = turn.extra.top_logprobs;
  const count = typeof top === "number" && top > 0 ? { logprobs: top } : {};
  return { responseLogprobs: true, ...count };
}

/** The wire has one resolution for all pictures: the low one where each of them asks for it. */
function resolution({ messages }: Turn): JsonObject {
  const details = messages.flatMap((message) =>
    message.role === "user"
      ? message.content.flatMap((part) => (part.type === "image" ? [part.detail] : []))
      : [],
  );
  const low = details.length > 0 && details.every((detail) => detail === "low");
  return low ? { mediaResolution: "MEDIA_RESOLUTION_LOW" } : {};
}

/** JSON Schema came with Gemini 2.5; older models take a subset of OpenAPI's. Names without a version are of newer ones. */
export function takesJsonSchema(model: string): boolean {
  const version = /gemini-(\d+)(?:\.(\d+))?/.exec(model);
  if (version === null) return true;
  const [major, minor] = [Number(version[1]), Number(version[2] ?? 0)];
  return major > 2 || (major === 2 && minor >= 5);
}

function format(turn: Turn, target: Target, dropped: string[]): JsonObject {
  const wanted = turn.responseFormat;
  if (!wanted) return {};
  if (wanted.type === "json_object") return { responseMimeType: "application/json" };
  if (!target.jsonSchema) {
    throw refuse(
      "response_format",
      "Cannot enforce a JSON schema on this model: use `json_object`",
    );
  }
  const type = { responseMimeType: "application/json" };
  if (takesJsonSchema(target.model)) return { ...type, responseJsonSchema: wanted.schema };
  const { schema, loosened } = reduceSchema(wanted.schema, "response_format");
  dropped.push(...loosenedNames("response_format", loosened));
  return Object.keys(schema).length === 0 ? type : { ...type, responseSchema: schema };
}

function thinking(turn: Turn, target: Target, dropped: string[]): JsonObject {
  const { reasoning } = turn;
  if (!reasoning) return {};
  const off = reasoning.effort === "none" || reasoning.budgetTokens === 0;
  const control = target.reasoning;
  if (!control) {
    if (!off && !onlyHides(reasoning)) dropped.push("reasoning");
    return {};
  }
  const limit = limitTokens(turn, target);
  const set = turn.maxOutputTokens === undefined ? undefined : limit;
  const amount = amountOf(reasoning, control, { limit, set });
  const shown = { includeThoughts: !off && reasoning.exclude !== true };
  return { thinkingConfig: { ...amount, ...shown } };
}

function onlyHides(reasoning: Reasoning): boolean {
  const { effort, budgetTokens, exclude } = reasoning;
  return exclude === true && effort === undefined && budgetTokens === undefined;
}

function limitTokens(turn: Turn, target: Target): number {
  return Math.min(turn.maxOutputTokens ?? Infinity, target.maxOutputTokens ?? Infinity);
}

/** A level where the model has levels, else a budget; never both, which is refused. */
function amountOf(
  wanted: Reasoning,
  control: ReasoningControl,
  { limit, set }: { limit: number; set: number | undefined },
): JsonObject {
  const { effort, budgetTokens } = wanted;
  if (effort === undefined && budgetTokens === undefined) return {};
  if (control.efforts && (budgetTokens === undefined || !control.budget)) {
    const level = levelOf(effort ?? effortOfBudget(budgetTokens ?? 0), control.efforts);
    return level ? { thinkingLevel: level.toUpperCase() } : {};
  }
  const least = control.budget?.min ?? 0;
  const most = control.budget?.max ?? 24_576;
  const named = budgetTokens ?? budgetOf(effort ?? "medium", most, set);
  if (named === 0 && !control.mandatory) return { thinkingBudget: 0 };
  const floor = control.mandatory ? Math.max(least, 128) : least;
  const tokens = Math.min(Math.max(named, floor), most);
  return { thinkingBudget: fitBudget(tokens, floor, limit) ?? floor };
}

function levelOf(effort: Effort, efforts: string[]): Effort | undefined {
  // A medium that the model lacks is high, as Google's own front maps it.
  const wanted = effort === "medium" && !efforts.includes("medium") && efforts.includes("high");
  return clampEffort(wanted ? "high" : effort, efforts);
}

/** The share of the limit that the caller set, else a number for each effort. */
function budgetOf(effort: Effort, most: number, set: number | undefined): number {
  if (set !== undefined) return shareOf(set, effort);
  const budgets = { none: 0, minimal: 1024, low: 2048, medium: 8192, high: 24_576 } as const;
  return effort === "xhigh" || effort === "max" ? most : budgets[effort];
}

function refuse(param: string, message: string): AppError {
  return new AppError("unsupported_feature", message, { param });
}
