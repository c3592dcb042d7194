/** Types of documents that are fetched for an upstream. */
export type DocumentType =
  "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "application/pdf" | "text/plain";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * What the bytes are, judged by themselves; undefined when they are nothing known, or when the type that their
 * server declared speaks against it. Servers often name the wrong kind of picture, or none: that is forgiven.
 */
export function documentType(
  bytes: Uint8Array,
  declared: string | undefined,
): DocumentType | undefined {
  const named = declared?.split(";")[0]?.trim().toLowerCase() ?? "";
  const found = byMagic(bytes);
  if (found === undefined) return texts.has(named) && isText(bytes) ? "text/plain" : undefined;
  if (untold.has(named)) return found;
  const fits = found === "application/pdf" ? pdfs.has(named) : named.startsWith("image/");
  return fits ? found : undefined;
}

const untold: ReadonlySet<string> = new Set([
  "",
  "application/octet-stream",
  "binary/octet-stream",
]);
const pdfs: ReadonlySet<string> = new Set(["application/pdf", "application/x-pdf"]);
const texts: ReadonlySet<string> = new Set(["text/plain", "text/markdown", "text/csv"]);

function byMagic(bytes: Uint8Array): DocumentType | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.length));
  const first = start.toString("latin1");
  if (first.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (first.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (/^GIF8[79]a/.test(first)) return "image/gif";
  if (/^RIFF[^]{4}WEBP/.test(first)) return "image/webp";
  return first.startsWith("%PDF-") ? "application/pdf" : undefined;
}

function isText(bytes: Uint8Array): boolean {
  if (bytes.length === 0 || bytes.includes(0)) return false;
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false; // Another encoding, or none: no wire could say which.
  }
}
