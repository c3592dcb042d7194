import {
  laterUsage,
  streamUsage,
  tellsOutput,
} from "#src/dialect/anthropic/anthropic-messages-usage.ts";
import type { Meter } from "#src/dialect/meter/meter.ts";
import { isError, jsonOf, usageIn } from "#src/dialect/meter/meter-usage.ts";
import { isFailure } from "#src/dialect/openai/openai-chunk.ts";
import { type SseEvent, SseParser } from "#src/dialect/sse.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** An event stream of any known wire. */
export class EventMeter implements Meter {
  readonly #provider: string | undefined;
  readonly #parser = new SseParser();
  /** An event that cannot be one: the rest is passed on unread. */
  #lost = false;
  /** Anthropic's usage comes in parts. */
  #parts: JsonObject | undefined;
  #isOutputTold = false;
  /** Whether the wire has shown itself, and its word that the answer is finished. */
  #known = false;
  #finished = false;
  readonly isStream = true;
  id: string | undefined;
  usage: Usage | undefined;
  outputBytes = 0;
  ended = false;
  failed = false;

  constructor(provider: string | undefined) {
    this.#provider = provider;
  }

  get cut(): boolean {
    return !this.#lost && this.#known && !this.#finished && !this.ended && !this.failed;
  }

  push(piece: Uint8Array): void {
    this.#read(() => this.#parser.push(piece));
  }

  finish(): void {
    this.#read(() => this.#parser.finish());
  }

  #read(next: () => SseEvent[]): void {
    if (this.#lost) return;
    try {
      for (const event of next()) this.#event(event);
    } catch {
      // Beyond what an event may be: what was read so far counts, and the bytes go on all the same.
      this.#lost = true;
    }
  }

  #event({ event, data }: SseEvent): void {
    if (data.trim() === "[DONE]") {
      this.ended = true;
      return;
    }
    const value = jsonOf(data);
    // Google may wrap what it says in an array.
    for (const told of Array.isArray(value) ? value : [value])
      if (isObject(told)) this.#tell(event, told);
  }

  #tell(event: string | undefined, value: JsonObject): void {
    if (event === "error" || value.type === "error" || isError(value.error)) this.failed = true;
    const type = stringOf(value.type);
    if (type === undefined) this.#chunk(value);
    else if (type.startsWith("message_") || type.startsWith("content_block_"))
      this.#message(type, value);
    else if (type.startsWith("response.")) this.#response(type, value);
    else if (type.startsWith("message-")) this.#cohere(type, value);
    else this.usage = usageIn(value, this.#provider) ?? this.usage;
    if (type === undefined || type.includes("delta")) this.outputBytes += wordBytes(value);
  }

  /** OpenAI's chunks and Gemini's. */
  #chunk(value: JsonObject): void {
    this.id ??= stringOf(value.id) ?? stringOf(value.responseId);
    this.usage = usageIn(value, this.#provider) ?? this.usage;
    for (const choice of objectsIn(value.choices)) {
      this.#known = true;
      if (stringOf(choice.finish_reason)) this.#finished = true;
      if (isFailure(choice.finish_reason)) this.failed = true;
    }
    for (const candidate of objectsIn(value.candidates)) {
      this.#known = true;
      if (stringOf(candidate.finishReason)) this.#finished = true;
    }
    if (isObject(value.promptFeedback)) this.#finished = true;
  }

  #message(type: string, value: JsonObject): void {
    this.#known = true;
    const message = isObject(value.message) ? value.message : value;
    if (type === "message_start") this.id = stringOf(message.id);
    if (type === "message_stop") this.ended = true;
    if (type !== "message_start" && type !== "message_delta") return;
    this.#parts = laterUsage(this.#parts, message.usage);
    if (type === "message_delta") this.#isOutputTold ||= tellsOutput(message.usage);
    this.usage = streamUsage(this.#parts, this.#isOutputTold);
  }

  #response(type: string, value: JsonObject): void {
    this.#known = true;
    if (!isObject(value.response)) return;
    this.id ??= stringOf(value.response.id);
    this.usage = usageIn(value.response, this.#provider) ?? this.usage;
    if (type === "response.failed") this.failed = true;
    if (/^response\.(completed|incomplete|failed|cancelled)$/.test(type)) this.ended = true;
  }

  #cohere(type: string, value: JsonObject): void {
    this.#known = true;
    this.id ??= stringOf(value.id);
    if (type !== "message-end") return;
    const delta = isObject(value.delta) ? value.delta : {};
    this.usage = usageIn(delta, this.#provider) ?? this.usage;
    if (/^(ERROR|TIMEOUT)/.test(stringOf(delta.finish_reason) ?? "")) this.failed = true;
    this.ended = true;
  }
}

/** Members in which the known wires stream an answer's own words. */
const words: ReadonlySet<string> = new Set([
  "content",
  "text",
  "delta",
  "refusal",
  "reasoning",
  "reasoning_content",
  "thinking",
  "arguments",
  "partial_json",
]);
/** Members whose texts are not the answer's words. */
const others: ReadonlySet<string> = new Set(["usage", "usageMetadata", "logprobs"]);

function wordBytes(value: Json | undefined): number {
  let bytes = 0;
  if (Array.isArray(value)) for (const one of value) bytes += wordBytes(one);
  if (!isObject(value)) return bytes;
  for (const name in value) {
    const member = value[name];
    if (typeof member === "object") bytes += others.has(name) ? 0 : wordBytes(member);
    else if (typeof member === "string" && words.has(name)) bytes += Buffer.byteLength(member);
  }
  return bytes;
}

function objectsIn(list: Json | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}
