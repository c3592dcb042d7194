import { BrokenAnswer, type Head } from "#src/provider/exchange.ts";

/** Where the parts of an answer go, in order. */
export interface AnswerSink {
  onHead(head: Head): void;
  onBody(piece: Uint8Array): void;
  /** `reusable`: the connection may carry another request. */
  onEnd(reusable: boolean): void;
}

const maxHeadBytes = 65_536;
const maxLineBytes = 8_192;
const headEnd = "\r\n\r\n";
const [tab, lineFeed, carriageReturn, space, colon] = [9, 10, 13, 32, 58];
/** Digits of a chunk's size that are read at a glance. */
const plainDigits = 7;

/**
 * Reads HTTP/1.1 answers (RFC 9112) from the bytes of one connection, however they are cut.
 * Throws {@link BrokenAnswer} on what is none; the connection is then of no more use.
 */
export class AnswerReader {
  #state: "head" | "sized" | "chunk-size" | "chunk" | "chunk-end" | "trailer" | "until-close" =
    "head";
  /** Bytes of a head or a line that is not complete yet. */
  #kept: Buffer | undefined;
  /** Bytes still to come of the body or the chunk. */
  #left = 0;
  #reusable = true;
  #begun = false;

  /** Some bytes of the current answer arrived. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The head that was just read has no body. */
  get #empty(): boolean {
    return this.#state === "sized" && this.#left === 0;
  }

  push(bytes: Buffer, sink: AnswerSink): void {
    if (bytes.length > 0) this.#begun = true;
    let at = 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case "head":
          at = this.#head(bytes, at, sink);
          if (this.#empty) return this.#finish(bytes, at, sink);
          break;
        case "sized":
        case "chunk": {
          const end = Math.min(bytes.length, at + this.#left);
          this.#left -= end - at;
          sink.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
          at = end;
          if (this.#left > 0) break;
          if (this.#state === "chunk") this.#state = "chunk-end";
          else return this.#finish(bytes, at, sink);
          break;
        }
        case "until-close":
          sink.onBody(at === 0 ? bytes : bytes.subarray(at));
          return;
        default: {
          if (this.#state === "chunk-size" && this.#kept === undefined) {
            const next = this.#chunks(bytes, at, sink);
            if (next !== at) {
              at = next;
              break;
            }
          }
          const end = bytes.indexOf(lineFeed, at);
          const line = this.#line(bytes, at, end);
          if (line === undefined) return;
          at = end + 1;
          if (this.#state === "chunk-size") this.#chunkSize(line);
          else if (this.#state === "chunk-end") {
            if (line !== "") throw new BrokenAnswer("A chunk is longer than its size");
            this.#state = "chunk-size";
          } else if (line === "") return this.#finish(bytes, at, sink);
        }
      }
    }
  }

  /** The connection closed. Throws when the answer is not complete. */
  close(sink: AnswerSink): void {
    if (this.#state !== "until-close")
      throw new BrokenAnswer(
        this.#begun
          ? "The connection closed before the end of the answer"
          : "The connection closed without an answer",
      );
    this.#reset();
    sink.onEnd(false);
  }

  #head(bytes: Buffer, at: number, sink: AnswerSink): number {
    const kept = this.#kept;
    const all = kept === undefined ? bytes : Buffer.concat([kept, bytes.subarray(at)]);
    const from = kept === undefined ? at : 0;
    const end = all.indexOf(headEnd, from, "latin1");
    if ((end < 0 ? all.length : end) - from > maxHeadBytes)
      throw new BrokenAnswer(`The head is longer than ${maxHeadBytes} bytes`);
    if (end < 0) {
      this.#kept = Buffer.from(all.subarray(from));
      return bytes.length;
    }
    this.#kept = undefined;
    this.#begin(all.toString("latin1", from, end), sink);
    const next = end + headEnd.length;
    return kept === undefined ? next : at + next - kept.length;
  }

  #begin(text: string, sink: AnswerSink): void {
    const status = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |\r\n|$)/.exec(text);
    if (status === null) throw new BrokenAnswer("The answer is no HTTP/1.1");
    const code = Number(status[2]);
    const { connection, coding, length } = framingOf(text);
    if (code < 200) {
      if (code === 101) throw new BrokenAnswer("The upstream changed the protocol unasked");
      return;
    }
    const wish = connection?.toLowerCase();
    this.#reusable = status[1] === "1" ? !wish?.includes("close") : wish === "keep-alive";
    const empty = code === 204 || code === 304;
    if (coding !== undefined && coding.toLowerCase() !== "chunked")
      throw new BrokenAnswer(`The transfer coding ${JSON.stringify(coding)} is not chunked`);
    if (coding !== undefined && !empty) this.#state = "chunk-size";
    else if (length === undefined && !empty) this.#state = "until-close";
    else {
      this.#left = empty ? 0 : (length ?? 0);
      this.#state = "sized";
    }
    sink.onHead(new TextHead(code, text));
  }

  /** The line that ends at `end`, without its ending; undefined, and kept, when it is not complete. */
  #line(bytes: Buffer, at: number, end: number): string | undefined {
    const before = this.#kept?.length ?? 0;
    if ((end < 0 ? bytes.length : end) - at + before > maxLineBytes)
      throw new BrokenAnswer(`A line between chunks is longer than ${maxLineBytes} bytes`);
    if (end < 0) {
      const rest = bytes.subarray(at);
      this.#kept = this.#kept === undefined ? Buffer.from(rest) : Buffer.concat([this.#kept, rest]);
      return undefined;
    }
    const text = (this.#kept?.toString("latin1") ?? "") + bytes.toString("latin1", at, end);
    this.#kept = undefined;
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }

  /**
   * The chunks that are here, as far as they are told in the plainest way, as one piece: their bytes are moved together
   * where they stand. Returns where something else begins.
   */
  #chunks(bytes: Buffer, from: number, sink: AnswerSink): number {
    let at = from;
    let filled = from;
    while (this.#state === "chunk-size") {
      let size = 0;
      let next = at;
      for (; next - at < plainDigits; next++) {
        const digit = hexDigit(bytes[next]);
        if (digit === -1) break;
        size = size * 16 + digit;
      }
      // The last chunk, one with an extension, or a line that is not all here.
      if (size === 0 || bytes[next] !== carriageReturn || bytes[next + 1] !== lineFeed) break;
      const begin = next + 2;
      const end = Math.min(begin + size, bytes.length);
      bytes.copyWithin(filled, begin, end);
      filled += end - begin;
      at = end;
      if (end - begin < size) {
        this.#left = size - (end - begin);
        this.#state = "chunk";
      } else if (bytes[end] === carriageReturn && bytes[end + 1] === lineFeed) {
        at = end + 2;
      } else {
        this.#state = "chunk-end";
      }
    }
    if (filled > from) sink.onBody(bytes.subarray(from, filled));
    return at;
  }

  #chunkSize(line: string): void {
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line);
    if (size === null) throw new BrokenAnswer("A chunk has no size");
    this.#left = Number.parseInt(size[1] ?? "", 16);
    this.#state = this.#left === 0 ? "trailer" : "chunk";
  }

  #finish(bytes: Buffer, at: number, sink: AnswerSink): void {
    // Bytes after the end belong to no request.
    const reusable = this.#reusable && at === bytes.length;
    this.#reset();
    sink.onEnd(reusable);
  }

  #reset(): void {
    this.#state = "head";
    this.#kept = undefined;
    this.#begun = false;
  }
}

