import type { Family } from "#src/dialect/bedrock/bedrock-family.ts";
import type { ReasoningPlan } from "#src/dialect/bedrock/bedrock-reasoning.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { Turn } from "#src/dialect/turn.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** Temperature reaches 1 at most on this wire; top_k is a word of the models, not of the wire. */
export function planSampling(
  turn: Turn,
  target: Target,
  family: Family,
  allowed: ReasoningPlan["sampling"],
): { members: JsonObject; fields: JsonObject; dropped: string[] } {
  const dropped: string[] = [];
  const members: JsonObject = {};
  const { temperature, topP, topK, seed, frequencyPenalty, presencePenalty } = turn;
  const free = target.samplingParams && allowed === "all";
  if (temperature !== undefined) {
    if (free) members.temperature = Math.min(temperature, 1);
    else if (temperature !== 1) dropped.push("temperature");
  }
  if (topP !== undefined) {
    // Claude from 4.1 on refuses temperature and top_p together: the temperature is sent.
    const taken = family !== "claude" || members.temperature === undefined;
    const wide = target.samplingParams && allowed === "wide-top-p" && topP >= 0.95;
    if (taken && (free || wide)) members.topP = topP;
    else if (topP !== 1) dropped.push("top_p");
  }
  const fields = topK !== undefined && free ? topKOf(topK, family) : {};
  if (topK !== undefined && Object.keys(fields).length === 0) dropped.push("top_k");
  if (seed !== undefined) dropped.push("seed");
  if (frequencyPenalty) dropped.push("frequency_penalty");
  if (presencePenalty) dropped.push("presence_penalty");
  return { members, fields, dropped };
}

function topKOf(topK: number, family: Family): JsonObject {
  if (family === "nova") return { inferenceConfig: { topK } };
  return family === "other" ? {} : { top_k: topK };
}
