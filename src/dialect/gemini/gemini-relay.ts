import { EventTexts } from "#src/dialect/event-steps.ts";
import { eventJson } from "#src/dialect/provider-json.ts";
import { type StreamHead, type StreamRelay, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { writeUsage } from "#src/dialect/gemini/gemini-client-candidate.ts";
import { failureEvent } from "#src/dialect/gemini/gemini-client-stream.ts";
import { partsOf } from "#src/dialect/gemini/gemini-parts.ts";
import { blockReason, faultText, readUsage } from "#src/dialect/gemini/gemini-usage.ts";
import { rawJson, readRaw, toRaw } from "#src/dialect/raw-text.ts";
import { edit, type Edits } from "#src/dialect/splice.ts";
import { type SseEvent, SseTextParser } from "#src/dialect/sse.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Payload } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf, type JsonObject, type Json } from "#src/lib/json.ts";

/** Edits a generateContent stream on its way through and meters it; its text is raw throughout. */
export class GeminiRelay implements StreamRelay {
  readonly #parser = new SseTextParser();
  readonly #texts = new EventTexts((event) => this.#event(event));
  readonly #names: Record<string, string>;
  /** Candidates by index: whether they have finished. */
  readonly #candidates = new Map<number, boolean>();
  #blocked = false;
  #begun = false;
  /** The event that may be the last one, which the block is put into. */
  #held: string | undefined;
  id: string | undefined;
  usage: Usage | undefined;
  outputBytes = 0;

  constructor(head: StreamHead) {
    this.#names = { modelVersion: rawJson(head.model), responseId: rawJson(head.completionId) };
  }

  get ended(): boolean {
    if (this.#blocked) return true;
    return this.#candidates.size > 0 && [...this.#candidates.values()].every(Boolean);
  }

  push(chunk: Uint8Array): Payload {
    const text = toRaw(chunk);
    this.#refusePlainJson(text);
    return this.#texts.of(this.#parser.push(text));
  }

  finish(): Payload {
    return this.#texts.of(this.#parser.finish());
  }

  end(summary: Parameters<StreamRelay["end"]>[0]): string {
    const lowrouter = rawJson(summary.block);
    const { usage } = summary;
    const add: Record<string, string> = { lowrouter };
    if (usage?.estimated === true) add.usageMetadata = rawJson(writeUsage(usage));
    const last = edit(this.#held ?? "{}", { set: { lowrouter }, add });
    this.#held = undefined;
    return readRaw(written(last));
  }

  fail(...[error, summary]: Parameters<StreamRelay["fail"]>): string {
    return readRaw(this.#release()) + failureEvent(error, summary);
  }

  /** An error may come as a bare JSON body, whose lines an event parser would skip in silence. */
  #refusePlainJson(text: string): void {
    if (this.#begun) return;
    const first = /\S/.exec(text)?.[0];
    if (first === undefined) return;
    this.#begun = true;
    if (first === "{" || first === "[")
      throw new UpstreamStreamError("The provider answered a stream request with plain JSON");
  }

  #event({ data }: SseEvent): string {
    if (data.trim() === "" || data.trim() === "[DONE]") return "";
    const response = readResponse(data);
    this.id ??= readRaw(stringOf(response.responseId) ?? "") || undefined;
    // Counts are cumulative: the last word replaces the ones before.
    this.usage = readUsage(response.usageMetadata) ?? this.usage;
    if (blockReason(response) !== undefined) this.#blocked = true;
    const candidates = Array.isArray(response.candidates) ? response.candidates : [];
    for (const [at, candidate] of candidates.entries())
      if (isObject(candidate)) this.#count(candidate, at);
    const before = this.#release();
    const edited = splice(data, { set: this.#names, add: this.#names });
    if (!this.ended) return before + written(edited);
    // What comes now may be the last event, or one more with a signature.
    this.#held = edited;
    return before;
  }

  #count(candidate: JsonObject, at: number): void {
    const index = numberOf(candidate.index) ?? at;
    for (const part of partsOf(candidate)) this.outputBytes += wordsOf(part);
    const finished = typeof candidate.finishReason === "string";
    this.#candidates.set(index, finished || this.#candidates.get(index) === true);
  }

  #release(): string {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? "" : written(held);
  }
}

/** An event as Google writes it, on one line: its own client reads no other. JSON has line ends between values only. */
function written(data: string): string {
  return `data: ${data.replaceAll("\n", " ")}\r\n\r\n`;
}

/** Throws UpstreamStreamError on garbage and on an error, which may stand in an array. */
function readResponse(data: string): JsonObject {
  const parsed: Json = eventJson(data);
  const response = Array.isArray(parsed) ? parsed[0] : parsed;
  if (isObject(response) && response.error)
    throw new UpstreamStreamError(faultText(response.error));
  if (isObject(parsed)) return parsed;
  throw new UpstreamStreamError("The provider sent an event that is no answer");
}

function splice(data: string, edits: Edits): string {
  try {
    return edit(data, edits);
  } catch (cause) {
    throw new UpstreamStreamError("The provider sent an event that is nested too deep", { cause });
  }
}

/** Length of what a part adds to the answer. */
function wordsOf(part: JsonObject): number {
  if (typeof part.text === "string") return part.text.length;
  return isObject(part.functionCall) ? JSON.stringify(part.functionCall).length : 0;
}
