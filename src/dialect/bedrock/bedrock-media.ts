import { sniffed } from "#src/dialect/media-type.ts";
import type { FilePart, ImagePart } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** A picture, as bytes of the format that they begin as. */
export function writeImage({ source }: ImagePart): JsonObject {
  if ("url" in source) {
    throw refuse(
      "Cannot send a picture by its address to this model: send its bytes as a data URI",
    );
  }
  // A wrong declared type is refused upstream.
  const mediaType = sniffed(source.base64) ?? source.mediaType;
  const format = /^image\/(png|jpeg|gif|webp)$/.exec(mediaType)?.[1];
  if (format === undefined) {
    throw refuse("Cannot send a picture of this type: use PNG, JPEG, GIF or WebP");
  }
  return { image: { format, source: { bytes: source.base64 } } };
}

const formats: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "text/csv": "csv",
  "text/html": "html",
  "text/markdown": "md",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
};

/** A document, as bytes, under a name that none of `taken` has; the name is added to them. */
export function writeDocument({ source, filename }: FilePart, taken: Set<string>): JsonObject {
  if (!("base64" in source)) {
    throw refuse("Cannot send a file by its address or id to this model: send it as a data URI");
  }
  const { base64 } = source;
  const mediaType = sniffed(base64) ?? source.mediaType;
  const known = Object.hasOwn(formats, mediaType) ? formats[mediaType] : undefined;
  const format = known ?? (mediaType.startsWith("text/") ? "txt" : undefined);
  if (format === undefined) {
    throw refuse(
      "Cannot send a file of this type: use PDF, Word, Excel, CSV, HTML, Markdown or plain text",
    );
  }
  return { document: { format, name: documentName(filename, taken), source: { bytes: base64 } } };
}

/** The name as the wire takes it: letters, digits, single blanks, `-`, `()` and `[]`; unique in a request. */
function documentName(filename: string | undefined, taken: Set<string>): string {
  const plain = (filename ?? "").replace(/[^a-zA-Z0-9()[\]-]+/g, " ").trim();
  const base = plain.slice(0, 190).trim() || "document";
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base} (${count})`;
  taken.add(name);
  return name;
}

function refuse(message: string): AppError {
  return new AppError("unsupported_feature", message, { param: "messages" });
}
