import { eventObject } from "#src/dialect/provider-json.ts";
import { answerToolName } from "#src/dialect/anthropic/anthropic-messages-tools.ts";
import { EventStreamDecoder, type EventFrame } from "#src/dialect/bedrock/aws-event-stream.ts";
import { faultText, finishOf, readUsage, stoppedAt } from "#src/dialect/bedrock/bedrock-usage.ts";
import { UpstreamStreamError, type StreamReader } from "#src/dialect/dialect.ts";
import { EventSteps } from "#src/dialect/event-steps.ts";
import type { SseEvent } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A tool block being streamed. `index` counts tool calls alone; `wrote` tells whether arguments came. */
type Block = { kind: "call"; index: number; wrote: boolean } | { kind: "answer"; wrote: boolean };

/** Marks an event that is an exception in the list of events. */
const exception = "exception:";

/** Reads a ConverseStream body, frame by frame, into steps. The usage comes last, after the ending. */
export class BedrockStream implements StreamReader {
  /** The wire gives answers no id. */
  readonly id = undefined;
  #decoder = new EventStreamDecoder();
  #steps = new EventSteps((event) => this.#read(event));
  #blocks = new Map<number, Block>();
  #calls = 0;
  #answered = false;
  #usage: Usage | undefined;
  #ended = false;

  get usage(): Usage | undefined {
    return this.#usage;
  }
  get ended(): boolean {
    return this.#ended;
  }

  push(chunk: Uint8Array): StreamStep[] {
    // A failure that was held back comes before whatever the next bytes are.
    this.#steps.of([]);
    return this.#steps.of(this.#decoder.push(chunk).map(eventOf));
  }

  finish(): StreamStep[] {
    const steps = this.#steps.of([]);
    this.#decoder.finish();
    return steps;
  }

  #read({ event = "", data }: SseEvent): StreamStep[] {
    if (event.startsWith(exception)) {
      throw new UpstreamStreamError(faultText(event.slice(exception.length)));
    }
    const told = eventObject(data);
    if (event === "contentBlockStart") return this.#open(told);
    if (event === "contentBlockDelta") return this.#delta(told);
    if (event === "contentBlockStop") return this.#close(told);
    if (event === "messageStop") return this.#end(told);
    if (event === "metadata") this.#usage = readUsage(told.usage) ?? this.#usage;
    return [];
  }

  /** Only blocks of tools are announced; text and reasoning begin with their first piece. */
  #open({ contentBlockIndex, start }: JsonObject): StreamStep[] {
    const use = isObject(start) && isObject(start.toolUse) ? start.toolUse : undefined;
    if (use === undefined) return [];
    const at = numberOf(contentBlockIndex) ?? 0;
    if (use.name === answerToolName) {
      // A second answer would break the JSON of the first.
      if (!this.#answered) this.#blocks.set(at, { kind: "answer", wrote: false });
      this.#answered = true;
      return [];
    }
    const index = this.#calls++;
    this.#blocks.set(at, { kind: "call", index, wrote: false });
    const id = stringOf(use.toolUseId) ?? "";
    return [{ type: "tool_start", choice: 0, index, id, name: stringOf(use.name) ?? "" }];
  }

  #delta({ contentBlockIndex, delta }: JsonObject): StreamStep[] {
    if (!isObject(delta)) return [];
    if (typeof delta.text === "string") return texts("text", delta.text);
    if (isObject(delta.reasoningContent)) return reasoning(delta.reasoningContent);
    if (!isObject(delta.toolUse)) return [];
    const block = this.#blocks.get(numberOf(contentBlockIndex) ?? 0);
    return fragment(block, stringOf(delta.toolUse.input) ?? "");
  }

  #close({ contentBlockIndex }: JsonObject): StreamStep[] {
    const at = numberOf(contentBlockIndex) ?? 0;
    const block = this.#blocks.get(at);
    this.#blocks.delete(at);
    return block === undefined || block.wrote ? [] : fragment(block, "{}");
  }

  #end({ stopReason }: JsonObject): StreamStep[] {
    if (this.#ended) return [];
    const nativeFinish = stringOf(stopReason);
    const finish = finishOf(nativeFinish, this.#calls > 0);
    if (finish === "error") throw new UpstreamStreamError(faultText(nativeFinish));
    this.#ended = true;
    return [{ type: "finish", choice: 0, finish, nativeFinish, ...stoppedAt(nativeFinish) }];
  }
}

/** A frame as an event, its type or exception as the name. */
function eventOf({ headers, payload }: EventFrame): SseEvent {
  const kind = headers.get(":message-type");
  const data = decode(payload);
  if (kind === "event") return { event: headers.get(":event-type") ?? "", data };
  const type = headers.get(":exception-type") ?? headers.get(":error-code") ?? "";
  return { event: exception + type, data };
}

function texts(type: "text" | "reasoning", text: Json | undefined): StreamStep[] {
  return typeof text === "string" && text !== "" ? [{ type, choice: 0, text }] : [];
}

function reasoning({ text, signature, redactedContent }: JsonObject): StreamStep[] {
  if (typeof redactedContent === "string" && redactedContent !== "")
    return [{ type: "reasoning", choice: 0, text: "", redacted: redactedContent }];
  if (typeof signature === "string" && signature !== "")
    return [{ type: "reasoning", choice: 0, text: "", signature }];
  return texts("reasoning", text);
}

/** Arguments go on as they came, unparsed: big integers survive. */
function fragment(block: Block | undefined, text: string): StreamStep[] {
  if (text === "" || block === undefined) return [];
  block.wrote = true;
  if (block.kind === "answer") return [{ type: "text", choice: 0, text }];
  return [{ type: "tool_arguments", choice: 0, index: block.index, text }];
}
