import { missing, wrong } from "#src/dialect/ask.ts";
import { type MessagesRead, noNeeds } from "#src/dialect/openai/openai-chat-messages.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { fileTokensAtMost, fileTokensPerByte, imageTokens } from "#src/dialect/weights.ts";

export type { MessagesRead };

const roles = ["user", "assistant", "system"];

/** Validates the messages, and notes what they need and weigh. Throws `missing_field`, `invalid_value`. */
export function readMessages(messages: Json | undefined): MessagesRead {
  if (messages === undefined || messages === null)
    throw missing("messages", "an array of messages");
  if (!Array.isArray(messages) || messages.length === 0)
    throw wrong("messages", messages, "an array of at least one message");
  const read: MessagesRead = { needs: { ...noNeeds }, weight: { inline: 0, tokens: 0 } };
  for (const [index, message] of messages.entries())
    readMessage(message, `messages[${index}]`, read);
  return read;
}

function readMessage(message: Json, at: string, read: MessagesRead): void {
  if (!isObject(message)) throw wrong(at, message, "an object");
  const { role, content } = message;
  if (typeof role !== "string" || !roles.includes(role))
    throw wrong(`${at}.role`, role, "user, assistant or system");
  if (content === undefined || content === null)
    throw missing(`${at}.content`, "a string or an array of blocks");
  readContent(content, `${at}.content`, read, role);
}

/** Validates system instructions: a string, or blocks of text. */
export function readSystem(system: Json | undefined): void {
  if (system === undefined || system === null || typeof system === "string") return;
  if (!Array.isArray(system)) throw wrong("system", system, "a string or an array of text blocks");
  for (const [index, block] of system.entries()) {
    const at = `system[${index}]`;
    if (!isObject(block)) throw wrong(at, block, "an object");
    if (block.type !== "text") throw wrong(`${at}.type`, block.type, "text");
    needText(block, "text", at);
  }
}

function readContent(content: Json, at: string, read: MessagesRead, role: string): void {
  if (typeof content === "string") return;
  if (!Array.isArray(content)) throw wrong(at, content, "a string or an array of blocks");
  for (const [index, block] of content.entries()) readBlock(block, `${at}[${index}]`, read, role);
}

/** Blocks that only one side of a conversation says. */
const saidBy: Readonly<Record<string, string>> = {
  tool_use: "assistant",
  thinking: "assistant",
  redacted_thinking: "assistant",
  tool_result: "user",
  image: "user",
  document: "user",
};
const openaiParts = ["image_url", "input_audio", "file", "refusal"];

function readBlock(block: Json, at: string, read: MessagesRead, role: string): void {
  if (!isObject(block)) throw wrong(at, block, "an object");
  const { type } = block;
  if (typeof type !== "string" || type === "")
    throw wrong(`${at}.type`, type, "text, image, document, tool_use or tool_result");
  const speaker = Object.hasOwn(saidBy, type) ? saidBy[type] : undefined;
  if (speaker !== undefined && speaker !== role) {
    throw new AppError(
      "invalid_value",
      `Cannot use the block "${at}": a block of type "${type}" belongs to a message of role "${speaker}"`,
      { param: `${at}.type` },
    );
  }
  if (openaiParts.includes(type)) throw openaiShape(at);
  switch (type) {
    case "text":
      return needText(block, "text", at);
    case "thinking":
      return needText(block, "thinking", at);
    case "redacted_thinking":
      return needText(block, "data", at);
    case "image":
      return readImage(block, at, read);
    case "document":
      return readDocument(block, at, read);
    case "tool_use":
      return readCall(block, at, read);
    case "tool_result":
      return readResult(block, at, read);
  }
  // Blocks of the provider's own tools, and of later versions, travel as they are.
}

function openaiShape(at: string): AppError {
  return new AppError(
    "invalid_value",
    `Cannot use the block "${at}": it is in OpenAI's shape, which belongs to /v1/chat/completions; here a picture is of type "image", and a file of type "document"`,
    { param: `${at}.type` },
  );
}

function needText(block: JsonObject, name: string, at: string): void {
  if (typeof block[name] !== "string") throw wrong(`${at}.${name}`, block[name], "a string");
}

function readCall(block: JsonObject, at: string, { needs }: MessagesRead): void {
  needText(block, "id", at);
  needText(block, "name", at);
  if (!isObject(block.input)) throw wrong(`${at}.input`, block.input, "an object");
  needs.tools = true;
}

function readResult(block: JsonObject, at: string, read: MessagesRead): void {
  needText(block, "tool_use_id", at);
  read.needs.tools = true;
  const { content } = block;
  if (content !== undefined && content !== null)
    readContent(content, `${at}.content`, read, "user");
}

function readImage(block: JsonObject, at: string, { needs, weight }: MessagesRead): void {
  const source = sourceOf(block, at);
  const data = inline(source, at);
  needs.vision = true;
  weight.inline += data.length;
  weight.tokens += imageTokens;
}

function readDocument(block: JsonObject, at: string, read: MessagesRead): void {
  const source = sourceOf(block, at);
  const { needs, weight } = read;
  if (source.type === "text") return needText(source, "data", `${at}.source`);
  if (source.type === "content") {
    const { content } = source;
    if (content === undefined || content === null)
      throw missing(`${at}.source.content`, "a string or an array of blocks");
    return readContent(content, `${at}.source.content`, read, "user");
  }
  const data = inline(source, at);
  needs.pdf = true;
  weight.inline += data.length;
  // Bytes that are elsewhere may be as many as a document can have.
  weight.tokens +=
    source.type === "base64"
      ? Math.min(fileTokensAtMost, Math.ceil(data.length * fileTokensPerByte))
      : fileTokensAtMost;
}

function sourceOf(block: JsonObject, at: string): JsonObject {
  if (isObject(block.source)) return block.source;
  throw wrong(`${at}.source`, block.source, "an object");
}

const inlineNames: ReadonlyMap<Json | undefined, string> = new Map([
  ["base64", "data"],
  ["url", "url"],
  ["file", "file_id"],
]);

/** What stands for the bytes: base64, an address or an id. */
function inline(source: JsonObject, at: string): string {
  const path = `${at}.source`;
  if (source.type === "base64") needText(source, "media_type", path);
  const name = inlineNames.get(source.type);
  if (name === undefined) throw wrong(`${path}.type`, source.type, "base64, url or file");
  const value = source[name];
  if (typeof value === "string" && value !== "") return value;
  throw wrong(`${path}.${name}`, value, "a string");
}
