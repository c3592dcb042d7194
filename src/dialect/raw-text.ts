import { isAscii } from "node:buffer";
import type { Payload } from "#src/lib/bytes.ts";
import { RawPieces, type UpstreamBody } from "#src/lib/raw-pieces.ts";

/*
 * Bytes as text of one character each (Latin-1). Every byte comes back as it was, a character that
 * is split between two chunks included, and JSON's structure, being ASCII, stands where it stood.
 */

/** Bytes as text of one character per byte. */
export function toRaw(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

/** A request's body as raw text: the text that was kept of it, else its bytes. */
export function rawOf(body: Uint8Array, { ascii, raw }: { ascii?: string; raw?: string }): string {
  const kept = ascii ?? raw;
  if (kept !== undefined) return kept;
  // No body is empty: sending nothing in its place would be worse than failing.
  if (body.length === 0) throw new Error("The body was let go, and no text of it was kept");
  return toRaw(body);
}

/** The text of bytes that are all ASCII, raw and not; undefined for others. */
export function asciiOf(bytes: Uint8Array): string | undefined {
  return isAscii(bytes) ? toRaw(bytes) : undefined;
}

/** What is to be sent, as raw text in one piece. */
export function rawTextOf(body: UpstreamBody): string {
  if (typeof body === "string") return body;
  return body instanceof RawPieces ? body.texts.join("") : toRaw(body);
}

/** Raw text to send. */
export function payload(raw: string, ascii: boolean): Payload {
  return ascii ? raw : fromRaw(raw);
}

/** The bytes of raw text. */
export function fromRaw(raw: string): Uint8Array<ArrayBuffer> {
  return Buffer.from(raw, "latin1");
}

/** Text that stands in JSON as it is, between quotes. */
const plain = /^[ !#-[\]-~]*$/;
const beyondAscii = /[\u0080-\uffff]/;

/** What raw text says, where its bytes are UTF-8. */
export function readRaw(raw: string): string {
  return beyondAscii.test(raw) ? Buffer.from(raw, "latin1").toString("utf8") : raw;
}

/** A value as JSON that is the same in raw text as in any other: all ASCII. */
export function rawJson(value: string | number | boolean | object | null): string {
  if (typeof value === "string" && plain.test(value)) return `"${value}"`;
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value)))
    return String(value);
  const text = JSON.stringify(value);
  if (!beyondAscii.test(text)) return text;
  return text.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
