import type {
  AssistantPart,
  Carry,
  Citation,
  FilePart,
  ImagePart,
  TextPart,
  UserPart,
} from "#src/dialect/turn.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Text parts of a content that is a string or parts; empty ones are left out. */
export function textParts(content: Json | undefined): TextPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).flatMap((part) => {
    const text = part.type === "text" ? stringOf(part.text) : undefined;
    return text ? [{ type: "text" as const, text, ...cacheMark(part) }] : [];
  });
}

/** Parts of a user's content. */
export function userParts(content: Json | undefined): UserPart[] {
  if (!Array.isArray(content)) return textParts(content);
  return content.filter(isObject).flatMap((part): UserPart[] => {
    if (part.type === "image_url") return [imagePart(part)];
    if (part.type === "file") return [filePart(part)];
    if (part.type !== "input_audio") return textParts([part]);
    const sound = isObject(part.input_audio) ? part.input_audio : {};
    const format = stringOf(sound.format) ?? "wav";
    return [{ type: "audio", format, base64: stringOf(sound.data) ?? "" }];
  });
}

/** Parts of a tool's result. */
export function resultParts(content: Json | undefined): (TextPart | ImagePart)[] {
  return userParts(content).filter((part) => part.type === "text" || part.type === "image");
}

/** Reasoning, text, refusal and calls of an assistant's message, in that order. */
export function assistantParts(message: JsonObject): AssistantPart[] {
  const { content } = message;
  const reasoning =
    stringOf(message.reasoning_content) || stringOf(message.reasoning) || thinkingOf(content);
  const refusal = stringOf(message.refusal) || refusalOf(content);
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  return [
    ...(reasoning ? [{ type: "reasoning" as const, text: reasoning }] : []),
    ...textParts(content),
    ...(refusal ? [{ type: "refusal" as const, text: refusal }] : []),
    ...calls.filter(isObject).map(callPart),
  ];
}

function callPart(call: JsonObject): AssistantPart {
  const id = stringOf(call.id) ?? "";
  if (isObject(call.custom)) {
    const input = stringOf(call.custom.input) ?? "";
    const name = stringOf(call.custom.name) ?? "";
    return { type: "tool_call", id, name, arguments: JSON.stringify({ input }) };
  }
  const said = isObject(call.function) ? call.function : {};
  const name = stringOf(said.name) ?? "";
  return { type: "tool_call", id, name, arguments: argumentsText(said.arguments) };
}

/** Pages among the annotations of an answer; other annotations have no place on other wires. */
export function citationsOf(annotations: Json | undefined): Citation[] {
  if (!Array.isArray(annotations)) return [];
  return annotations.filter(isObject).flatMap(({ type, url_citation: cited }) => {
    const url = type === "url_citation" && isObject(cited) ? stringOf(cited.url) : undefined;
    if (!url || !isObject(cited)) return [];
    const title = stringOf(cited.title);
    const stretch = {
      start: numberOf(cited.start_index) ?? 0,
      end: numberOf(cited.end_index) ?? 0,
    };
    return [{ url, ...(title ? { title } : {}), ...stretch }];
  });
}

/** Arguments as JSON text; some servers send the object itself. */
export function argumentsText(given: Json | undefined): string {
  return isObject(given) ? JSON.stringify(given) : (stringOf(given) ?? "");
}

/** All text of a content that is a string or parts. */
export function textOf(content: Json | undefined): string {
  return textParts(content)
    .map((part) => part.text)
    .join("");
}

/** Reasoning among the parts of a content, as Mistral writes it. */
export function thinkingOf(content: Json | undefined): string {
  if (!Array.isArray(content)) return "";
  return content
    .filter(isObject)
    .map((part) => (part.type === "thinking" ? textOf(part.thinking) : ""))
    .join("");
}

/** A refusal among the parts of a content. */
export function refusalOf(content: Json | undefined): string {
  if (!Array.isArray(content)) return "";
  return content
    .filter(isObject)
    .map((part) => (part.type === "refusal" ? (stringOf(part.refusal) ?? "") : ""))
    .join("");
}

function imagePart(part: JsonObject): ImagePart {
  const image = isObject(part.image_url) ? part.image_url : {};
  const source = sourceOf(stringOf(image.url) ?? "", "image/png");
  return { type: "image", source, detail: stringOf(image.detail), ...cacheMark(part) };
}

function filePart(part: JsonObject): FilePart {
  const file = isObject(part.file) ? part.file : {};
  const data = stringOf(file.file_data);
  const fileId = stringOf(file.file_id) ?? "";
  const source = data === undefined ? { fileId } : sourceOf(data, "application/pdf");
  return { type: "file", source, filename: stringOf(file.filename), ...cacheMark(part) };
}

/** A mark for a prompt cache, Anthropic's or OpenAI's own, rides along in the words of the wire that has blocks to mark. */
export function cacheMark(holder: JsonObject): { carry?: Carry } {
  const { cache_control: mark, prompt_cache_breakpoint: point } = holder;
  if (isObject(mark)) return { carry: { "anthropic-messages": { cache_control: mark } } };
  if (!isObject(point)) return {};
  const long = point.ttl === "12h" ? { ttl: "1h" } : {};
  return { carry: { "anthropic-messages": { cache_control: { type: "ephemeral", ...long } } } };
}

/** Parts with the mark of their message on the last of them, unless that bears its own. */
export function markLast<P extends { type: string; carry?: Carry }>(
  parts: P[],
  message: JsonObject,
): P[] {
  const { carry } = cacheMark(message);
  const at = carry === undefined ? -1 : parts.findLastIndex(({ type }) => markable.has(type));
  return parts.map((part, place) => (place === at ? { carry, ...part } : part));
}

const markable: ReadonlySet<string> = new Set(["text", "image", "file"]);

/** An address as itself, a data URI as its bytes, anything else as bytes of the expected type. */
function sourceOf(
  text: string,
  expected: string,
): { url: string } | { mediaType: string; base64: string } {
  if (/^https?:/i.test(text)) return { url: text };
  const comma = /^data:/i.test(text) ? text.indexOf(",") : -1;
  if (comma === -1) return { mediaType: expected, base64: text };
  const [mediaType = "", ...marks] = text.slice("data:".length, comma).split(";");
  const data = text.slice(comma + 1);
  const encoded = marks.some((mark) => mark.toLowerCase() === "base64");
  return { mediaType: mediaType || expected, base64: encoded ? data : base64Of(data) };
}

function base64Of(percentEncoded: string): string {
  try {
    return Buffer.from(decodeURIComponent(percentEncoded)).toString("base64");
  } catch {
    // Not percent-encoded after all: taken as it stands.
    return Buffer.from(percentEncoded).toString("base64");
  }
}
