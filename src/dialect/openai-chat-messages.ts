import { wrong } from "#src/dialect/ask.ts";
import type { Needs } from "#src/dialect/dialect.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json } from "#src/lib/json.ts";

/** Tokens that a picture costs at most at the providers we know: tiles of a large picture at high detail. */
const imageTokens = 3000;
/** Tokens per byte of a PDF at most: page text and page picture, about 3,000 tokens for 4 KB at the densest. */
const pdfTokensPerByte = 0.75;
const roles: ReadonlySet<string> = new Set([
  "system",
  "developer",
  "user",
  "assistant",
  "tool",
  "function",
]);
/** What a request weighs besides its text. */
export interface Weight {
  /** Bytes that are base64, not text. */
  inline: number;
  tokens: number;
}

/** Validates the messages, and notes what they need and weigh. Throws `missing_field`, `invalid_value`. */
export function readMessages(messages: Json | undefined, needs: Needs, weight: Weight): void {
  if (messages === undefined || messages === null) {
    throw new AppError(
      "missing_field",
      'The field "messages" is missing: an array of messages is needed',
      { param: "messages" },
    );
  }
  if (!Array.isArray(messages)) throw wrong("messages", messages, "an array of messages");
  if (messages.length === 0)
    throw new AppError(
      "invalid_value",
      'Cannot use an empty "messages": at least one message is needed',
      { param: "messages" },
    );
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!isObject(message)) throw wrong(at, message, "an object");
    const { role, content } = message;
    if (typeof role !== "string" || !roles.has(role))
      throw wrong(`${at}.role`, role, `one of ${[...roles].join(", ")}`);
    if (role === "tool") {
      needs.tools = true;
      if (typeof message.tool_call_id !== "string")
        throw wrong(
          `${at}.tool_call_id`,
          message.tool_call_id,
          "the id of the call that it answers",
        );
    }
    if (role === "assistant" && message.tool_calls !== undefined && message.tool_calls !== null)
      readCalls(message.tool_calls, at);
    if (typeof content === "string") continue;
    if (content === null || content === undefined) {
      if (role === "assistant" || role === "function") continue;
      throw new AppError(
        "missing_field",
        `The field "${at}.content" is missing: a string or an array of parts is needed`,
        { param: `${at}.content` },
      );
    }
    if (!Array.isArray(content))
      throw wrong(`${at}.content`, content, "a string or an array of parts");
    for (const [place, part] of content.entries())
      readPart(part, `${at}.content[${place}]`, needs, weight);
  }
}

function readCalls(calls: Json, at: string): void {
  if (!Array.isArray(calls)) throw wrong(`${at}.tool_calls`, calls, "an array");
  for (const [index, call] of calls.entries()) {
    const path = `${at}.tool_calls[${index}]`;
    if (!isObject(call) || typeof call.id !== "string")
      throw wrong(`${path}.id`, isObject(call) ? call.id : call, "a string");
    const body = isObject(call.function)
      ? call.function
      : isObject(call.custom)
        ? call.custom
        : undefined;
    if (body === undefined || typeof body.name !== "string")
      throw wrong(`${path}.function.name`, body?.name, "a string");
  }
}

function readPart(part: Json, at: string, needs: Needs, weight: Weight): void {
  if (!isObject(part)) throw wrong(at, part, "an object");
  switch (part.type) {
    case "text":
      if (typeof part.text !== "string") throw wrong(`${at}.text`, part.text, "a string");
      return;
    case "refusal":
    case "thinking":
      return;
    case "image_url": {
      const url = isObject(part.image_url) ? part.image_url.url : undefined;
      if (typeof url !== "string") throw wrong(`${at}.image_url.url`, url, "an https or data URL");
      needs.vision = true;
      weight.tokens += imageTokens;
      weight.inline += url.length;
      return;
    }
    case "input_audio":
      needs.audio = true;
      return;
    case "file": {
      if (!isObject(part.file)) throw wrong(`${at}.file`, part.file, "an object");
      needs.pdf = true;
      const data = part.file.file_data;
      if (typeof data !== "string") return;
      weight.inline += data.length;
      weight.tokens += Math.ceil(data.length * pdfTokensPerByte);
      return;
    }
    default:
      throw new AppError(
        "invalid_value",
        `Cannot use this part at "${at}": its type must be text, image_url, input_audio or file`,
        { param: `${at}.type` },
      );
  }
}
