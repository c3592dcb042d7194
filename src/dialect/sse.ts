import { UpstreamStreamError } from "#src/dialect/dialect.ts";

/** One server-sent event. */
export interface SseEvent {
  event?: string;
  data: string;
}

/** More than this without an event's end is no event stream. */
const largestEvent = 8 * 1024 * 1024;

/** Reads an event stream from any chunks: split characters, CR, LF, CRLF, several data lines, comments, a BOM. */
export class SseParser {
  private readonly decoder = new TextDecoder("utf-8");
  private rest = "";
  private data: string[] = [];
  private event: string | undefined;
  private size = 0;

  /** Events that are complete with these bytes. Throws UpstreamStreamError beyond 8 MB for one event. */
  push(chunk: Uint8Array): SseEvent[] {
    return this.lines(this.decoder.decode(chunk, { stream: true }), false);
  }

  /** The last event, when the stream closed without its blank line. */
  finish(): SseEvent[] {
    const events = this.lines(this.decoder.decode(), true);
    const last = this.take();
    return last ? [...events, last] : events;
  }

  private lines(text: string, atEnd: boolean): SseEvent[] {
    const events: SseEvent[] = [];
    let buffer = this.rest + text;
    let from = 0;
    for (;;) {
      const end = nextBreak(buffer, from);
      // A CR at the very end may be half of a CRLF.
      if (end < 0 || (!atEnd && buffer[end] === "\r" && end === buffer.length - 1)) break;
      this.line(buffer.slice(from, end), events);
      from = buffer[end] === "\r" && buffer[end + 1] === "\n" ? end + 2 : end + 1;
    }
    buffer = buffer.slice(from);
    if (atEnd && buffer !== "") {
      this.line(buffer, events);
      buffer = "";
    }
    this.rest = buffer;
    if (this.size + buffer.length > largestEvent) {
      throw new UpstreamStreamError("The upstream sent an event of more than 8 MB");
    }
    return events;
  }

  private line(line: string, events: SseEvent[]): void {
    if (line === "") {
      const event = this.take();
      if (event) events.push(event);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") {
      this.data.push(value);
      this.size += value.length;
    } else if (field === "event") {
      this.event = value;
    }
  }

  private take(): SseEvent | undefined {
    const data = this.data.join("\n");
    const { event } = this;
    this.data = [];
    this.event = undefined;
    this.size = 0;
    if (data === "") return undefined;
    return event === undefined ? { data } : { event, data };
  }
}

function nextBreak(text: string, from: number): number {
  const lf = text.indexOf("\n", from);
  const cr = text.indexOf("\r", from);
  if (lf < 0 || cr < 0) return Math.max(lf, cr);
  return Math.min(lf, cr);
}
