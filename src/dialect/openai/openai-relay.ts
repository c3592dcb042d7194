import { EventTexts } from "#src/dialect/event-steps.ts";
import type { StreamHead, StreamRelay } from "#src/dialect/dialect.ts";
import { EventTemplate } from "#src/dialect/event-template.ts";
import { failed, isFailure, readChunk } from "#src/dialect/openai/openai-chunk.ts";
import { ChunkMender } from "#src/dialect/openai/openai-mend.ts";
import {
  done,
  failure,
  type Shape,
  summaryEvent,
  usageEvent,
} from "#src/dialect/openai/openai-ending.ts";
import { completeUsage, findUsage, writeUsage } from "#src/dialect/openai/openai-usage.ts";
import { rawJson, readRaw, toRaw } from "#src/dialect/raw-text.ts";
import { edit, type Edits, valueIn } from "#src/dialect/splice.ts";
import { type SseEvent, SseTextParser } from "#src/dialect/sse.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Payload } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Shapes of events kept at a time: choices and calls that take turns. */
const templatesKept = 4;
/** A stream whose events never repeat is not worth learning from. */
const lessonsWithoutUse = 12;

/** Edits an OpenAI-shaped stream on its way through and meters it; its text is raw throughout. */
export class OpenaiRelay implements StreamRelay {
  readonly #shape: Shape;
  readonly #head: StreamHead;
  readonly #parser = new SseTextParser();
  readonly #texts = new EventTexts(
    (event) => this.#event(event),
    () => this.#terminated,
  );
  readonly #model: string;
  readonly #completionId: string;
  readonly #mender = new ChunkMender();
  #templates: EventTemplate[] = [];
  #lessons = 0;
  /** Choices by index: whether they have finished. */
  readonly #choices = new Map<number, boolean>();
  #terminated = false;
  #created: number | undefined;
  /** The usage object as the upstream wrote it. */
  #usageText: string | undefined;
  id: string | undefined;
  usage: Usage | undefined;
  outputBytes = 0;

  constructor(shape: Shape, head: StreamHead) {
    this.#shape = shape;
    this.#head = head;
    this.#model = rawJson(head.model);
    this.#completionId = rawJson(head.completionId);
  }

  get ended(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every(Boolean);
  }

  get over(): boolean {
    return this.#terminated;
  }

  push(chunk: Uint8Array): Payload {
    return this.#texts.of(this.#parser.push(toRaw(chunk)));
  }

  finish(): Payload {
    return this.#texts.of(this.#parser.finish());
  }

  end(summary: Parameters<StreamRelay["end"]>[0]): string {
    const told = { ...summary, created: this.#created ?? summary.created };
    const { usage } = summary;
    const asked = this.#head.includeUsage && usage !== undefined;
    const text =
      usage && this.#usageText !== undefined
        ? readRaw(completeUsage(this.#usageText, usage, summary))
        : JSON.stringify(usage && writeUsage(usage, summary));
    return (
      (asked ? usageEvent(this.#shape, told, text) : "") + summaryEvent(this.#shape, told) + done
    );
  }

  fail(...[error, summary]: Parameters<StreamRelay["fail"]>): string {
    const told = { ...summary, created: this.#created ?? summary.created };
    return failure(this.#shape, this.#head, error, told);
  }

  #event(event: SseEvent): string {
    const { data } = event;
    if (event.event === undefined) {
      for (const template of this.#templates) {
        const known = template.apply(data);
        if (known === undefined) continue;
        this.#lessons = 0;
        this.outputBytes += known.wordBytes;
        return `data: ${known.data}\n\n`;
      }
    }
    if (data === "[DONE]") {
      this.#terminated = true;
      return "";
    }
    return this.#unknown(event);
  }

  /** An event of a new kind: parsed, metered, edited, and learned from. */
  #unknown(event: SseEvent): string {
    const upstream = readChunk(event);
    const data = this.#mender.mend(event.data, upstream);
    const chunk = data === event.data ? upstream : readChunk({ ...event, data });
    this.id ??= readRaw(stringOf(chunk.id) ?? "") || undefined;
    this.#created ??= numberOf(chunk.created);
    const told = this.#meter(data, chunk);
    const choices = Array.isArray(chunk.choices) ? chunk.choices : [];
    if (choices.length === 0 && told) return "";
    const edits = this.#edits(chunk);
    let plain = !told;
    for (const choice of choices) if (this.#count(choice)) plain = false;
    const written = edit(data, edits);
    if (plain && this.#mender.settled) this.#learn(data, edits);
    else this.#templates = [];
    return `data: ${written.replaceAll("\n", "\ndata: ")}\n\n`;
  }

  /** Takes note of a chunk's usage. Returns whether it told any. */
  #meter(data: string, chunk: JsonObject): boolean {
    const usage = findUsage(chunk, this.#head.provider);
    if (usage === undefined) return false;
    this.usage = usage;
    if (!isObject(chunk.usage)) return true;
    const told = valueIn(data, "usage");
    if (told === undefined) return true;
    this.#usageText = told.replaceAll("\n", " ");
    this.usage = { ...usage, raw: JSON.parse(readRaw(this.#usageText)) };
    return true;
  }

  #edits(chunk: JsonObject): Edits {
    const set: Edits["set"] = { id: this.#completionId, model: this.#model };
    const add: Edits["add"] = { id: this.#completionId, model: this.#model };
    // Usage is told once, at the end, and only to those who asked.
    if (isObject(chunk.usage)) set.usage = this.#head.includeUsage ? "null" : undefined;
    return { set, add };
  }

  /** Takes note of a choice. Returns whether it finished with this. */
  #count(choice: Json): boolean {
    if (!isObject(choice)) return false;
    const index = numberOf(choice.index) ?? 0;
    if (isFailure(choice.finish_reason)) throw failed({});
    this.outputBytes += wordsOf(choice);
    // Some servers write an empty one all along.
    const finished = Boolean(stringOf(choice.finish_reason));
    this.#choices.set(index, finished || this.#choices.get(index) === true);
    return finished;
  }

  #learn(data: string, edits: Edits): void {
    if (this.#lessons >= lessonsWithoutUse) return;
    const template = EventTemplate.learn(data, edits);
    if (template === undefined) return;
    this.#lessons++;
    this.#templates.unshift(template);
    if (this.#templates.length > templatesKept) this.#templates.pop();
  }
}

/** Length of what a choice adds to the answer. */
function wordsOf(choice: JsonObject): number {
  const delta = isObject(choice.delta) ? choice.delta : choice;
  const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls : [];
  return (
    lengthOf(delta.content) +
    lengthOf(delta.text) +
    lengthOf(delta.refusal) +
    lengthOf(delta.reasoning) +
    lengthOf(delta.reasoning_content) +
    calls.reduce<number>((sum, call) => sum + wordsOfCall(call), 0)
  );
}

function wordsOfCall(call: Json): number {
  const body = isObject(call) && isObject(call.function) ? call.function : {};
  return lengthOf(body.name) + lengthOf(body.arguments);
}

function lengthOf(value: Json | undefined): number {
  return typeof value === "string" ? value.length : 0;
}
