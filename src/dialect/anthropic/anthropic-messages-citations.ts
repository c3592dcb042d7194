import type { AssistantPart, Citation } from "#src/dialect/turn.ts";
import { dialectId } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import { isObject, stringOf, type Json } from "#src/lib/json.ts";

/** Pages of the web among a text's citations; those of the client's own documents have no place on other wires. */
export function citedPages(
  citations: Json | undefined,
  stretch: { start: number; end: number },
): Citation[] {
  if (!Array.isArray(citations)) return [];
  return citations.filter(isObject).flatMap((citation) => {
    const url = stringOf(citation.url);
    if (citation.type !== "web_search_result_location" || !url) return [];
    const title = stringOf(citation.title);
    return [{ url, ...(title ? { title } : {}), ...stretch }];
  });
}

/** Answers with the pages that their texts lean on, each over the whole of its text. */
export function withCitations(parts: AssistantPart[]): AssistantPart[] {
  let start = 0;
  return parts.map((part) => {
    if (part.type !== "text") return part;
    const stretch = { start, end: start + part.text.length };
    start = stretch.end;
    const citations = citedPages(part.carry?.[dialectId]?.citations, stretch);
    return citations.length === 0 ? part : { ...part, citations };
  });
}
