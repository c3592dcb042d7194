import type { StreamReader } from "#src/dialect/dialect.ts";
import { EventSteps } from "#src/dialect/event-steps.ts";
import {
  argumentsText,
  citationsOf,
  textOf,
  thinkingOf,
} from "#src/dialect/openai/openai-chat-parts.ts";
import { finishOf, madeCallId, stoppedAt } from "#src/dialect/openai/openai-chat-reply.ts";
import { failed, isFailure, readChunk } from "#src/dialect/openai/openai-chunk.ts";
import { findUsage } from "#src/dialect/openai/openai-usage.ts";
import { type SseEvent, SseParser } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { isObject, numberOf, stringOf, type JsonObject } from "#src/lib/json.ts";

/** Reads a chat completion stream into canonical steps. */
export function readChatStream(): StreamReader {
  return new ChatStreamReader();
}

/** A call that is being told. Its start is held back until the name is known. */
interface Call {
  id: string | undefined;
  /** The upstream's own id, where it gave one. */
  givenId: string | undefined;
  index: number;
  name: string;
  started: boolean;
  waiting: string;
}

interface Choice {
  /** Calls by the upstream's index. */
  calls: Map<number, Call>;
  count: number;
  finished: boolean;
}

class ChatStreamReader implements StreamReader {
  readonly #parser = new SseParser();
  readonly #steps = new EventSteps((event) => this.#event(event));
  readonly #choices = new Map<number, Choice>();
  #terminated = false;
  id: string | undefined;
  usage: Usage | undefined;

  get ended(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every(({ finished }) => finished);
  }

  get over(): boolean {
    return this.#terminated;
  }

  push(chunk: Uint8Array): StreamStep[] {
    return this.#steps.of(this.#parser.push(chunk));
  }

  finish(): StreamStep[] {
    return this.#steps.of(this.#parser.finish());
  }

  #event(event: SseEvent): StreamStep[] {
    if (this.#terminated) return [];
    if (event.data === "[DONE]") {
      this.#terminated = true;
      return [];
    }
    const chunk = readChunk(event);
    this.id ??= stringOf(chunk.id) || undefined;
    this.usage = findUsage(chunk) ?? this.usage;
    const choices = Array.isArray(chunk.choices) ? chunk.choices : [];
    return choices.filter(isObject).flatMap((choice) => this.#choice(choice));
  }

  #choice(raw: JsonObject): StreamStep[] {
    const choice = numberOf(raw.index) ?? 0;
    const state = this.#choices.get(choice) ?? { calls: new Map(), count: 0, finished: false };
    this.#choices.set(choice, state);
    if (isFailure(raw.finish_reason)) throw failed({});
    // What follows a finish has no place in the answer.
    if (state.finished) return [];
    const delta = isObject(raw.delta) ? raw.delta : {};
    const steps: StreamStep[] = [];
    const reasoning =
      stringOf(delta.reasoning_content) || stringOf(delta.reasoning) || thinkingOf(delta.content);
    if (reasoning) steps.push({ type: "reasoning", choice, text: reasoning });
    steps.push(...textSteps(raw, delta, choice));
    const refusal = stringOf(delta.refusal);
    if (refusal) steps.push({ type: "refusal", choice, text: refusal });
    const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls.filter(isObject) : [];
    // What a call was before there could be several.
    if (isObject(delta.function_call)) calls.push({ index: 0, function: delta.function_call });
    for (const [at, call] of calls.entries()) steps.push(...this.#call(choice, state, call, at));
    // Some servers write an empty one all along.
    const word = stringOf(raw.finish_reason) || undefined;
    if (word === undefined) return steps;
    state.finished = true;
    for (const call of state.calls.values())
      if (!call.started) steps.push(...this.#start(choice, call));
    const finish = finishOf(word, state.count > 0);
    return [...steps, { type: "finish", choice, finish, nativeFinish: word, ...stoppedAt(raw) }];
  }

  /** A new id or another name under an old index is a new call: some servers give every call the same index. */
  #call(choice: number, state: Choice, raw: JsonObject, at: number): StreamStep[] {
    const place = numberOf(raw.index) ?? at;
    const said = isObject(raw.function) ? raw.function : {};
    const id = stringOf(raw.id) || undefined;
    const name = stringOf(said.name) ?? "";
    const steps: StreamStep[] = [];
    let call = state.calls.get(place);
    if (call === undefined || isAnother(call, id, name)) {
      if (call && !call.started) steps.push(...this.#start(choice, call));
      call = { id, givenId: id, index: state.count++, name: "", started: false, waiting: "" };
      state.calls.set(place, call);
    }
    call.id ??= id;
    call.givenId ??= id;
    call.waiting += argumentsText(said.arguments);
    if (!call.started) {
      call.name = name;
      return call.name === "" ? steps : [...steps, ...this.#start(choice, call)];
    }
    return [...steps, ...told(choice, call)];
  }

  #start(choice: number, call: Call): StreamStep[] {
    call.started = true;
    call.id ??= madeCallId(this.id, choice, call.index);
    const { id, index, name } = call;
    return [{ type: "tool_start", choice, index, id, name }, ...told(choice, call)];
  }
}

function isAnother(call: Call, id: string | undefined, name: string): boolean {
  if (id !== undefined && call.givenId !== undefined) return id !== call.givenId;
  return id === undefined && call.started && name !== "" && name !== call.name;
}

/** Text of a chunk, with what was told about it; empty where that is all. */
function textSteps(raw: JsonObject, delta: JsonObject, choice: number): StreamStep[] {
  const text = textOf(delta.content);
  const citations = citationsOf(delta.annotations);
  const logprobs = isObject(raw.logprobs) ? raw.logprobs : undefined;
  if (text === "" && citations.length === 0 && logprobs === undefined) return [];
  const more = {
    ...(logprobs ? { logprobs } : {}),
    ...(citations.length > 0 ? { citations } : {}),
  };
  return [{ type: "text", choice, text, ...more }];
}

/** Arguments that wait to be told. */
function told(choice: number, call: Call): StreamStep[] {
  const { index, waiting: text } = call;
  call.waiting = "";
  return text === "" ? [] : [{ type: "tool_arguments", choice, index, text }];
}
