/** Where one answer stands after the bytes so far. */
export type Progress = "head" | "body" | "complete" | "cut";

const headEnd = Buffer.from("\r\n\r\n");
const done = "data: [DONE]";
const chunkedEnd = "0\r\n\r\n";
/** What stands between two chunks; a proxy may begin one anywhere, within an event too. */
const betweenChunks = /\r\n[0-9a-f]+\r\n/gi;
/** Bytes kept to recognise an ending that arrives in pieces. */
const tailBytes = 64;

/**
 * Finds the end of one HTTP/1.1 answer at a time, looking at as few bytes as it can: the load
 * generator shares two cores with what it measures.
 */
export class AnswerReader {
  status = 0;
  #stream: boolean;
  #head: Buffer | undefined;
  #progress: Progress = "head";
  /** Body bytes still to come; undefined when chunked. */
  #left: number | undefined;
  #tail = "";

  /** With `stream`, an answer that ends without `data: [DONE]` counts as cut. */
  constructor(options: { stream: boolean }) {
    this.#stream = options.stream;
  }

  /** Forgets the last answer. */
  reset(): void {
    this.status = 0;
    this.#head = undefined;
    this.#progress = "head";
    this.#left = undefined;
    this.#tail = "";
  }

  read(bytes: Buffer): Progress {
    if (this.#progress === "body") return this.#readBody(bytes);
    const head = this.#head === undefined ? bytes : Buffer.concat([this.#head, bytes]);
    const end = head.indexOf(headEnd);
    if (end < 0) {
      this.#head = head;
      return "head";
    }
    this.#head = undefined;
    this.#readHead(head.toString("latin1", 0, end).toLowerCase());
    const body = head.subarray(end + headEnd.length);
    return body.length === 0 && this.#left !== 0 ? this.#progress : this.#readBody(body);
  }

  #readHead(head: string): void {
    this.status = Number(head.slice(9, 12));
    this.#progress = "body";
    const at = head.indexOf("\r\ncontent-length:");
    this.#left = at < 0 ? undefined : Number.parseInt(head.slice(at + 17), 10);
  }

  #readBody(bytes: Buffer): Progress {
    if (this.#left !== undefined) this.#left -= bytes.length;
    if (this.#left === undefined || this.#stream) {
      const last = bytes.toString("latin1", Math.max(0, bytes.length - tailBytes));
      this.#tail = last.length === tailBytes ? last : (this.#tail + last).slice(-tailBytes);
    }
    const ended = this.#left === undefined ? this.#tail.endsWith(chunkedEnd) : this.#left <= 0;
    if (!ended) return this.#progress;
    const whole =
      !this.#stream ||
      this.status !== 200 ||
      this.#tail.replaceAll(betweenChunks, "").includes(done);
    return whole ? "complete" : "cut";
  }
}
