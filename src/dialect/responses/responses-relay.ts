import { EventTexts } from "#src/dialect/event-steps.ts";
import { type StreamHead, type StreamRelay, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { rawJson, readRaw, toRaw } from "#src/dialect/raw-text.ts";
import { parseObject } from "#src/dialect/responses/responses-reply.ts";
import { attachTo } from "#src/dialect/responses/responses-splice.ts";
import { isTerminal, throwFailure, typeOf } from "#src/dialect/responses/responses-stream.ts";
import { readUsage } from "#src/dialect/responses/responses-usage.ts";
import { failedResponse, writeEvent } from "#src/dialect/responses/responses-write.ts";
import { edit, lastOf, membersOf } from "#src/dialect/splice.ts";
import { type SseEvent, SseTextParser } from "#src/dialect/sse.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Payload } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf } from "#src/lib/json.ts";

/** Passes a Responses stream on and meters it; its text is raw throughout. */
export class ResponsesRelay implements StreamRelay {
  readonly #head: StreamHead;
  readonly #model: string;
  readonly #parser = new SseTextParser();
  readonly #texts = new EventTexts(
    (event) => this.#event(event),
    () => this.#last !== undefined,
  );
  /** The event that ends the stream, held back until what it cost is known. */
  #last: SseEvent | undefined;
  /** Number of the last event that was seen. */
  #number = -1;
  #created: number | undefined;
  id: string | undefined;
  usage: Usage | undefined;
  outputBytes = 0;

  constructor(head: StreamHead) {
    this.#head = head;
    this.#model = rawJson(head.model);
  }

  get ended(): boolean {
    return this.#last !== undefined;
  }

  get over(): boolean {
    return this.ended;
  }

  push(chunk: Uint8Array): Payload {
    return this.#texts.of(this.#parser.push(toRaw(chunk)));
  }

  finish(): Payload {
    return this.#texts.of(this.#parser.finish());
  }

  end(summary: Parameters<StreamRelay["end"]>[0]): string {
    if (this.#last === undefined) return "";
    const { event, data } = this.#last;
    const from = responseStart(data) ?? 0;
    return readRaw(written({ event, data: attachTo(data, summary, from) }));
  }

  fail(...[error, summary]: Parameters<StreamRelay["fail"]>): string {
    // Readers refuse an ending under another id than the stream began with.
    const told = {
      ...summary,
      completionId: this.id ?? summary.completionId,
      created: this.#created ?? summary.created,
      model: this.#head.model,
    };
    const response = failedResponse(error, told, []);
    const event = { type: "response.failed", response, sequence_number: this.#number + 1 };
    return writeEvent(event);
  }

  #event(event: SseEvent): string {
    if (event.data === "[DONE]") return "";
    const data = parseObject(event.data);
    const type = typeOf(data, event);
    const response = isObject(data.response) ? data.response : undefined;
    if (response !== undefined) {
      this.id ??= readRaw(stringOf(response.id) ?? "") || undefined;
      this.#created ??= numberOf(response.created_at);
      this.usage = readUsage(response.usage) ?? this.usage;
    }
    throwFailure(type, data);
    this.#number = numberOf(data.sequence_number) ?? this.#number + 1;
    if (isTerminal(type)) {
      if (response === undefined)
        throw new UpstreamStreamError("The provider ended its answer without a response");
      // Walked now, while a failure can still be told.
      this.#last = { ...event, data: this.#renamed(event.data) };
      return "";
    }
    if (type.endsWith(".delta")) this.outputBytes += stringOf(data.delta)?.length ?? 0;
    if (response === undefined) return written(event);
    return written({ ...event, data: this.#renamed(event.data) });
  }

  /** The event with the resolved model in its response. */
  #renamed(data: string): string {
    const model = this.#model;
    try {
      const from = responseStart(data);
      return from === undefined ? data : edit(data, { set: { model }, add: { model } }, from);
    } catch (cause) {
      throw new UpstreamStreamError("The provider sent an event that is nested too deep", {
        cause,
      });
    }
  }
}

/** Where the response of an event begins. */
function responseStart(data: string): number | undefined {
  return lastOf(membersOf(data), "response")?.valueStart;
}

function written({ event, data }: SseEvent): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  return `${name}data: ${data.replaceAll("\n", "\ndata: ")}\n\n`;
}
