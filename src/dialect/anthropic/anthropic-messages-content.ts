import {
  argumentsObject,
  type AnsweredCall,
  type Entry,
  type SaidPart,
} from "#src/dialect/conversation.ts";
import { sniffed } from "#src/dialect/media-type.ts";
import type {
  Carry,
  FilePart,
  ImagePart,
  ReasoningPart,
  TextPart,
  UserPart,
} from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** This wire's key in `carry`. */
export const dialectId = "anthropic-messages";

/** Members of this wire that a part or tool brought along, such as a cache mark. */
export function carried(carry: Carry | undefined): JsonObject {
  return carry?.[dialectId] ?? {};
}

/** Whether this wire can take the reasoning back: only what it proved itself. */
export function isOwnReasoning(part: ReasoningPart): boolean {
  if (part.signature === undefined && part.redacted === undefined) return false;
  return part.carry === undefined || dialectId in part.carry;
}

/** An entry of the conversation as messages: an instruction that follows the user is one of its own. */
export function writeMessages(entry: Entry): JsonObject[] {
  const message = writeMessage(entry);
  if (entry.role === "assistant" || entry.instruction === undefined) return [message];
  return [message, { role: "system", content: entry.instruction.map(writeText) }];
}

/** One message of the conversation; results come before everything else. */
function writeMessage(entry: Entry): JsonObject {
  if (entry.role === "assistant") {
    return { role: "assistant", content: entry.parts.map(writeSaid) };
  }
  const results = entry.results.map(writeResult);
  return { role: "user", content: [...results, ...entry.parts.map(writeUserPart)] };
}

/** System instructions: text, or blocks where one carries members of its own. */
export function writeSystem(parts: TextPart[]): string | JsonObject[] {
  if (parts.some((part) => Object.keys(carried(part.carry)).length > 0))
    return parts.map(writeText);
  return parts.map((part) => part.text).join("\n\n");
}

function writeText(part: TextPart): JsonObject {
  return { type: "text", text: part.text, ...carried(part.carry) };
}

function writeSaid(part: SaidPart): JsonObject {
  if (part.type === "text") return writeText(part);
  const own = carried(part.carry);
  if (part.type === "tool_call") {
    return { type: "tool_use", id: part.id, name: part.name, input: argumentsObject(part), ...own };
  }
  if (part.redacted !== undefined)
    return { type: "redacted_thinking", data: part.redacted, ...own };
  return { type: "thinking", thinking: part.text, signature: part.signature, ...own };
}

function writeResult({ call, result }: AnsweredCall): JsonObject {
  const content = result.content
    .filter((part) => part.type !== "text" || part.text.trim() !== "")
    .map(writeUserPart);
  return {
    type: "tool_result",
    tool_use_id: call.id,
    ...(content.length > 0 ? { content } : {}),
    ...(result.isError ? { is_error: true } : {}),
    ...carried(result.carry),
  };
}

function writeUserPart(part: UserPart): JsonObject {
  if (part.type === "text") return writeText(part);
  if (part.type === "image") return writeImage(part);
  if (part.type === "file") return writeFile(part);
  throw refuse("Cannot send audio to this model: it takes text, pictures and PDF documents");
}

function writeImage(part: ImagePart): JsonObject {
  const { source } = part;
  const own = carried(part.carry);
  if ("url" in source) return { type: "image", source: { type: "url", url: source.url }, ...own };
  const mediaType = sniffed(source.base64) ?? source.mediaType;
  if (!/^image\/(png|jpeg|gif|webp)$/.test(mediaType)) {
    throw refuse("Cannot send a picture of this type: use PNG, JPEG, GIF or WebP");
  }
  const bytes = { type: "base64", media_type: mediaType, data: source.base64 };
  return { type: "image", source: bytes, ...own };
}

function writeFile(part: FilePart): JsonObject {
  const rest = { ...(part.filename ? { title: part.filename } : {}), ...carried(part.carry) };
  return { type: "document", source: fileSource(part), ...rest };
}

function fileSource({ source }: FilePart): JsonObject {
  if ("url" in source) return { type: "url", url: source.url };
  if ("fileId" in source) {
    throw refuse("Cannot send a file by its id: send its bytes as a data URI");
  }
  // A document without a type, or with a wrong one, is what it begins as.
  const mediaType = sniffed(source.base64) ?? source.mediaType;
  if (mediaType === "application/pdf") {
    return { type: "base64", media_type: mediaType, data: source.base64 };
  }
  if (source.mediaType.startsWith("text/")) {
    const text = Buffer.from(source.base64, "base64").toString("utf8");
    return { type: "text", media_type: "text/plain", data: text };
  }
  throw refuse("Cannot send a file of this type: use PDF or plain text");
}

function refuse(message: string): AppError {
  return new AppError("unsupported_feature", message, { param: "messages" });
}
