import { booleanIn, missing, objectIn, textIn, wrong } from "#src/dialect/ask.ts";
import type { Needs } from "#src/dialect/dialect.ts";
import { listOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import {
  audioTokensPerByte,
  fileTokensAtMost,
  fileTokensPerByte,
  imageTokens,
  videoTokensPerByte,
} from "#src/dialect/weights.ts";

const roles = ["user", "model", "function"];

/** What contents need of a model, and what they weigh besides their text. */
export interface ContentsRead {
  needs: Needs;
  weight: {
    /** Bytes that are no text: base64, and addresses. */
    inline: number;
    tokens: number;
  };
  /** Function calls or their results are among them: objects that travel on as text. */
  calls: boolean;
}

/** Validates `contents` and notes what they need and weigh. Throws `missing_field`, `invalid_value`. */
export function readContents(contents: Json | undefined, at: string, read: ContentsRead): void {
  if (contents === undefined || contents === null) throw missing(at, "an array of contents");
  const many = isObject(contents) ? [contents] : contents;
  if (!Array.isArray(many) || many.length === 0)
    throw wrong(at, contents, "an array of at least one content");
  for (const [index, content] of many.entries()) {
    const path = `${at}[${index}]`;
    if (!isObject(content)) throw wrong(path, content, "an object");
    const { role } = content;
    const known = typeof role === "string" && roles.includes(role);
    if (role !== undefined && role !== null && !known)
      throw wrong(`${path}.role`, role, `one of ${roles.join(", ")}`);
    readParts(content, path, read);
  }
}

/** Validates the instructions, which are text. */
export function readInstruction(body: JsonObject, read: ContentsRead): void {
  const name = nameIn(body, "systemInstruction");
  const instruction = objectIn(body, name);
  if (instruction !== undefined) readParts(instruction, name, read);
}

function readParts(content: JsonObject, at: string, read: ContentsRead): void {
  const { parts } = content;
  if (parts === undefined || parts === null) throw missing(`${at}.parts`, "an array of parts");
  if (typeof parts !== "object") throw wrong(`${at}.parts`, parts, "an array of parts");
  for (const [index, part] of listOf(parts).entries())
    readPart(part, `${at}.parts[${index}]`, read);
}

function readPart(part: Json, at: string, read: ContentsRead): void {
  if (!isObject(part)) throw wrong(at, part, "an object");
  textIn(part, "text", `${at}.text`);
  booleanIn(part, "thought", `${at}.thought`);
  const signature = nameIn(part, "thoughtSignature");
  textIn(part, signature, `${at}.${signature}`);
  const inside = (name: string): [JsonObject, string] | undefined => {
    const given = nameIn(part, name);
    const found = objectIn(part, given, `${at}.${given}`);
    return found && [found, `${at}.${given}`];
  };
  const inline = inside("inlineData");
  if (inline) readInline(...inline, read);
  const far = inside("fileData");
  if (far) readFar(...far, read);
  const call = inside("functionCall");
  if (call) readCall(...call, "args", read);
  const response = inside("functionResponse");
  if (response) readCall(...response, "response", read);
  inside("executableCode");
  inside("codeExecutionResult");
}

function readInline(data: JsonObject, at: string, { needs, weight }: ContentsRead): void {
  const name = nameIn(data, "mimeType");
  const kind = data[name];
  if (typeof kind !== "string")
    throw wrong(`${at}.${name}`, kind, "a media type such as image/png");
  if (typeof data.data !== "string") throw wrong(`${at}.data`, data.data, "base64");
  const bytes = data.data.length;
  need(kind, needs);
  const tokens = inlineTokens(kind, bytes);
  if (tokens === undefined) return;
  weight.inline += bytes;
  weight.tokens += tokens;
}

/** Tokens of bytes of a kind; undefined for text, of which a token is at least one byte. */
function inlineTokens(kind: string, bytes: number): number | undefined {
  if (kind.startsWith("image/")) return imageTokens;
  if (kind.startsWith("audio/")) return Math.ceil(bytes * audioTokensPerByte);
  if (kind.startsWith("video/")) return Math.ceil(bytes * videoTokensPerByte);
  if (kind !== "application/pdf") return undefined;
  return Math.min(fileTokensAtMost, Math.ceil(bytes * fileTokensPerByte));
}

function readFar(data: JsonObject, at: string, { needs, weight }: ContentsRead): void {
  const [name, type] = [nameIn(data, "fileUri"), nameIn(data, "mimeType")];
  const uri = data[name];
  if (typeof uri !== "string" || uri === "") throw wrong(`${at}.${name}`, uri, "an address");
  const kind = textIn(data, type, `${at}.${type}`) ?? "";
  need(kind, needs);
  weight.inline += uri.length;
  weight.tokens += kind.startsWith("image/") ? imageTokens : fileTokensAtMost;
}

function need(kind: string, needs: Needs): void {
  if (kind.startsWith("image/")) needs.vision = true;
  else if (kind.startsWith("audio/")) needs.audio = true;
  else if (kind === "application/pdf") needs.pdf = true;
}

function readCall(
  call: JsonObject,
  at: string,
  words: "args" | "response",
  read: ContentsRead,
): void {
  read.needs.tools = true;
  read.calls = true;
  if (typeof call.name !== "string" || call.name === "")
    throw wrong(`${at}.name`, call.name, "the name of a function");
  textIn(call, "id", `${at}.id`);
  objectIn(call, words, `${at}.${words}`);
  if (words === "args") return;
  for (const [index, part] of listOf(call.parts).entries())
    readPart(part, `${at}.parts[${index}]`, read);
}
