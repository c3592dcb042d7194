import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { decode } from "#src/lib/bytes.ts";

/** One message of an `application/vnd.amazon.eventstream` body. */
export interface EventFrame {
  /** Headers of type string, by name: `:message-type`, `:event-type`, `:exception-type`. */
  headers: ReadonlyMap<string, string>;
  payload: Uint8Array;
}

const preludeBytes = 12;
const checksumBytes = 4;
/** No message of AWS is longer; more means that the bytes are something else. */
const largestFrame = 24 * 1024 * 1024;

/** Lengths of header values by their type; strings and bytes (6, 7) say theirs in two bytes. */
const valueBytes: Readonly<Record<number, number>> = {
  0: 0,
  1: 0,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  8: 8,
  9: 16,
};
const bytesType = 6;
const stringType = 7;

/**
 * Reads the frames of an AWS event stream from any chunks of bytes and checks both checksums of each.
 * Frames before a broken one are given out; the failure is thrown by the next call, so that what is
 * read does not depend on how the bytes were cut.
 */
export class EventStreamDecoder {
  /** Chunks of the frame that is not complete yet. */
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** Bytes without which nothing new can be said. */
  #needed = preludeBytes;
  #failure: UpstreamStreamError | undefined;

  /** Frames that are complete with these bytes. Throws UpstreamStreamError on what is no frame. */
  push(chunk: Uint8Array): EventFrame[] {
    if (this.#failure) throw this.#failure;
    if (chunk.length > 0) this.#chunks.push(chunk);
    this.#size += chunk.length;
    // A long frame that comes in small pieces is put together once, not with every piece.
    if (this.#size < this.#needed) return [];
    const [only] = this.#chunks;
    const bytes = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    const frames: EventFrame[] = [];
    let at = 0;
    try {
      for (;;) {
        this.#needed = neededBytes(bytes.subarray(at));
        if (bytes.length - at < this.#needed) break;
        frames.push(readFrame(bytes.subarray(at, at + this.#needed)));
        at += this.#needed;
      }
    } catch (thrown) {
      if (!(thrown instanceof UpstreamStreamError)) throw thrown;
      this.#failure = thrown;
      if (frames.length === 0) throw thrown;
    }
    this.#chunks = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#size = bytes.length - at;
    return frames;
  }

  /** The bytes are over. Throws what a last push held back. */
  finish(): void {
    if (this.#failure) throw this.#failure;
  }
}

/** Length of the frame that begins here, or of its prelude as long as that is not complete. */
function neededBytes(bytes: Uint8Array): number {
  if (bytes.length < preludeBytes) return preludeBytes;
  const view = viewOf(bytes);
  const total = view.getUint32(0);
  const headers = view.getUint32(4);
  if (Bun.hash.crc32(bytes.subarray(0, 8)) !== view.getUint32(8)) {
    throw new UpstreamStreamError("The provider sent a frame whose prelude has a wrong checksum");
  }
  if (total > largestFrame || total < preludeBytes + headers + checksumBytes) {
    throw new UpstreamStreamError("The provider sent a frame with an impossible length");
  }
  return total;
}

function readFrame(bytes: Uint8Array): EventFrame {
  const view = viewOf(bytes);
  const end = bytes.length - checksumBytes;
  if (Bun.hash.crc32(bytes.subarray(0, end)) !== view.getUint32(end)) {
    throw new UpstreamStreamError("The provider sent a frame with a wrong checksum");
  }
  const body = preludeBytes + view.getUint32(4);
  return {
    headers: readHeaders(bytes.subarray(preludeBytes, body)),
    payload: bytes.subarray(body, end),
  };
}

function readHeaders(bytes: Uint8Array): Map<string, string> {
  const headers = new Map<string, string>();
  const view = viewOf(bytes);
  let at = 0;
  try {
    while (at < bytes.length) {
      const nameEnd = at + 1 + view.getUint8(at);
      const name = decode(bytes.subarray(at + 1, nameEnd));
      const type = view.getUint8(nameEnd);
      const sized = type === stringType || type === bytesType;
      const from = nameEnd + (sized ? 3 : 1);
      const length = sized ? view.getUint16(nameEnd + 1) : valueBytes[type];
      if (length === undefined || from + length > bytes.length) throw new RangeError();
      at = from + length;
      if (type === stringType) headers.set(name, decode(bytes.subarray(from, at)));
    }
  } catch {
    // A header of unknown type or one that reaches beyond the others: the checksum held, the sense does not.
    throw new UpstreamStreamError("The provider sent a frame with unreadable headers");
  }
  return headers;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
