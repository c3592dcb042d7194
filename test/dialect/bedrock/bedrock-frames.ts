import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";

/** A frame of an AWS event stream with string headers. */
export function frame(headers: Record<string, string>, payload: Uint8Array | string): Uint8Array {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(Buffer.byteLength(value));
      return Buffer.concat([
        Uint8Array.of(Buffer.byteLength(name)),
        encode(name),
        Uint8Array.of(7),
        length,
        encode(value),
      ]);
    }),
  );
  return rawFrame(head, typeof payload === "string" ? encode(payload) : payload);
}

/** A frame whose headers are given as bytes. */
export function rawFrame(headers: Uint8Array, payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(16 + headers.length + payload.length);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.writeUInt32BE(headers.length, 4);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(0, 8)), 8);
  bytes.set(headers, 12);
  bytes.set(payload, 12 + headers.length);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return new Uint8Array(bytes);
}

export function eventFrame(type: string, data: JsonObject): Uint8Array {
  const headers = {
    ":event-type": type,
    ":content-type": "application/json",
    ":message-type": "event",
  };
  return frame(headers, JSON.stringify(data));
}

export function exceptionFrame(type: string, message: string): Uint8Array {
  const headers = {
    ":exception-type": type,
    ":content-type": "application/json",
    ":message-type": "exception",
  };
  return frame(headers, JSON.stringify({ message }));
}

/** A fixture of lines, each an event's type and its payload as text, as the bytes that the provider sends. */
export async function framed(name: string): Promise<Uint8Array> {
  const text = new TextDecoder().decode(await fixture(`bedrock-converse/${name}`));
  const frames = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const blank = line.indexOf(" ");
      const type = line.slice(0, blank);
      const kind = type.endsWith("Exception") ? "exception" : "event";
      const headers = { [`:${kind}-type`]: type, ":content-type": "application/json" };
      return frame({ ...headers, ":message-type": kind }, line.slice(blank + 1));
    });
  return new Uint8Array(Buffer.concat(frames));
}
