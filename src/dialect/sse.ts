import { UpstreamStreamError } from "#src/dialect/dialect.ts";

/** One server-sent event. */
export interface SseEvent {
  event?: string;
  data: string;
}

const lineFeed = 10;
/** More than this without an event's end is no event stream. */
const largestEvent = 8 * 1024 * 1024;

/** Reads an event stream from any chunks of bytes: split characters, CR, LF, CRLF, several data lines, comments, a BOM. */
export class SseParser {
  readonly #decoder = new TextDecoder();
  readonly #lines = new SseTextParser();

  /** Events that are complete with these bytes. Throws UpstreamStreamError beyond 8 MB for one event. */
  push(chunk: Uint8Array): SseEvent[] {
    return this.#lines.push(this.#decoder.decode(chunk, { stream: true }));
  }

  /** The last event, when the stream closed without its blank line. */
  finish(): SseEvent[] {
    return [...this.#lines.push(this.#decoder.decode()), ...this.#lines.finish()];
  }
}

/** The same over text, which may be bytes at one character each. */
export class SseTextParser {
  /** The line that has not ended yet. */
  #rest = "";
  #data: string[] = [];
  #event: string | undefined;
  #size = 0;
  #first = true;
  /** The text before ended in a CR, whose LF may follow. */
  #afterCr = false;

  push(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    let from = 0;
    if (this.#afterCr && text !== "") {
      this.#afterCr = false;
      if (text[0] === "\n") from = 1;
    }
    // Each kind of line break is looked for once: a stream that has only one would be searched to its end every time.
    let lf = text.indexOf("\n", from);
    let cr = text.indexOf("\r", from);
    for (;;) {
      if (lf !== -1 && lf < from) lf = text.indexOf("\n", from);
      if (cr !== -1 && cr < from) cr = text.indexOf("\r", from);
      const end = lf === -1 ? cr : cr === -1 ? lf : Math.min(lf, cr);
      if (end === -1) break;
      if (end !== cr && text.charCodeAt(end + 1) === lineFeed && this.#isAlone(text, from, end)) {
        this.#pass(valueAfter(text.slice(from, end), 5), events);
        from = end + 2;
        continue;
      }
      this.#line(this.#rest + text.slice(from, end), events);
      this.#rest = "";
      from = end + 1;
      if (end !== cr) continue;
      if (from === text.length) this.#afterCr = true;
      else if (text[from] === "\n") from++;
    }
    this.#rest += text.slice(from);
    this.#refuseHuge(this.#rest.length);
    return events;
  }

  finish(): SseEvent[] {
    const events: SseEvent[] = [];
    if (this.#rest !== "") this.#line(this.#rest, events);
    this.#rest = "";
    this.#dispatch(events);
    return events;
  }

  /** Whether a line is the only data of an event, and whole: then nothing has to be kept for it. */
  #isAlone(text: string, from: number, end: number): boolean {
    if (this.#first || this.#rest !== "" || this.#data.length > 0) return false;
    return end - from < largestEvent && text.startsWith("data:", from);
  }

  #pass(data: string, events: SseEvent[]): void {
    const event = this.#event;
    this.#event = undefined;
    this.#size = 0;
    if (data !== "") events.push(event === undefined ? { data } : { event, data });
  }

  #line(whole: string, events: SseEvent[]): void {
    if (whole === "") return this.#dispatch(events);
    // A BOM, as a character or as its three bytes.
    const line = this.#first ? whole.replace(/^(\uFEFF|\u00EF\u00BB\u00BF)/, "") : whole;
    this.#first = false;
    if (line.startsWith("data:")) this.#data.push(valueAfter(line, 5));
    else if (line === "data") this.#data.push("");
    else if (line.startsWith("event:")) this.#event = valueAfter(line, 6);
    else return;
    this.#size += line.length + 1;
    this.#refuseHuge(0);
  }

  #refuseHuge(more: number): void {
    if (this.#size + more <= largestEvent) return;
    throw new UpstreamStreamError("The upstream sent an event of more than 8 MB");
  }

  #dispatch(events: SseEvent[]): void {
    const data = this.#data.length === 1 ? (this.#data[0] ?? "") : this.#data.join("\n");
    this.#data = [];
    this.#pass(data, events);
  }
}

function valueAfter(line: string, colon: number): string {
  return line.slice(line[colon] === " " ? colon + 1 : colon);
}
