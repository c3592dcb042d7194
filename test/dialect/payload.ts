import { decode as decodeBytes } from "#src/lib/bytes.ts";
import { RawPieces, type UpstreamBody } from "#src/lib/raw-pieces.ts";

/** The text of what is sent. */
export function decode(payload: UpstreamBody | Uint8Array): string {
  return typeof payload === "string" ? payload : decodeBytes(bytesOf(payload));
}

/** The bytes of what is sent. */
export function bytesOf(payload: UpstreamBody | Uint8Array): Uint8Array {
  if (payload instanceof RawPieces) return payload.joined();
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}
