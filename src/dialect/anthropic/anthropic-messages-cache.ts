import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Marks that a request may bear; a fifth is refused. */
const most = 4;

/**
 * Leaves the last four cache marks of a request, in the order in which the prompt is cached: tools, system,
 * messages. A mark on the whole request is one of them. Thinking takes none, and what is empty is not sent.
 */
export function limitCacheMarks(body: JsonObject): void {
  const blocks = [body.tools, body.system, body.messages].flatMap(blocksOf).filter(isMarked);
  const room = isObject(body.cache_control) ? most - 1 : most;
  for (const block of blocks.slice(0, Math.max(0, blocks.length - room))) {
    delete block.cache_control;
  }
}

/** Everything that can bear a mark, in order; what stands in a result comes before the result. */
function blocksOf(value: Json | undefined): JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).flatMap((entry) => [...blocksOf(entry.content), entry]);
}

function isMarked(block: JsonObject): boolean {
  if (block.type === "thinking" || block.type === "redacted_thinking") delete block.cache_control;
  return isObject(block.cache_control);
}
