import { eventObject } from "#src/dialect/provider-json.ts";
import { citedPages } from "#src/dialect/anthropic/anthropic-messages-citations.ts";
import { faultText } from "#src/dialect/anthropic/anthropic-messages-reply.ts";
import { answerToolName } from "#src/dialect/anthropic/anthropic-messages-tools.ts";
import {
  finishOf,
  laterUsage,
  refusalText,
  stoppedAt,
  streamUsage,
  tellsOutput,
} from "#src/dialect/anthropic/anthropic-messages-usage.ts";
import { UpstreamStreamError, type StreamReader } from "#src/dialect/dialect.ts";
import { EventSteps } from "#src/dialect/event-steps.ts";
import { SseParser, type SseEvent } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A block being streamed. `index` counts tool calls alone; `wrote` tells whether arguments came. */
type Block =
  | { kind: "reasoning" | "other" }
  | { kind: "text"; start: number; citations: Json[] }
  | { kind: "call"; index: number; wrote: boolean; input: Json | undefined }
  | { kind: "answer"; wrote: boolean; input: Json | undefined };

/** Reads a Messages stream into steps. The finish step comes with `message_stop`, never before. */
export class AnthropicMessagesStream implements StreamReader {
  #parser = new SseParser();
  #steps = new EventSteps((event) => this.#read(event));
  #blocks = new Map<number, Block>();
  #calls = 0;
  /** Characters of text so far. */
  #said = 0;
  #answered = false;
  #stopReason: string | undefined;
  #stopSequence: Json | undefined;
  #refusal = "";
  #usage: JsonObject | undefined;
  #isOutputTold = false;
  #id: string | undefined;
  #ended = false;

  get id(): string | undefined {
    return this.#id;
  }
  get usage(): Usage | undefined {
    return streamUsage(this.#usage, this.#isOutputTold);
  }
  get ended(): boolean {
    return this.#ended;
  }

  get over(): boolean {
    return this.ended;
  }

  push(chunk: Uint8Array): StreamStep[] {
    return this.#steps.of(this.#parser.push(chunk));
  }

  finish(): StreamStep[] {
    return this.#steps.of(this.#parser.finish());
  }

  #read({ data }: SseEvent): StreamStep[] {
    if (this.#ended || data.trim() === "" || data.trim() === "[DONE]") return [];
    const event = eventObject(data);
    if (event.type === "error" || isObject(event.error))
      throw new UpstreamStreamError(faultText(event));
    if (event.type === "message_start") return this.#begin(event);
    if (event.type === "content_block_start") return this.#open(event);
    if (event.type === "content_block_delta") return this.#delta(event);
    if (event.type === "content_block_stop") return this.#close(event);
    if (event.type === "message_delta") return this.#settle(event);
    return event.type === "message_stop" ? this.#end() : [];
  }

  #begin(event: JsonObject): StreamStep[] {
    if (!isObject(event.message)) return [];
    this.#id = stringOf(event.message.id) ?? this.#id;
    this.#usage = laterUsage(this.#usage, event.message.usage);
    return [];
  }

  #open(event: JsonObject): StreamStep[] {
    const at = numberOf(event.index) ?? 0;
    const block = isObject(event.content_block) ? event.content_block : {};
    this.#blocks.set(at, { kind: "other" });
    if (block.type === "text") {
      this.#blocks.set(at, { kind: "text", start: this.#said, citations: [] });
      return this.#text(block.text);
    }
    if (block.type === "thinking") {
      this.#blocks.set(at, { kind: "reasoning" });
      return texts("reasoning", block.thinking);
    }
    if (block.type === "redacted_thinking") {
      return [{ type: "reasoning", choice: 0, text: "", redacted: stringOf(block.data) ?? "" }];
    }
    return block.type === "tool_use" ? this.#openCall(at, block) : [];
  }

  #openCall(at: number, block: JsonObject): StreamStep[] {
    const { input } = block;
    if (block.name === answerToolName) {
      // A second answer would break the JSON of the first.
      if (!this.#answered) this.#blocks.set(at, { kind: "answer", wrote: false, input });
      this.#answered = true;
      return [];
    }
    const index = this.#calls++;
    this.#blocks.set(at, { kind: "call", index, wrote: false, input });
    const id = stringOf(block.id) ?? "";
    return [{ type: "tool_start", choice: 0, index, id, name: stringOf(block.name) ?? "" }];
  }

  #delta(event: JsonObject): StreamStep[] {
    const block = this.#blocks.get(numberOf(event.index) ?? 0);
    const delta = isObject(event.delta) ? event.delta : {};
    if (delta.type === "text_delta") return this.#text(delta.text);
    if (delta.type === "citations_delta") {
      if (block?.kind === "text" && delta.citation !== undefined)
        block.citations.push(delta.citation);
      return [];
    }
    if (delta.type === "thinking_delta") return texts("reasoning", delta.thinking);
    if (delta.type === "signature_delta") {
      const signature = stringOf(delta.signature);
      return signature ? [{ type: "reasoning", choice: 0, text: "", signature }] : [];
    }
    if (delta.type !== "input_json_delta") return [];
    return fragment(block, stringOf(delta.partial_json) ?? "");
  }

  #close(event: JsonObject): StreamStep[] {
    const block = this.#blocks.get(numberOf(event.index) ?? 0);
    this.#blocks.delete(numberOf(event.index) ?? 0);
    if (block?.kind === "text") {
      const { start } = block;
      const citations = citedPages(block.citations, { start, end: this.#said });
      return citations.length === 0 ? [] : [{ type: "text", choice: 0, text: "", citations }];
    }
    if (block?.kind !== "call" && block?.kind !== "answer") return [];
    return block.wrote ? [] : fragment(block, JSON.stringify(block.input ?? {}));
  }

  #text(text: Json | undefined): StreamStep[] {
    if (typeof text === "string") this.#said += text.length;
    return texts("text", text);
  }

  #settle(event: JsonObject): StreamStep[] {
    this.#usage = laterUsage(this.#usage, event.usage);
    this.#isOutputTold ||= tellsOutput(event.usage);
    if (!isObject(event.delta)) return [];
    this.#stopReason = stringOf(event.delta.stop_reason) ?? this.#stopReason;
    this.#stopSequence = event.delta.stop_sequence ?? this.#stopSequence;
    this.#refusal = refusalText(event.delta.stop_details) || this.#refusal;
    return [];
  }

  #end(): StreamStep[] {
    this.#ended = true;
    const nativeFinish = this.#stopReason;
    const finish = finishOf(nativeFinish, this.#calls > 0);
    const refusal: StreamStep[] =
      this.#refusal === "" ? [] : [{ type: "refusal", choice: 0, text: this.#refusal }];
    const stop = stoppedAt(nativeFinish, this.#stopSequence);
    return [...refusal, { type: "finish", choice: 0, finish, nativeFinish, ...stop }];
  }
}

function texts(type: "text" | "reasoning", text: Json | undefined): StreamStep[] {
  return typeof text === "string" && text !== "" ? [{ type, choice: 0, text }] : [];
}

/** Arguments go on as they came, unparsed: big integers survive. */
function fragment(block: Block | undefined, text: string): StreamStep[] {
  if (text === "" || (block?.kind !== "call" && block?.kind !== "answer")) return [];
  block.wrote = true;
  if (block.kind === "answer") return [{ type: "text", choice: 0, text }];
  return [{ type: "tool_arguments", choice: 0, index: block.index, text }];
}
