import { eventObject } from "#src/dialect/provider-json.ts";
import {
  faultText,
  finishOf,
  readLogprobs,
  readUsage,
  stoppedAt,
} from "#src/dialect/cohere/cohere-usage.ts";
import { UpstreamStreamError, type StreamReader } from "#src/dialect/dialect.ts";
import { EventSteps } from "#src/dialect/event-steps.ts";
import { SseParser, type SseEvent } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Reads a v2 chat stream into steps. It ends with `message-end`, which has the usage too. */
export class CohereStream implements StreamReader {
  #parser = new SseParser();
  #steps = new EventSteps((event) => this.#read(event));
  #calls = 0;
  /** The open call was given arguments. */
  #wrote = false;
  #usage: Usage | undefined;
  #id: string | undefined;
  #ended = false;

  get id(): string | undefined {
    return this.#id;
  }
  get usage(): Usage | undefined {
    return this.#usage;
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

  #read({ event, data }: SseEvent): StreamStep[] {
    if (this.#ended || data.trim() === "" || data.trim() === "[DONE]") return [];
    const told = eventObject(data);
    const type = stringOf(told.type) ?? event;
    const delta = isObject(told.delta) ? told.delta : {};
    const message = isObject(delta.message) ? delta.message : {};
    if (type === "message-start") this.#id = stringOf(told.id) ?? this.#id;
    if (type === "content-start" || type === "content-delta") {
      return contentSteps(message.content, readLogprobs(told.logprobs));
    }
    if (type === "tool-plan-delta") return texts("text", message.tool_plan);
    if (type === "tool-call-start") return this.#openCall(callOf(message));
    if (type === "tool-call-delta") return this.#arguments(callOf(message));
    if (type === "tool-call-end") return this.#closeCall();
    if (type === "message-end") return this.#end(delta);
    // An error after the 200 is an error body, with or without a name for the event.
    const failed = type === "error" || (type === undefined && typeof told.message === "string");
    if (failed) throw new UpstreamStreamError(faultText(undefined));
    return [];
  }

  #openCall(call: JsonObject): StreamStep[] {
    const said = isObject(call.function) ? call.function : {};
    const id = stringOf(call.id) ?? "";
    const name = stringOf(said.name) ?? "";
    const index = this.#calls++;
    this.#wrote = false;
    return [{ type: "tool_start", choice: 0, index, id, name }, ...this.#arguments(call)];
  }

  #arguments(call: JsonObject): StreamStep[] {
    const text = isObject(call.function) ? stringOf(call.function.arguments) : undefined;
    if (!text || this.#calls === 0) return [];
    this.#wrote = true;
    return [{ type: "tool_arguments", choice: 0, index: this.#calls - 1, text }];
  }

  #closeCall(): StreamStep[] {
    if (this.#wrote || this.#calls === 0) return [];
    return [{ type: "tool_arguments", choice: 0, index: this.#calls - 1, text: "{}" }];
  }

  #end(delta: JsonObject): StreamStep[] {
    this.#usage = readUsage(delta.usage);
    const nativeFinish = stringOf(delta.finish_reason);
    const finish = finishOf(nativeFinish, this.#calls > 0);
    if (finish === "error") throw new UpstreamStreamError(faultText(nativeFinish));
    this.#ended = true;
    return [{ type: "finish", choice: 0, finish, nativeFinish, ...stoppedAt(nativeFinish) }];
  }
}

/** The call of an event: one at a time, though the member's name is plural. */
function callOf({ tool_calls: calls }: JsonObject): JsonObject {
  const call = Array.isArray(calls) ? calls[0] : calls;
  return isObject(call) ? call : {};
}

function contentSteps(content: Json | undefined, logprobs: JsonObject | undefined): StreamStep[] {
  const block = Array.isArray(content) ? content[0] : content;
  if (!isObject(block)) return [];
  const thought = texts("reasoning", block.thinking);
  if (logprobs === undefined) return [...thought, ...texts("text", block.text)];
  const text = stringOf(block.text) ?? "";
  return [...thought, { type: "text", choice: 0, text, logprobs }];
}

function texts(type: "text" | "reasoning", text: Json | undefined): StreamStep[] {
  return typeof text === "string" && text !== "" ? [{ type, choice: 0, text }] : [];
}
