import type { Citation } from "#src/dialect/turn.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Pages of the web that a candidate's text leans on, from its `groundingMetadata`. */
export function readGrounding(metadata: Json | undefined, text: string): Citation[] {
  if (!isObject(metadata)) return [];
  const chunks = Array.isArray(metadata.groundingChunks) ? metadata.groundingChunks : [];
  const pages = chunks.map(pageOf);
  const supports = Array.isArray(metadata.groundingSupports) ? metadata.groundingSupports : [];
  return supports.filter(isObject).flatMap((support) => {
    const segment = isObject(support.segment) ? support.segment : {};
    const stretch = stretchOf(segment, text);
    const indices = Array.isArray(support.groundingChunkIndices)
      ? support.groundingChunkIndices
      : [];
    return indices.flatMap((index) => {
      const page = typeof index === "number" ? pages[index] : undefined;
      return page === undefined ? [] : [{ ...page, ...stretch }];
    });
  });
}

function pageOf(chunk: Json): { url: string; title?: string } | undefined {
  const web = isObject(chunk) && isObject(chunk.web) ? chunk.web : {};
  const url = stringOf(web.uri);
  const title = stringOf(web.title);
  return url ? { url, ...(title ? { title } : {}) } : undefined;
}

/** A segment in characters: it is told in bytes, of one part; its own words find it where that is not the text. */
function stretchOf(segment: JsonObject, text: string): { start: number; end: number } {
  const bytes = Buffer.from(text);
  const at = (place: number) => bytes.toString("utf8", 0, place).length;
  const start = at(numberOf(segment.startIndex) ?? 0);
  const end = at(numberOf(segment.endIndex) ?? bytes.length);
  const words = stringOf(segment.text);
  if (!words || text.slice(start, end) === words) return { start, end };
  const found = text.indexOf(words);
  return found === -1 ? { start, end } : { start: found, end: found + words.length };
}
