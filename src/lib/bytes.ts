const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes to send: a text where all of it is ASCII, which is the same in every encoding and cheaper to pass on. */
export type Payload = Uint8Array<ArrayBuffer> | string;

/** UTF-8 bytes of a text. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Text of whole UTF-8 bytes; a broken sequence becomes U+FFFD. */
export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** SHA-256, lower-case hexadecimal. */
export function sha256Hex(text: string | Uint8Array): string {
  return Bun.SHA256.hash(text, "hex");
}
