import { type StreamReader, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { EventSteps } from "#src/dialect/event-steps.ts";
import { failed } from "#src/dialect/openai/openai-chunk.ts";
import {
  citationsOf,
  endingOf,
  isFailure,
  parseObject,
  partsOf,
} from "#src/dialect/responses/responses-reply.ts";
import { readUsage } from "#src/dialect/responses/responses-usage.ts";
import { type SseEvent, SseParser } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { isObject, numberOf, stringOf, type JsonObject } from "#src/lib/json.ts";

/** Reads a Responses stream into canonical steps. */
export function readResponsesStream(): StreamReader {
  return new ResponsesStreamReader();
}

/** The name of an event: in its data, or beside it. */
export function typeOf(data: JsonObject, { event }: SseEvent): string {
  return stringOf(data.type) ?? event ?? "";
}

/** The events that end a stream in an answer. */
export function isTerminal(type: string): boolean {
  return type === "response.completed" || type === "response.incomplete";
}

/** Throws what an event says that ends a stream without an answer, by its code alone. */
export function throwFailure(type: string, data: JsonObject): void {
  const { response } = data;
  if (isObject(response) && (type === "response.failed" || isFailure(response)))
    throw failed(response);
  if (type === "response.failed" || type === "response.cancelled") throw failed({});
  if (type === "error")
    throw failed(isObject(data.error) ? data : { error: { code: data.code ?? null } });
  if (type === "" && data.error) throw failed(data);
}

const textEvent =
  /^response\.(output_text|refusal|reasoning_text|reasoning_summary_text)\.(delta|done)$/;

class ResponsesStreamReader implements StreamReader {
  readonly #parser = new SseParser();
  readonly #steps = new EventSteps((event) => this.#event(event));
  /** Calls by the place of their items: their number, and whether arguments were told. */
  readonly #calls = new Map<number, { index: number; told: boolean }>();
  /** Places of text that was told in pieces, so that the whole is not told again, and where it begins in all text. */
  readonly #told = new Map<string, number>();
  /** Length of all text so far. */
  #length = 0;
  /** Places of items of which anything was told. */
  readonly #items = new Set<number>();
  id: string | undefined;
  usage: Usage | undefined;
  ended = false;

  push(chunk: Uint8Array): StreamStep[] {
    return this.#steps.of(this.#parser.push(chunk));
  }

  finish(): StreamStep[] {
    return this.#steps.of(this.#parser.finish());
  }

  #event(event: SseEvent): StreamStep[] {
    if (this.ended || event.data === "[DONE]") return [];
    const data = parseObject(event.data);
    const type = typeOf(data, event);
    const response = isObject(data.response) ? data.response : undefined;
    if (response !== undefined) {
      this.id ??= stringOf(response.id) || undefined;
      this.usage = readUsage(response.usage) ?? this.usage;
    }
    throwFailure(type, data);
    if (isTerminal(type)) return this.#end(type, response);
    const place = numberOf(data.output_index) ?? 0;
    const item = isObject(data.item) ? data.item : undefined;
    if (item !== undefined && type === "response.output_item.added")
      return item.type === "function_call" ? this.#start(place, item) : [];
    if (item !== undefined && type === "response.output_item.done") return this.#done(place, item);
    if (type === "response.function_call_arguments.delta") return this.#argue(place, data.delta);
    const [, kind, stage] = textEvent.exec(type) ?? [];
    if (kind !== undefined) return this.#say(kind, stage === "done", place, data);
    if (type === "response.output_text.annotation.added") return this.#cite(place, data);
    const later = (numberOf(data.summary_index) ?? 0) > 0;
    if (type === "response.reasoning_summary_part.added" && later)
      return [{ type: "reasoning", choice: 0, text: "\n\n" }];
    return [];
  }

  /** Text in pieces, or whole where no pieces came. */
  #say(kind: string, done: boolean, place: number, data: JsonObject): StreamStep[] {
    const part = `${kind}/${place}/${numberOf(data.content_index ?? data.summary_index) ?? 0}`;
    if (done && this.#told.has(part)) return [];
    const text = stringOf(done ? (data.text ?? data.refusal) : data.delta) ?? "";
    if (text === "") return [];
    if (!this.#told.has(part)) this.#told.set(part, this.#length);
    this.#items.add(place);
    if (kind === "output_text") {
      this.#length += text.length;
      return [{ type: "text", choice: 0, text }];
    }
    return [{ type: kind === "refusal" ? "refusal" : "reasoning", choice: 0, text }];
  }

  #cite(place: number, { content_index, annotation }: JsonObject): StreamStep[] {
    const from = this.#told.get(`output_text/${place}/${numberOf(content_index) ?? 0}`);
    const citations = citationsOf([annotation ?? null], from ?? this.#length);
    return citations.length === 0 ? [] : [{ type: "text", choice: 0, text: "", citations }];
  }

  #start(place: number, item: JsonObject): StreamStep[] {
    const index = this.#calls.size;
    this.#calls.set(place, { index, told: false });
    this.#items.add(place);
    const id = stringOf(item.call_id) || (stringOf(item.id) ?? "");
    const name = stringOf(item.name) ?? "";
    return [
      { type: "tool_start", choice: 0, index, id, name },
      ...this.#argue(place, item.arguments),
    ];
  }

  #argue(place: number, words: unknown): StreamStep[] {
    const call = this.#calls.get(place);
    const text = stringOf(words) ?? "";
    if (call === undefined || text === "") return [];
    call.told = true;
    return [{ type: "tool_arguments", choice: 0, index: call.index, text }];
  }

  /** What an item holds that was not told before. */
  #done(place: number, item: JsonObject): StreamStep[] {
    if (item.type === "function_call") {
      const call = this.#calls.get(place);
      if (call === undefined) return this.#start(place, item);
      return call.told ? [] : this.#argue(place, item.arguments);
    }
    const known = this.#items.has(place);
    this.#items.add(place);
    return partsOf([item], this.#length).flatMap((part): StreamStep[] => {
      if (part.type === "tool_call") return [];
      const { type } = part;
      const text = known ? "" : part.text;
      if (type === "text" && text !== "") {
        const { citations } = part;
        this.#length += text.length;
        return [{ type, choice: 0, text, ...(citations ? { citations } : {}) }];
      }
      if (type !== "reasoning") return text === "" ? [] : [{ type, choice: 0, text }];
      const { redacted } = part;
      if (text === "" && redacted === undefined) return [];
      return [{ type, choice: 0, text, ...(redacted === undefined ? {} : { redacted }) }];
    });
  }

  #end(type: string, response: JsonObject | undefined): StreamStep[] {
    if (response === undefined)
      throw new UpstreamStreamError("The provider ended its answer without a response");
    this.ended = true;
    // A whole answer in the last event alone is an answer too.
    const output = Array.isArray(response.output) ? response.output : [];
    const steps =
      this.#items.size > 0
        ? []
        : output.flatMap((item, place) => {
            return isObject(item) ? this.#done(place, item) : [];
          });
    const status = type.slice("response.".length);
    const ending = endingOf({ ...response, status }, this.#calls.size > 0);
    return [...steps, { type: "finish", choice: 0, ...ending }];
  }
}
