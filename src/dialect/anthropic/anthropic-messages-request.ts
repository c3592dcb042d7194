import { limitCacheMarks } from "#src/dialect/anthropic/anthropic-messages-cache.ts";
import {
  isOwnReasoning,
  writeMessages,
  writeSystem,
} from "#src/dialect/anthropic/anthropic-messages-content.ts";
import { planThinking } from "#src/dialect/anthropic/anthropic-messages-thinking.ts";
import { planTools } from "#src/dialect/anthropic/anthropic-messages-tools.ts";
import { arrange, endsInUnsignedLoop, settleEnding } from "#src/dialect/conversation.ts";
import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { leftover, refuseSeveral } from "#src/dialect/leftover.ts";
import { shareStops } from "#src/dialect/stop-share.ts";
import type { TextPart, Turn } from "#src/dialect/turn.ts";
import { jsonBody } from "#src/dialect/shell-write.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { isObject, stringOf, type JsonObject } from "#src/lib/json.ts";

const jsonOnly: TextPart = {
  type: "text",
  text: "Answer with one valid JSON object and nothing else: no other text, no code fence.",
};

/** A canonical request as a Messages request. Throws `unsupported_feature` for what would change the answer. */
export function writeRequest(turn: Turn, target: Target): UpstreamRequest {
  refuseSeveral(turn);
  const { system, entries } = arrange(turn, isOwnReasoning, {
    instructsAmid: target.instructsAmid === true,
  });
  if (turn.responseFormat?.type === "json_object") system.push(jsonOnly);
  const prefill = settleEnding(entries, target.reasoning?.efforts !== undefined);
  const tools = planTools(turn, target, entries);
  const unsignedLoop = endsInUnsignedLoop(entries);
  const thinking = planThinking(turn, target, { forced: tools.forced, prefill, unsignedLoop });
  const sampling = planSampling(turn, target, thinking.on);
  // White space alone is refused.
  const stops = shareStops(turn.stop, Infinity, (stop) => stop.trim() !== "");
  const user = turn.user ?? stringOf(turn.extra.safety_identifier);
  const output: JsonObject = {
    ...(thinking.effort ? { effort: thinking.effort } : {}),
    ...(tools.format ? { format: tools.format } : {}),
  };
  const body: JsonObject = {
    model: target.model,
    max_tokens: thinking.maxTokens,
    ...(system.length > 0 ? { system: writeSystem(system) } : {}),
    messages: entries.flatMap(writeMessages),
    ...(tools.tools.length > 0 ? { tools: tools.tools } : {}),
    ...(tools.choice ? { tool_choice: tools.choice } : {}),
    ...(thinking.thinking ? { thinking: thinking.thinking } : {}),
    ...(Object.keys(output).length > 0 ? { output_config: output } : {}),
    ...sampling.members,
    ...(stops.sent.length > 0 ? { stop_sequences: [...stops.sent] } : {}),
    ...(user ? { metadata: { user_id: sha256Hex(user) } } : {}),
    ...(isObject(turn.extra.cache_control) ? { cache_control: turn.extra.cache_control } : {}),
    ...(turn.stream ? { stream: true } : {}),
  };
  limitCacheMarks(body);
  const dropped = [
    ...thinking.dropped,
    ...tools.dropped,
    ...sampling.dropped,
    ...leftover(turn, user === turn.user ? [] : ["safety_identifier"]),
  ];
  const bytes = jsonBody(mergeJson(body, target.overrides));
  return { path: "/messages", body: bytes, dropped, stops };
}

/** Temperature reaches 1 at most; thinking takes no temperature, no top_k and only a wide top_p. */
function planSampling(
  turn: Turn,
  target: Target,
  thinks: boolean,
): { members: JsonObject; dropped: string[] } {
  const dropped: string[] = [];
  const members: JsonObject = {};
  const { temperature, topP, topK, seed, frequencyPenalty, presencePenalty } = turn;
  if (temperature !== undefined) {
    if (target.samplingParams && !thinks) members.temperature = Math.min(temperature, 1);
    else if (temperature !== 1) dropped.push("temperature");
  }
  if (topP !== undefined) {
    // Models from 4.1 on refuse temperature and top_p together: the temperature is sent.
    const taken = target.samplingParams && members.temperature === undefined;
    if (taken && (!thinks || topP >= 0.95)) members.top_p = topP;
    else if (topP !== 1) dropped.push("top_p");
  }
  if (topK !== undefined) {
    if (target.samplingParams && !thinks) members.top_k = topK;
    else dropped.push("top_k");
  }
  if (seed !== undefined) dropped.push("seed");
  if (frequencyPenalty) dropped.push("frequency_penalty");
  if (presencePenalty) dropped.push("presence_penalty");
  return { members, dropped };
}
