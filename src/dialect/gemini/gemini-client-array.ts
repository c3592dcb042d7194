import { toRaw, fromRaw } from "#src/dialect/raw-text.ts";
import { SseTextParser } from "#src/dialect/sse.ts";

/** A chunk that is a comment and nothing else. */
const comment = /^:[^\n]*\n+$/;

/** Rewrites an event stream as one JSON array in pieces, as Google sends it to who did not ask for events. */
export class ArrayFraming {
  readonly #parser = new SseTextParser();
  #begun = false;

  /** What to send for these bytes of the event stream. */
  push(chunk: Uint8Array | string): Uint8Array<ArrayBuffer> {
    const raw = toRaw(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    const pieces = this.#parser.push(raw).map(({ data }) => this.#piece(data));
    // A comment keeps a silent connection open; between values JSON has room for a line end only.
    return fromRaw(comment.test(raw) ? "\n" : pieces.join(""));
  }

  /** The end of the array. */
  finish(): Uint8Array<ArrayBuffer> {
    const pieces = this.#parser.finish().map(({ data }) => this.#piece(data));
    return fromRaw(`${pieces.join("")}${this.#begun ? "" : "["}]`);
  }

  #piece(data: string): string {
    const before = this.#begun ? ",\n" : "[";
    this.#begun = true;
    return before + data;
  }
}
