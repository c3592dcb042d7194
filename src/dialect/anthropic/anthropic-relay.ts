import { EventTexts } from "#src/dialect/event-steps.ts";
import { eventObject } from "#src/dialect/provider-json.ts";
import { failure } from "#src/dialect/anthropic/anthropic-client-write.ts";
import { faultText } from "#src/dialect/anthropic/anthropic-messages-reply.ts";
import {
  laterUsage,
  streamUsage,
  tellsOutput,
} from "#src/dialect/anthropic/anthropic-messages-usage.ts";
import { type StreamHead, type StreamRelay, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { rawJson, readRaw, toRaw } from "#src/dialect/raw-text.ts";
import { edit, lastOf, membersOf } from "#src/dialect/splice.ts";
import { type SseEvent, SseTextParser } from "#src/dialect/sse.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Payload } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Edits a Messages stream on its way through and meters it; its text is raw throughout. */
export class AnthropicRelay implements StreamRelay {
  readonly #parser = new SseTextParser();
  readonly #texts = new EventTexts(
    (event) => this.#event(event),
    () => this.ended,
  );
  readonly #model: string;
  readonly #completionId: string;
  #told: JsonObject | undefined;
  #isOutputTold = false;
  /** The terminal event as the upstream wrote it, held back until the end is settled. */
  #stop: string | undefined;
  id: string | undefined;
  outputBytes = 0;

  constructor(head: StreamHead) {
    this.#model = rawJson(head.model);
    this.#completionId = rawJson(head.completionId);
  }

  get usage(): Usage | undefined {
    return streamUsage(this.#told, this.#isOutputTold);
  }

  get ended(): boolean {
    return this.#stop !== undefined;
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

  end({ block }: Parameters<StreamRelay["end"]>[0]): string {
    const lowrouter = rawJson(block);
    const stop = this.#stop ?? '{"type":"message_stop"}';
    const written = edit(stop, { set: { lowrouter }, add: { lowrouter } });
    return readRaw(eventOf("message_stop", written));
  }

  fail(...[error, summary]: Parameters<StreamRelay["fail"]>): string {
    return failure(error, summary);
  }

  #event({ event: name, data }: SseEvent): string {
    if (data.trim() === "" || data === "[DONE]") return "";
    const told = eventObject(data);
    const type = stringOf(told.type) ?? name ?? "";
    if (type === "error" || name === "error" || isObject(told.error))
      throw new UpstreamStreamError(faultText(told));
    // Official clients skip an event without a name.
    const title = name ?? type;
    if (type === "message_start") return eventOf(title, this.#begin(data, told));
    if (type === "message_stop") {
      walk(() => membersOf(data));
      this.#stop = data;
      return "";
    }
    if (type === "message_delta") {
      this.#isOutputTold ||= tellsOutput(told.usage);
      this.#meter(data, told.usage);
    }
    if (type === "content_block_start") this.outputBytes += lengthOf(told.content_block);
    if (type === "content_block_delta") this.outputBytes += lengthOf(told.delta);
    return eventOf(title, data);
  }

  #begin(data: string, { message }: JsonObject): string {
    if (!isObject(message)) return data;
    this.id ??= readRaw(stringOf(message.id) ?? "") || undefined;
    this.#meter(data, message.usage);
    const put = { id: this.#completionId, model: this.#model };
    return walk(() => {
      const member = lastOf(membersOf(data), "message");
      if (member === undefined) return data;
      const { valueStart, end } = member;
      const inner = edit(data.slice(valueStart, end), { set: put, add: put });
      return data.slice(0, valueStart) + inner + data.slice(end);
    });
  }

  /** Takes note of usage; parsed again where its text is not ASCII, which here is one character per byte. */
  #meter(data: string, usage: Json | undefined): void {
    if (!isObject(usage)) return;
    const text = readRaw(data);
    const told = text === data ? usage : usageIn(eventObject(text));
    this.#told = laterUsage(this.#told, told);
  }
}

function usageIn({ message, usage }: JsonObject): Json | undefined {
  return isObject(message) ? message.usage : usage;
}

/** One event in raw text. */
function eventOf(name: string, data: string): string {
  const title = name === "" ? "" : `event: ${name}\n`;
  return `${title}data: ${data.replaceAll("\n", "\ndata: ")}\n\n`;
}

/** What is found in an event's text, which may be nested too deep to be walked. */
function walk<T>(find: () => T): T {
  try {
    return find();
  } catch (cause) {
    throw new UpstreamStreamError("The provider sent an event that is nested too deep", { cause });
  }
}

/** Length of what a block or delta adds to the answer. */
function lengthOf(value: Json | undefined): number {
  if (!isObject(value)) return 0;
  const { text, thinking, partial_json: words, name } = value;
  return [text, thinking, words, name].reduce<number>(
    (sum, said) => sum + (typeof said === "string" ? said.length : 0),
    0,
  );
}