/** Value of a hexadecimal digit by its code; -1 for anything else. */
function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** What an answer's headers say of its body and its connection. */
interface Framing {
  connection: string | undefined;
  coding: string | undefined;
  /** In bytes. A coding goes before it. */
  length: number | undefined;
}

/** Every name of these begins with one of two letters: other lines are passed over at a glance. */
const [letterC, letterT, lowerCase] = [0x63, 0x74, 0x20];

/** Looks at each line of a head once. Throws {@link BrokenAnswer} where one spans lines, or two say how long the body is. */
function framingOf(text: string): Framing {
  let connection: string | undefined;
  let coding: string | undefined;
  let length: string | undefined;
  for (let at = lineAfter(text, 0); at !== -1; at = lineAfter(text, at)) {
    const first = text.charCodeAt(at) | lowerCase;
    if (first === letterT && isNamed(text, at, "transfer-encoding")) {
      if (coding !== undefined) throw new BrokenAnswer("The transfer coding is told twice");
      coding = valueAt(text, at);
    } else if (first !== letterC) {
      continue;
    } else if (isNamed(text, at, "content-length")) {
      if (length !== undefined) throw noSingleLength();
      length = valueAt(text, at);
    } else if (connection === undefined && isNamed(text, at, "connection")) {
      connection = valueAt(text, at);
    }
  }
  return { connection, coding, length: bytesOf(length) };
}

function bytesOf(length: string | undefined): number | undefined {
  if (length === undefined) return undefined;
  if (!/^\d{1,15}$/.test(length)) throw noSingleLength();
  return Number(length);
}

function noSingleLength(): BrokenAnswer {
  return new BrokenAnswer("The content length is no single number");
}

/** Where the next line of a head begins; -1 at its end. */
function lineAfter(text: string, at: number): number {
  const feed = text.indexOf("\n", at);
  const end = text.indexOf("\r", at);
  if (feed === -1 && end === -1) return -1;
  const next = text.charCodeAt(feed + 1);
  if (end !== feed - 1 || next === space || next === tab)
    throw new BrokenAnswer("A header spans lines");
  return feed + 1;
}

/** Whether the line that begins there has a header of a name, given in lower case. */
function isNamed(text: string, at: number, name: string): boolean {
  const end = at + name.length;
  return text.charCodeAt(end) === colon && text.slice(at, end).toLowerCase() === name;
}

/** The value of the header whose line begins there. */
function valueAt(text: string, at: number): string {
  const end = text.indexOf("\r", at);
  return text.slice(text.indexOf(":", at) + 1, end === -1 ? text.length : end).trim();
}

class TextHead implements Head {
  readonly #text: string;

  constructor(
    readonly status: number,
    text: string,
  ) {
    this.#text = text;
  }

  header(name: string): string | undefined {
    for (let at = lineAfter(this.#text, 0); at !== -1; at = lineAfter(this.#text, at))
      if (isNamed(this.#text, at, name)) return valueAt(this.#text, at);
    return undefined;
  }
}
