import type { Family } from "#src/dialect/bedrock/bedrock-family.ts";
import type { Carry, Turn } from "#src/dialect/turn.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** Breakpoints of the prompt cache that one request may have. */
const mostCachePoints = 4;

/** A cache point where the part or tool carries Anthropic's mark and the model has such a cache. */
export function cachePoint(carry: Carry | JsonObject | undefined, family: Family): JsonObject[] {
  const anthropic = carry?.["anthropic-messages"];
  const mark = isObject(anthropic) ? anthropic.cache_control : undefined;
  if (!isObject(mark) || (family !== "claude" && family !== "nova")) return [];
  // The longer time is known to Claude alone; the shorter is the default and needs no word.
  const ttl = family === "claude" && mark.ttl === "1h" ? { ttl: "1h" } : {};
  return [{ cachePoint: { type: "default", ...ttl } }];
}

/** The whole prompt is marked for the cache: the point stands behind its last message. */
export function withWholeCache(messages: JsonObject[], turn: Turn, family: Family): JsonObject[] {
  const mark = turn.extra.cache_control;
  if (!isObject(mark)) return messages;
  const points = cachePoint({ "anthropic-messages": { cache_control: mark } }, family);
  const last = messages.at(-1);
  if (!Array.isArray(last?.content) || isCachePoint(last.content.at(-1))) return messages;
  return [...messages.slice(0, -1), { ...last, content: [...last.content, ...points] }];
}

/** More points than the wire takes: the last ones reach furthest and stay. */
export function keepLastCachePoints(body: JsonObject): void {
  let left = mostCachePoints;
  const keep = (block: unknown) => !isCachePoint(block) || left-- > 0;
  const prune = (holder: JsonObject | undefined, name: string) => {
    const list = holder?.[name];
    if (holder && Array.isArray(list)) holder[name] = list.toReversed().filter(keep).reverse();
  };
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : [];
  for (const message of messages.toReversed()) prune(message, "content");
  prune(body, "system");
  prune(isObject(body.toolConfig) ? body.toolConfig : undefined, "tools");
}

function isCachePoint(block: unknown): boolean {
  return isObject(block) && block.cachePoint !== undefined;
}
