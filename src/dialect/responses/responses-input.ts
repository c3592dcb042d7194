import { wrong } from "#src/dialect/ask.ts";
import type { Needs } from "#src/dialect/dialect.ts";
import { noNeeds } from "#src/dialect/openai/openai-chat-messages.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { fileTokensAtMost, fileTokensPerByte, imageTokens } from "#src/dialect/weights.ts";

const roles = ["user", "assistant", "system", "developer"];

/** What the input needs of a model, and what it weighs besides its text. */
export interface InputRead {
  needs: Needs;
  weight: {
    /** Bytes that are no text: base64, and addresses of pictures. */
    inline: number;
    tokens: number;
  };
  /** An item is named by its id alone, and kept by the provider. */
  refers: boolean;
}

/** Validates the input, and notes what it needs and weighs. Throws `invalid_value`. */
export function readInput(input: Json | undefined): InputRead {
  const read: InputRead = {
    needs: { ...noNeeds },
    weight: { inline: 0, tokens: 0 },
    refers: false,
  };
  if (typeof input === "string") return read;
  if (!Array.isArray(input) || input.length === 0)
    throw wrong("input", input, "a string or an array of at least one item");
  for (const [index, item] of input.entries()) readItem(item, `input[${index}]`, read);
  return read;
}

function readItem(item: Json, at: string, read: InputRead): void {
  if (!isObject(item)) throw wrong(at, item, "an object");
  const { type } = item;
  if (isMessage(item)) return readMessage(item, at, read);
  if (typeof type !== "string")
    throw wrong(`${at}.type`, type, "message, function_call, function_call_output or another item");
  if (type === "function_call") {
    read.needs.tools = true;
    for (const name of ["call_id", "name", "arguments"])
      if (typeof item[name] !== "string") throw wrong(`${at}.${name}`, item[name], "a string");
  } else if (type === "function_call_output") {
    read.needs.tools = true;
    if (typeof item.call_id !== "string")
      throw wrong(`${at}.call_id`, item.call_id, "the id of the call that it answers");
    readContent(item.output, `${at}.output`, read);
  } else if (type === "item_reference") {
    read.refers = true;
  } else if (type === "reasoning" && item.summary !== undefined && !Array.isArray(item.summary)) {
    throw wrong(`${at}.summary`, item.summary, "an array");
  }
}

/** Whether an item is a message: short ones have a role and no type. */
export function isMessage({ type, role }: JsonObject): boolean {
  return type === "message" || ((type === undefined || type === null) && role !== undefined);
}

function readMessage(item: JsonObject, at: string, read: InputRead): void {
  const { role, content } = item;
  if (typeof role !== "string" || !roles.includes(role))
    throw wrong(`${at}.role`, role, `one of ${roles.join(", ")}`);
  readContent(content, `${at}.content`, read);
}

function readContent(content: Json | undefined, at: string, read: InputRead): void {
  if (typeof content === "string") return;
  if (!Array.isArray(content)) throw wrong(at, content, "a string or an array of parts");
  for (const [index, part] of content.entries()) readPart(part, `${at}[${index}]`, read);
}

const chatParts = ["text", "image_url", "file"];

function readPart(part: Json, at: string, read: InputRead): void {
  if (!isObject(part)) throw wrong(at, part, "an object");
  const { type } = part;
  if (type === "input_text" || type === "output_text") {
    if (typeof part.text !== "string") throw wrong(`${at}.text`, part.text, "a string");
  } else if (type === "input_image") {
    readImage(part, at, read);
  } else if (type === "input_file") {
    readFile(part, at, read);
  } else if (typeof type !== "string") {
    throw wrong(`${at}.type`, type, "input_text, input_image, input_file, output_text or refusal");
  } else if (chatParts.includes(type)) {
    throw new AppError(
      "invalid_value",
      `Cannot use the part "${at}": it is in the shape of /v1/chat/completions; here it is an input_text, input_image or input_file`,
      { param: `${at}.type` },
    );
  }
}

function readImage(part: JsonObject, at: string, { needs, weight }: InputRead): void {
  const { image_url: url, file_id: fileId } = part;
  if ((typeof url !== "string" || url === "") && typeof fileId !== "string")
    throw wrong(`${at}.image_url`, url, "an https or data URL");
  needs.vision = true;
  if (typeof url === "string") weight.inline += url.length;
  weight.tokens += imageTokens;
}

function readFile(part: JsonObject, at: string, { needs, weight }: InputRead): void {
  const { file_data: data, file_url: url, file_id: fileId } = part;
  needs.pdf = true;
  if (typeof data === "string") {
    weight.inline += data.length;
    weight.tokens += Math.min(fileTokensAtMost, Math.ceil(data.length * fileTokensPerByte));
    return;
  }
  if (typeof url !== "string" && typeof fileId !== "string")
    throw wrong(`${at}.file_data`, data, "a data URI, or file_url or file_id beside it,");
  // Bytes that are elsewhere may be as many as a document can have.
  weight.tokens += fileTokensAtMost;
}
