import { suitedId } from "#src/dialect/openai/openai-adapt-messages.ts";
import { argumentsOf } from "#src/dialect/openai/openai-chat-request.ts";
import { pairedMessages } from "#src/dialect/paired-messages.ts";
import { dialectId } from "#src/dialect/responses/responses-items.ts";
import type {
  AssistantPart,
  FilePart,
  ImagePart,
  Message,
  ReasoningPart,
  ToolResult,
  UserPart,
} from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A conversation as input items. */
export function inputOf(messages: Message[]): JsonObject[] {
  return pairedMessages(messages).flatMap((message) => {
    if (message.role === "assistant") return saidItems(message.content);
    if (message.role === "tool") return message.results.map(resultItem);
    const content = message.content.map(writePart);
    return content.length === 0 ? [] : [{ type: "message", role: message.role, content }];
  });
}

/** What the assistant said, called and thought, in its order; words in a row are one message. */
function saidItems(parts: AssistantPart[]): JsonObject[] {
  const items: JsonObject[] = [];
  let words: JsonObject[] = [];
  for (const part of parts) {
    if (part.type === "text" || part.type === "refusal") {
      if (words.length === 0) {
        words = [];
        items.push({ type: "message", role: "assistant", content: words });
      }
      words.push(
        part.type === "text"
          ? { type: "output_text", text: part.text }
          : { type: "refusal", refusal: part.text },
      );
      continue;
    }
    const item = part.type === "reasoning" ? reasoningItem(part) : callItem(part);
    if (item === undefined) continue;
    items.push(item);
    words = [];
  }
  return items;
}

/** OpenAI takes no longer ids here; other servers make them up with all that they have to keep in them. */
function callIdOf(id: string): string {
  return suitedId(id, 64) ?? id;
}

function callItem({ id, name, arguments: words }: Extract<AssistantPart, { type: "tool_call" }>) {
  return { type: "function_call", call_id: callIdOf(id), name, arguments: argumentsOf(words) };
}

/** Only what a provider of this wire encrypted itself: it takes no other reasoning back. */
function reasoningItem({ text, redacted, carry }: ReasoningPart): JsonObject | undefined {
  const own = carry?.[dialectId];
  if (own === undefined || redacted === undefined) return undefined;
  const id = stringOf(own.id);
  return {
    type: "reasoning",
    ...(id === undefined ? {} : { id }),
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    encrypted_content: redacted,
  };
}

function resultItem({ callId, content }: ToolResult): JsonObject {
  const output: Json = content.every((part) => part.type === "text")
    ? content.map((part) => (part.type === "text" ? part.text : "")).join("\n")
    : content.map(writePart);
  return { type: "function_call_output", call_id: callIdOf(callId), output };
}

function writePart(part: UserPart): JsonObject {
  if (part.type === "text") return { type: "input_text", text: part.text };
  if (part.type === "image") {
    const { source, detail = "auto" } = part;
    return { type: "input_image", image_url: addressOf(source), detail };
  }
  if (part.type === "file") return writeFile(part);
  throw new AppError(
    "unsupported_feature",
    "Cannot send audio to this model: it takes text, pictures and documents",
    { param: "messages" },
  );
}

function writeFile({ source, filename }: FilePart): JsonObject {
  if ("fileId" in source) return { type: "input_file", file_id: source.fileId };
  if ("url" in source) return { type: "input_file", file_url: source.url };
  const suffix = source.mediaType === "application/pdf" ? "pdf" : "txt";
  const name = filename ?? `document.${suffix}`;
  return { type: "input_file", filename: name, file_data: addressOf(source) };
}

function addressOf(source: ImagePart["source"]): string {
  return "url" in source ? source.url : `data:${source.mediaType};base64,${source.base64}`;
}
