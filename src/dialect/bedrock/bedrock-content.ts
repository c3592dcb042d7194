import { cachePoint } from "#src/dialect/bedrock/bedrock-cache.ts";
import type { Family } from "#src/dialect/bedrock/bedrock-family.ts";
import { writeDocument, writeImage } from "#src/dialect/bedrock/bedrock-media.ts";
import {
  argumentsObject,
  type AnsweredCall,
  type Entry,
  type SaidPart,
} from "#src/dialect/conversation.ts";
import type { ReasoningPart, TextPart, UserPart } from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** This wire's key in `carry`. */
export const dialectId = "bedrock-converse";

/** How messages are written for one request. */
export interface Writing {
  family: Family;
  /** Calls and results as text: this wire refuses their blocks where no tool is offered. */
  callsAsText: boolean;
  /** Names of documents given out so far; the wire wants them unique. */
  documents: Set<string>;
}

/** Whether this wire can take the reasoning back: only what it proved itself. */
export function isOwnReasoning(part: ReasoningPart): boolean {
  if (part.signature === undefined && part.redacted === undefined) return false;
  return part.carry !== undefined && dialectId in part.carry;
}

/** One message of the conversation; results come before everything else. */
export function writeMessage(entry: Entry, writing: Writing): JsonObject {
  if (entry.role === "assistant") {
    return {
      role: "assistant",
      content: entry.parts.flatMap((part) => marked(writeSaid(part, writing), part, writing)),
    };
  }
  const results = entry.results.flatMap((answered) =>
    marked(writeResult(answered, writing), answered.result, writing),
  );
  const parts = entry.parts.flatMap((part) =>
    marked([writeUserPart(part, writing)], part, writing),
  );
  const content = [...results, ...parts];
  const lonely = content.some((block) => block.document) && !content.some((block) => block.text);
  // A document alone is refused: a text has to say what is wanted of it.
  return { role: "user", content: lonely ? [...content, { text: "." }] : content };
}

/** System instructions, with a cache point behind those that are marked. */
export function writeSystem(parts: TextPart[], writing: Writing): JsonObject[] {
  return parts.flatMap((part) => marked([{ text: part.text }], part, writing));
}

/** The blocks with a cache point behind them where the part is marked. */
function marked(blocks: JsonObject[], part: object, { family }: Writing): JsonObject[] {
  const carry = "carry" in part && isObject(part.carry) ? part.carry : undefined;
  // Never behind reasoning, where no cache can end.
  if (blocks.some((block) => block.reasoningContent)) return blocks;
  return [...blocks, ...cachePoint(carry, family)];
}

function writeSaid(part: SaidPart, { callsAsText }: Writing): JsonObject[] {
  if (part.type === "text") return [{ text: part.text }];
  if (part.type === "tool_call") {
    const input = argumentsObject(part);
    if (callsAsText) return [{ text: tagged("tool_call", part.name, JSON.stringify(input)) }];
    return [{ toolUse: { toolUseId: toolUseId(part.id), name: part.name, input } }];
  }
  if (part.redacted !== undefined) {
    return [{ reasoningContent: { redactedContent: part.redacted } }];
  }
  const reasoningText = { text: part.text, signature: part.signature };
  return [{ reasoningContent: { reasoningText } }];
}

function tagged(tag: string, name: string, text: string): string {
  return `<${tag} name=${JSON.stringify(name)}>\n${text}\n</${tag}>`;
}

/** Ids are 64 characters at most; longer ones are replaced alike each time. */
function toolUseId(id: string): string {
  return id.length <= 64 ? id : `call_${sha256Hex(id).slice(0, 24)}`;
}

function writeResult({ call, result }: AnsweredCall, writing: Writing): JsonObject[] {
  const content = result.content
    .filter((part) => part.type !== "text" || part.text.trim() !== "")
    .map((part) => writeUserPart(part, writing));
  if (writing.callsAsText) {
    const texts = result.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
    const text = tagged("tool_result", call.name, texts.join("\n"));
    return [{ text }, ...content.filter((block) => block.image)];
  }
  // Others than these two refuse the member; to them the text tells the failure.
  const tellsStatus = writing.family === "claude" || writing.family === "nova";
  const status = result.isError && tellsStatus ? { status: "error" } : {};
  return [{ toolResult: { toolUseId: toolUseId(call.id), content, ...status } }];
}

function writeUserPart(part: UserPart, { documents }: Writing): JsonObject {
  if (part.type === "text") return { text: part.text };
  if (part.type === "image") return writeImage(part);
  if (part.type === "file") return writeDocument(part, documents);
  throw refuse("Cannot send audio to this model: it takes text, pictures and documents");
}

function refuse(message: string): AppError {
  return new AppError("unsupported_feature", message, { param: "messages" });
}
