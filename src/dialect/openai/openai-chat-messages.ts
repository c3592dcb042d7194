import { missing, wrong } from "#src/dialect/ask.ts";
import type { Needs } from "#src/dialect/dialect.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import {
  audioTokensPerByte,
  fileTokensAtMost,
  fileTokensPerByte,
  imageTokens,
} from "#src/dialect/weights.ts";

const roles = ["system", "developer", "user", "assistant", "tool", "function"];

/** What the messages need of a model, and what they weigh besides their text. */
export interface MessagesRead {
  needs: Needs;
  weight: {
    /** Bytes that are no text: base64, and addresses of pictures. */
    inline: number;
    tokens: number;
  };
}

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

/** The needs of a request for plain text. */
export const noNeeds: Readonly<Needs> = {
  tools: false,
  vision: false,
  pdf: false,
  audio: false,
  jsonObject: false,
  jsonSchema: false,
  reasoning: false,
  logprobs: false,
};

function readMessage(message: Json, at: string, read: MessagesRead): void {
  if (!isObject(message)) throw wrong(at, message, "an object");
  const { role, content } = message;
  if (typeof role !== "string" || !roles.includes(role))
    throw wrong(`${at}.role`, role, `one of ${roles.join(", ")}`);
  if (role === "tool") {
    read.needs.tools = true;
    if (typeof message.tool_call_id !== "string")
      throw wrong(`${at}.tool_call_id`, message.tool_call_id, "the id of the call that it answers");
  }
  if (role === "assistant") readCalls(message.tool_calls, `${at}.tool_calls`, read);
  if (typeof content === "string") return;
  if (content === null || content === undefined) {
    if (role === "assistant" || role === "function") return;
    throw missing(`${at}.content`, "a string or an array of parts");
  }
  if (!Array.isArray(content))
    throw wrong(`${at}.content`, content, "a string or an array of parts");
  for (const [place, part] of content.entries()) readPart(part, `${at}.content[${place}]`, read);
}

function readCalls(calls: Json | undefined, at: string, { needs }: MessagesRead): void {
  if (calls === undefined || calls === null) return;
  if (!Array.isArray(calls)) throw wrong(at, calls, "an array");
  if (calls.length > 0) needs.tools = true;
  for (const [index, call] of calls.entries()) {
    const path = `${at}[${index}]`;
    if (!isObject(call)) throw wrong(path, call, "an object");
    if (typeof call.id !== "string") throw wrong(`${path}.id`, call.id, "a string");
    const kind = isObject(call.custom) ? "custom" : "function";
    const said = call[kind];
    if (!isObject(said)) throw wrong(`${path}.${kind}`, said, "an object");
    if (typeof said.name !== "string") throw wrong(`${path}.${kind}.name`, said.name, "a string");
    const words = kind === "custom" ? "input" : "arguments";
    const given = said[words];
    if (given !== undefined && given !== null && typeof given !== "string")
      throw wrong(`${path}.${kind}.${words}`, given, "a string of JSON");
  }
}

const anthropicParts = ["tool_use", "tool_result", "image", "document", "redacted_thinking"];

function readPart(part: Json, at: string, read: MessagesRead): void {
  if (!isObject(part)) throw wrong(at, part, "an object");
  switch (part.type) {
    case "text":
      if (typeof part.text !== "string") throw wrong(`${at}.text`, part.text, "a string");
      return;
    case "refusal":
    case "thinking":
      return;
    case "image_url":
      return readImage(part, at, read);
    case "input_audio":
      return readAudio(part, at, read);
    case "file":
      return readFile(part, at, read);
  }
  const foreign = typeof part.type === "string" && anthropicParts.includes(part.type);
  if (!foreign) throw wrong(`${at}.type`, part.type, "text, image_url, input_audio or file");
  throw new AppError(
    "invalid_value",
    `Cannot use the part "${at}": it is in Anthropic's shape, which belongs to /v1/messages; here a picture is an image_url, and a tool's result a message of role "tool"`,
    { param: `${at}.type` },
  );
}

function readImage(part: JsonObject, at: string, { needs, weight }: MessagesRead): void {
  const url = isObject(part.image_url) ? part.image_url.url : undefined;
  if (typeof url !== "string" || url === "")
    throw wrong(`${at}.image_url.url`, url, "an https or data URL");
  needs.vision = true;
  weight.inline += url.length;
  weight.tokens += imageTokens;
}

function readAudio(part: JsonObject, at: string, { needs, weight }: MessagesRead): void {
  const sound = isObject(part.input_audio) ? part.input_audio : {};
  if (typeof sound.data !== "string") throw wrong(`${at}.input_audio.data`, sound.data, "base64");
  if (typeof sound.format !== "string")
    throw wrong(`${at}.input_audio.format`, sound.format, "a format such as wav or mp3");
  needs.audio = true;
  weight.inline += sound.data.length;
  weight.tokens += Math.ceil(sound.data.length * audioTokensPerByte);
}

function readFile(part: JsonObject, at: string, { needs, weight }: MessagesRead): void {
  const { file } = part;
  if (!isObject(file)) throw wrong(`${at}.file`, file, "an object");
  const { file_data: data } = file;
  if (typeof data !== "string") {
    if (typeof file.file_id === "string") {
      // Bytes that are elsewhere may be as many as a document can have.
      needs.pdf = true;
      weight.tokens += fileTokensAtMost;
      return;
    }
    throw wrong(`${at}.file.file_data`, data, "a data URI or an https URL");
  }
  needs.pdf = true;
  const remote = /^https?:/i.test(data);
  weight.inline += data.length;
  weight.tokens += remote
    ? fileTokensAtMost
    : Math.min(fileTokensAtMost, Math.ceil(data.length * fileTokensPerByte));
}
