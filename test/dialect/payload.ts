import { decode as decodeBytes, type Payload } from "#src/lib/bytes.ts";

/** The text of what is sent. */
export function decode(payload: Payload | Uint8Array): string {
  return typeof payload === "string" ? payload : decodeBytes(payload);
}
