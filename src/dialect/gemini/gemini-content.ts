import {
  argumentsObject,
  type AnsweredCall,
  type Entry,
  type SaidPart,
} from "#src/dialect/conversation.ts";
import { sniffed } from "#src/dialect/media-type.ts";
import type { Carry, FilePart, ImagePart, ReasoningPart, UserPart } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** This wire's key in `carry`; its members are `thoughtSignature` and, for calls, the upstream's `id`. */
export const dialectId = "gemini";

/** Makes the upstream skip its check of a call that another model or an unsigned history made. */
const unsigned = "skip_thought_signature_validator";

/** Whether this wire takes the reasoning back: only what it signed itself. */
export function isOwnReasoning(part: ReasoningPart): boolean {
  return part.carry?.[dialectId]?.thoughtSignature !== undefined;
}

/** One turn of the conversation; `checksSignatures` where the model refuses unsigned calls. */
export function writeContent(
  entry: Entry,
  { checksSignatures }: { checksSignatures: boolean },
): JsonObject {
  if (entry.role === "user") {
    const pictures = entry.results.flatMap(({ result }) =>
      result.content.filter((part) => part.type === "image"),
    );
    const parts = [
      ...entry.results.map(writeResult),
      ...[...pictures, ...entry.parts].map(writePart),
    ];
    return { role: "user", parts };
  }
  const parts = entry.parts.map(writeSaid);
  const first = parts.find((part) => part.functionCall !== undefined);
  // Of parallel calls only the first one is signed and checked.
  if (checksSignatures && first) first.thoughtSignature ??= unsigned;
  return { role: "model", parts };
}

function signature(carry: Carry | undefined): JsonObject {
  const thoughtSignature = carry?.[dialectId]?.thoughtSignature;
  return thoughtSignature === undefined ? {} : { thoughtSignature };
}

/** Ids go back only where the upstream gave them; ours would mean nothing to it. */
function ownId(carry: Carry | undefined): JsonObject {
  const id = carry?.[dialectId]?.id;
  return id === undefined ? {} : { id };
}

function writeSaid(part: SaidPart): JsonObject {
  if (part.type === "text") return { text: part.text, ...signature(part.carry) };
  if (part.type === "reasoning")
    return { text: part.text, thought: true, ...signature(part.carry) };
  const call = { ...ownId(part.carry), name: part.name, args: argumentsObject(part) };
  return { functionCall: call, ...signature(part.carry) };
}

function writeResult({ call, result }: AnsweredCall): JsonObject {
  const text = result.content
    .flatMap((part) => (part.type === "text" ? [part.text] : []))
    .join("\n");
  const response = result.isError ? { error: text } : { output: text };
  return { functionResponse: { ...ownId(call.carry), name: call.name, response } };
}

function writePart(part: UserPart): JsonObject {
  if (part.type === "text") return { text: part.text };
  if (part.type === "audio") {
    return { inlineData: { mimeType: `audio/${part.format}`, data: part.base64 } };
  }
  return writeMedia(part);
}

function writeMedia({ type, source }: ImagePart | FilePart): JsonObject {
  if ("base64" in source)
    return {
      inlineData: { mimeType: sniffed(source.base64) ?? source.mediaType, data: source.base64 },
    };
  if ("url" in source && isGoogleUri(source.url)) return { fileData: { fileUri: source.url } };
  const what = type === "image" ? "a picture by its address" : "a file by its address or id";
  throw new AppError(
    "unsupported_feature",
    `Cannot send ${what} to this model: send its bytes as a data URI`,
    { param: "messages" },
  );
}

/** What the upstream fetches itself: its Files API, Cloud Storage, YouTube. */
export function isGoogleUri(url: string): boolean {
  if (url.startsWith("gs://")) return true;
  return /^https:\/\/(generativelanguage\.googleapis\.com|www\.youtube\.com|youtu\.be)\//.test(url);
}
