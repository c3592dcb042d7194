import type { AnsweredCall, Entry, SaidPart } from "#src/dialect/conversation.ts";
import type { ImagePart, ReasoningPart, TextPart, UserPart } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** This wire's key in `carry`. */
export const dialectId = "cohere-v2";

/** Whether this wire takes the reasoning back: it signs nothing, so only what is known to be its own. */
export function isOwnReasoning(part: ReasoningPart): boolean {
  return part.text !== "" && part.carry !== undefined && dialectId in part.carry;
}

/** System instructions as one message; none without any. */
export function writeSystem(parts: TextPart[]): JsonObject[] {
  const text = parts.map((part) => part.text).join("\n\n");
  return text === "" ? [] : [{ role: "system", content: text }];
}

/** Messages of one turn of the conversation; every result is a message of its own. */
export function writeEntry(entry: Entry): JsonObject[] {
  if (entry.role === "assistant") return [writeAssistant(entry.parts)];
  // A result is text here: its pictures follow in the user's own words.
  const pictures = entry.results.flatMap(({ result }) =>
    result.content.filter((part) => part.type === "image"),
  );
  const parts = [...pictures, ...entry.parts];
  const said = parts.length > 0 ? [{ role: "user", content: writeUserContent(parts) }] : [];
  return [...entry.results.map(writeResult), ...said];
}

/** Words ahead of calls are the plan of them; elsewhere they are the content. */
function writeAssistant(parts: SaidPart[]): JsonObject {
  const calls = parts.filter((part) => part.type === "tool_call");
  const words = parts.filter((part) => part.type === "text");
  const thoughts = parts
    .filter((part) => part.type === "reasoning")
    .map((part) => ({ type: "thinking", thinking: part.text }));
  if (calls.length === 0) {
    const texts = words.map((part) => ({ type: "text", text: part.text }));
    return { role: "assistant", content: [...thoughts, ...texts] };
  }
  const plan = words.map((part) => part.text).join("\n\n");
  return {
    role: "assistant",
    ...(thoughts.length > 0 ? { content: thoughts } : {}),
    ...(plan === "" ? {} : { tool_plan: plan }),
    tool_calls: calls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: argumentsText(call.arguments) },
    })),
  };
}

function argumentsText(given: string): string {
  const text = given.trim();
  return text === "" || text === "null" ? "{}" : given;
}

function writeResult({ call, result }: AnsweredCall): JsonObject {
  const texts = result.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  return { role: "tool", tool_call_id: call.id, content: texts.join("\n") };
}

function writeUserContent(parts: UserPart[]): string | JsonObject[] {
  const [only] = parts;
  if (parts.length === 1 && only?.type === "text") return only.text;
  return parts.map(writePart);
}

function writePart(part: UserPart): JsonObject {
  if (part.type === "text") return { type: "text", text: part.text };
  if (part.type === "image") return writeImage(part);
  const what = part.type === "audio" ? "audio" : "a file";
  throw new AppError(
    "unsupported_feature",
    `Cannot send ${what} to this model: it takes text and pictures`,
    { param: "messages" },
  );
}

function writeImage({ source, detail }: ImagePart): JsonObject {
  const url = "url" in source ? source.url : `data:${source.mediaType};base64,${source.base64}`;
  return { type: "image_url", image_url: { url, ...(detail ? { detail } : {}) } };
}
