import { answerJson } from "#src/dialect/provider-json.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { failed } from "#src/dialect/openai/openai-chunk.ts";
import { reasoningOf } from "#src/dialect/responses/responses-items.ts";
import { readUsage } from "#src/dialect/responses/responses-usage.ts";
import type { AssistantPart, Citation, FinishReason, Reply } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A whole response in canonical form. Throws `UpstreamStreamError` when it is none, or none that was finished. */
export function readResponsesReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined } {
  const response = readResponse(decode(body));
  const { status } = response;
  if (status !== undefined && status !== "completed" && status !== "incomplete") {
    throw new UpstreamStreamError("The provider answered with a response that is not finished");
  }
  const id = stringOf(response.id) || undefined;
  const parts = partsOf(response.output);
  const called = parts.some((part) => part.type === "tool_call");
  const choice = { index: 0, parts, ...endingOf(response, called) };
  return { reply: { id, choices: [choice] }, usage: readUsage(response.usage) };
}

/** A whole response. Throws `UpstreamStreamError` for garbage, for an error under status 200 and for one that failed. */
export function readResponse(text: string): JsonObject & { output: Json[] } {
  const response = parseObject(text);
  if (isFailure(response)) throw failed(response);
  const { output } = response;
  if (Array.isArray(output)) return { ...response, output };
  throw new UpstreamStreamError("The provider answered with something that is no response");
}

/** An object in JSON. Throws `UpstreamStreamError`. */
export function parseObject(text: string): JsonObject {
  const parsed: Json = answerJson(text);
  if (isObject(parsed)) return parsed;
  throw new UpstreamStreamError("The provider answered with something that is no response");
}

/** Whether a response says that it failed. */
export function isFailure({ status, error }: JsonObject): boolean {
  return status === "failed" || status === "cancelled" || (error !== undefined && error !== null);
}

/** How a response ended, by its own word. A call that was made wins over stop. */
export function endingOf(
  { status, incomplete_details: details }: JsonObject,
  called: boolean,
): { finish: FinishReason; nativeFinish: string | undefined } {
  const reason = isObject(details) ? stringOf(details.reason) : undefined;
  if (status === "incomplete") {
    const finish = reason === "content_filter" ? "content_filter" : "length";
    return { finish, nativeFinish: reason ?? "incomplete" };
  }
  return { finish: called ? "tool_calls" : "stop", nativeFinish: stringOf(status) };
}

/**
 * Output items as parts. Items of the provider's own tools have no canonical word and are left out. `from` is where
 * the first text stands in all text.
 */
export function partsOf(output: Json[], from = 0): AssistantPart[] {
  let start = from;
  return output.filter(isObject).flatMap((item): AssistantPart[] => {
    if (item.type === "reasoning") return reasoningOf(item);
    if (item.type === "function_call") return [callOf(item)];
    if (item.type !== "message" || !Array.isArray(item.content)) return [];
    return item.content.filter(isObject).flatMap((part): AssistantPart[] => {
      const type = part.type === "refusal" ? "refusal" : "text";
      const text = stringOf(type === "refusal" ? part.refusal : part.text) ?? "";
      if (text === "") return [];
      if (type === "refusal") return [{ type, text }];
      const citations = citationsOf(part.annotations, start);
      start += text.length;
      return [{ type, text, ...(citations.length > 0 ? { citations } : {}) }];
    });
  });
}

/** Pages among the annotations of a text that begins at `from`; other annotations have no place on other wires. */
export function citationsOf(annotations: Json | undefined, from: number): Citation[] {
  if (!Array.isArray(annotations)) return [];
  return annotations.filter(isObject).flatMap(({ type, url, title, start_index, end_index }) => {
    if (type !== "url_citation" || typeof url !== "string" || url === "") return [];
    const stretch = {
      start: from + (numberOf(start_index) ?? 0),
      end: from + (numberOf(end_index) ?? 0),
    };
    return [{ url, ...(typeof title === "string" && title ? { title } : {}), ...stretch }];
  });
}

function callOf({ call_id, id, name, arguments: words }: JsonObject): AssistantPart {
  return {
    type: "tool_call",
    id: stringOf(call_id) || (stringOf(id) ?? ""),
    name: stringOf(name) ?? "",
    arguments: stringOf(words) ?? "",
  };
}
