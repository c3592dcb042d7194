import type { Payload } from "#src/lib/bytes.ts";

/** A request's body as an upstream is sent it. */
export type UpstreamBody = Payload | RawPieces;

/**
 * Bytes to send as raw text, one character for each byte, in pieces. Slices of a text that is held anyway hold no bytes
 * of their own: however long they are, they are sent part by part, and never joined.
 */
export class RawPieces {
  /** In bytes. */
  readonly length: number;

  constructor(readonly texts: readonly string[]) {
    let length = 0;
    for (const text of texts) length += text.length;
    this.length = length;
  }

  /** All bytes in one buffer, for what cannot take them in parts. */
  joined(): Uint8Array<ArrayBuffer> {
    const bytes = Buffer.allocUnsafeSlow(this.length);
    let at = 0;
    for (const text of this.texts) at += bytes.write(text, at, "latin1");
    return bytes;
  }
}

/** How far raw pieces are sent. */
export class PieceReader {
  readonly #texts: readonly string[];
  #index = 0;
  /** Bytes of the text at `#index` that are sent. */
  #at = 0;

  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  /** Writes what is next, as far as there is room, and stays where it is. Returns how many bytes; 0 at the end. */
  peek(into: Buffer): number {
    let filled = 0;
    let at = this.#at;
    for (let index = this.#index; index < this.#texts.length && filled < into.length; index++) {
      const text = this.#texts[index] ?? "";
      const end = Math.min(text.length, at + into.length - filled);
      filled += into.write(text.slice(at, end), filled, "latin1");
      at = 0;
    }
    return filled;
  }

  /** Goes on by so many bytes. */
  skip(bytes: number): void {
    this.#at += bytes;
    for (;;) {
      const text = this.#texts[this.#index];
      if (text === undefined || this.#at < text.length) return;
      this.#at -= text.length;
      this.#index++;
    }
  }
}
