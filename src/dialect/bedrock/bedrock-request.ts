import { keepLastCachePoints, withWholeCache } from "#src/dialect/bedrock/bedrock-cache.ts";
import {
  isOwnReasoning,
  writeMessage,
  writeSystem,
  type Writing,
} from "#src/dialect/bedrock/bedrock-content.ts";
import { familyOf } from "#src/dialect/bedrock/bedrock-family.ts";
import { planReasoning } from "#src/dialect/bedrock/bedrock-reasoning.ts";
import { planSampling } from "#src/dialect/bedrock/bedrock-sampling.ts";
import { planTools } from "#src/dialect/bedrock/bedrock-tools.ts";
import { arrange, settleEnding } from "#src/dialect/conversation.ts";
import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { leftover, refuseSeveral } from "#src/dialect/leftover.ts";
import { shareStops } from "#src/dialect/stop-share.ts";
import type { TextPart, Turn } from "#src/dialect/turn.ts";
import { jsonBody } from "#src/dialect/shell-write.ts";
import type { JsonObject } from "#src/lib/json.ts";

const jsonOnly: TextPart = {
  type: "text",
  text: "Answer with one valid JSON object and nothing else: no other text, no code fence.",
};

/** A canonical request as a Converse request. Throws `unsupported_feature` for what would change the answer. */
export function writeRequest(turn: Turn, target: Target): UpstreamRequest {
  refuseSeveral(turn);
  const family = familyOf(target.model);
  const { system, entries } = arrange(turn, (part) => family === "claude" && isOwnReasoning(part));
  if (turn.responseFormat?.type === "json_object") system.push(jsonOnly);
  const prefill = settleEnding(entries, target.reasoning?.efforts !== undefined);
  const tools = planTools(turn, entries, target, family);
  const reasoning = planReasoning(turn, target, family, { tools, prefill, entries });
  const sampling = planSampling(turn, target, family, reasoning.sampling);
  // Claude refuses white space alone.
  const takes = (stop: string) => family !== "claude" || stop.trim() !== "";
  const stops = shareStops(turn.stop, Infinity, takes);
  const inference: JsonObject = {
    ...(reasoning.maxTokens === undefined ? {} : { maxTokens: reasoning.maxTokens }),
    ...sampling.members,
    ...(stops.sent.length > 0 ? { stopSequences: [...stops.sent] } : {}),
  };
  const writing: Writing = { family, callsAsText: tools.callsAsText, documents: new Set() };
  const fields = mergeJson(reasoning.fields, sampling.fields);
  const systemBlocks = writeSystem(system, writing);
  const body: JsonObject = {
    messages: withWholeCache(
      entries.map((entry) => writeMessage(entry, writing)),
      turn,
      family,
    ),
    ...(systemBlocks.length > 0 ? { system: systemBlocks } : {}),
    ...(Object.keys(inference).length > 0 ? { inferenceConfig: inference } : {}),
    ...(tools.toolConfig ? { toolConfig: tools.toolConfig } : {}),
    ...(tools.textFormat ? { outputConfig: { textFormat: tools.textFormat } } : {}),
    ...(Object.keys(fields).length > 0 ? { additionalModelRequestFields: fields } : {}),
  };
  keepLastCachePoints(body);
  const dropped = [
    ...reasoning.dropped,
    ...tools.dropped,
    ...sampling.dropped,
    ...(turn.user ? ["user"] : []),
    ...leftover(turn, ["cache_control"]),
  ];
  const action = turn.stream ? "converse-stream" : "converse";
  const bytes = jsonBody(mergeJson(body, target.overrides));
  const path = `/model/${encodeURIComponent(target.model)}/${action}`;
  return { path, body: bytes, dropped, stops };
}
