import { dialectId } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import type {
  AssistantPart,
  Carry,
  FilePart,
  ImagePart,
  Message,
  TextPart,
  ToolResult,
  UserPart,
} from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Members of a block or tool besides those understood, such as a cache mark: they ride along for this wire. */
export function membersBeside(block: JsonObject, known: readonly string[]): { carry?: Carry } {
  const rest = Object.entries(block).filter(
    ([name, value]) => !known.includes(name) && value !== undefined,
  );
  return rest.length === 0 ? {} : { carry: { [dialectId]: Object.fromEntries(rest) } };
}

/** Text of system instructions or of a message: a string, or blocks; empty ones are left out. */
export function textParts(content: Json | undefined): TextPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content
    .filter(isObject)
    .flatMap((block) => (block.type === "text" ? textPart(block) : []));
}

function textPart(block: JsonObject): TextPart[] {
  const text = stringOf(block.text) ?? "";
  return text === "" ? [] : [{ type: "text", text, ...membersBeside(block, ["type", "text"]) }];
}

/** What an assistant's message says. Blocks of the provider's own tools mean nothing elsewhere and are left out. */
export function assistantParts(content: Json | undefined): AssistantPart[] {
  if (!Array.isArray(content)) return textParts(content);
  return content.filter(isObject).flatMap((block): AssistantPart[] => {
    if (block.type === "text") return textPart(block);
    if (block.type === "thinking") return [thinkingPart(block)];
    if (block.type === "redacted_thinking") {
      const { carry } = membersBeside(block, ["type", "data"]);
      const redacted = stringOf(block.data) ?? "";
      return [{ type: "reasoning", text: "", redacted, carry: carry ?? { [dialectId]: {} } }];
    }
    return block.type === "tool_use" ? [callPart(block)] : [];
  });
}

/** An empty signature is what we wrote where the model had none. */
function thinkingPart(block: JsonObject): AssistantPart {
  const { carry } = membersBeside(block, ["type", "thinking", "signature"]);
  const signature = stringOf(block.signature);
  return {
    type: "reasoning",
    text: stringOf(block.thinking) ?? "",
    ...(signature ? { signature } : {}),
    carry: carry ?? { [dialectId]: {} },
  };
}

function callPart(block: JsonObject): AssistantPart {
  return {
    type: "tool_call",
    id: stringOf(block.id) ?? "",
    name: stringOf(block.name) ?? "",
    arguments: JSON.stringify(block.input ?? {}),
    ...membersBeside(block, ["type", "id", "name", "input"]),
  };
}

/** A user's message: results of tools come first, as a message of their own. */
export function userMessages(content: Json | undefined, at: string): Message[] {
  if (!Array.isArray(content)) return [{ role: "user", content: textParts(content) }];
  const results: ToolResult[] = [];
  /** Documents in results, which have a place in messages of the user alone. */
  const files: FilePart[] = [];
  const parts: UserPart[] = [];
  for (const [index, block] of content.entries()) {
    const path = `${at}[${index}]`;
    if (!isObject(block)) continue;
    if (block.type !== "tool_result") {
      parts.push(...userParts(block, path));
      continue;
    }
    const { result, documents } = readResult(block, path);
    results.push(result);
    files.push(...documents);
  }
  const said = [...files, ...parts];
  return [
    ...(results.length > 0 ? [{ role: "tool" as const, results }] : []),
    ...(said.length > 0 || results.length === 0 ? [{ role: "user" as const, content: said }] : []),
  ];
}

function readResult(block: JsonObject, at: string): { result: ToolResult; documents: FilePart[] } {
  const { content, is_error: failed } = block;
  const parts = Array.isArray(content)
    ? content
        .filter(isObject)
        .flatMap((inner, index) => userParts(inner, `${at}.content[${index}]`))
    : textParts(content);
  return {
    result: {
      callId: stringOf(block.tool_use_id) ?? "",
      content: parts.filter((part) => part.type === "text" || part.type === "image"),
      ...(failed === true ? { isError: true } : {}),
      ...membersBeside(block, ["type", "tool_use_id", "content", "is_error"]),
    },
    documents: parts.filter((part) => part.type === "file"),
  };
}

function userParts(block: JsonObject, at: string): UserPart[] {
  if (block.type === "text") return textPart(block);
  if (block.type === "image") return [imagePart(block, at)];
  if (block.type === "document") return documentParts(block, at);
  if (block.type === "search_result") return [...titled(block), ...textParts(block.content)];
  const type = stringOf(block.type) ?? "";
  const named = /^[a-z0-9_]{1,64}$/.test(type) ? `a block of type "${type}"` : "this block";
  throw refuse(
    `Cannot send ${named} to this model: it takes text, pictures, documents and results of tools`,
    at,
  );
}

function imagePart(block: JsonObject, at: string): ImagePart {
  const source = sourceOf(block, at);
  return { type: "image", source, ...membersBeside(block, ["type", "source"]) };
}

/** A document of bytes is a file; one of text, or of blocks, is said in place. */
function documentParts(block: JsonObject, at: string): UserPart[] {
  const inner = isObject(block.source) ? block.source : {};
  if (inner.type === "text") return [...titled(block), ...textParts(inner.data)];
  if (inner.type === "content") {
    const { content } = inner;
    const parts = Array.isArray(content)
      ? content.filter(isObject).flatMap((one) => userParts(one, `${at}.source.content`))
      : textParts(content);
    return [...titled(block), ...parts];
  }
  const filename = stringOf(block.title);
  return [
    {
      type: "file",
      source: sourceOf(block, at),
      ...(filename ? { filename } : {}),
      ...membersBeside(block, ["type", "source", "title"]),
    },
  ];
}

/** Title, origin and context of what follows. */
function titled({ title, source, context }: JsonObject): TextPart[] {
  const lines = [title, source, context].filter((line) => typeof line === "string" && line !== "");
  return lines.length === 0 ? [] : [{ type: "text", text: lines.join("\n") }];
}

function sourceOf(block: JsonObject, at: string): ImagePart["source"] {
  const source = isObject(block.source) ? block.source : {};
  if (source.type === "url") return { url: stringOf(source.url) ?? "" };
  if (source.type === "base64") {
    return { mediaType: stringOf(source.media_type) ?? "", base64: stringOf(source.data) ?? "" };
  }
  throw refuse("Cannot send a file by its id at Anthropic to this model: send its bytes", at);
}

function refuse(message: string, param: string): AppError {
  return new AppError("unsupported_feature", message, { param });
}
