import { memberOf } from "#src/dialect/gemini/gemini-client-names.ts";
import type { UserPart } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type JsonObject } from "#src/lib/json.ts";

/** A part of the user in canonical form; undefined for empty text. Throws `unsupported_feature` for what only Google's models read. */
export function userPart(
  part: JsonObject,
  at: string,
  detail: string | undefined,
): UserPart | undefined {
  const inline = memberOf(part, "inlineData");
  if (isObject(inline)) return inlinePart(inline, at, detail);
  const far = memberOf(part, "fileData");
  if (isObject(far)) return farPart(far, at, detail);
  const text = stringOf(part.text);
  if (text !== undefined) return text === "" ? undefined : { type: "text", text };
  throw refuse(at, "this kind of part", "send text, pictures, PDF documents or sound");
}

/** A refusal of what the wire of the target cannot say. */
export function refuse(param: string, what: string, instead: string): AppError {
  const message = `Cannot send ${what} ("${param}") to this model: ${instead}`;
  return new AppError("unsupported_feature", message, { param });
}

function inlinePart(
  data: JsonObject,
  at: string,
  detail: string | undefined,
): UserPart | undefined {
  const mediaType = stringOf(memberOf(data, "mimeType")) ?? "";
  const base64 = stringOf(data.data) ?? "";
  if (mediaType.startsWith("image/"))
    return { type: "image", source: { mediaType, base64 }, ...(detail ? { detail } : {}) };
  if (mediaType === "application/pdf") return { type: "file", source: { mediaType, base64 } };
  if (mediaType.startsWith("audio/")) return { type: "audio", format: formatOf(mediaType), base64 };
  if (!mediaType.startsWith("text/"))
    throw refuse(at, "this media type", "send pictures, PDF documents, sound or text");
  const text = Buffer.from(base64, "base64").toString("utf8");
  return text === "" ? undefined : { type: "text", text };
}

/** What other wires call a sound's format. */
function formatOf(mediaType: string): string {
  const format = mediaType.slice("audio/".length).split(";")[0] ?? "";
  if (format === "mpeg") return "mp3";
  return format.replace(/^(x-|vnd\.)/, "").replace(/^wave$/, "wav");
}

function farPart(data: JsonObject, at: string, detail: string | undefined): UserPart {
  const url = stringOf(memberOf(data, "fileUri")) ?? "";
  const mediaType = stringOf(memberOf(data, "mimeType")) ?? typeByName(url);
  if (!/^https?:/i.test(url) || /^https:\/\/generativelanguage\.googleapis\.com\//i.test(url))
    throw refuse(at, "a file that is kept at Google", "send its bytes as inlineData");
  if (mediaType.startsWith("image/"))
    return { type: "image", source: { url }, ...(detail ? { detail } : {}) };
  if (mediaType === "application/pdf") return { type: "file", source: { url } };
  throw refuse(at, "this kind of file by its address", "send a picture or a PDF document");
}

function typeByName(url: string): string {
  const path = url.split(/[?#]/)[0]?.toLowerCase() ?? "";
  if (path.endsWith(".pdf")) return "application/pdf";
  return /\.(png|jpe?g|gif|webp|heic|heif)$/.test(path) ? "image/*" : "";
}
