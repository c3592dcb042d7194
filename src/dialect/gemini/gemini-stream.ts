import { eventJson } from "#src/dialect/provider-json.ts";
import { BrokenAnswerError, UpstreamStreamError, type StreamReader } from "#src/dialect/dialect.ts";
import { EventSteps } from "#src/dialect/event-steps.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import { readGrounding } from "#src/dialect/gemini/gemini-grounding.ts";
import { readLogprobs } from "#src/dialect/gemini/gemini-logprobs.ts";
import { partsOf, readPart } from "#src/dialect/gemini/gemini-parts.ts";
import {
  blockReason,
  brokenText,
  faultText,
  finishOf,
  readUsage,
} from "#src/dialect/gemini/gemini-usage.ts";
import { SseParser, type SseEvent } from "#src/dialect/sse.ts";
import type { AssistantPart, StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

interface Candidate {
  calls: number;
  finished: boolean;
  /** Text so far, for citations are told by their place in it. */
  text: string;
}

/** Reads a streamGenerateContent stream into steps. It has no terminal event: every candidate must finish. */
export class GeminiStream implements StreamReader {
  #parser = new SseParser();
  #steps = new EventSteps((event) => this.#read(event));
  #candidates = new Map<number, Candidate>();
  #begun = false;
  #id: string | undefined;
  #usage: Usage | undefined;

  get id(): string | undefined {
    return this.#id;
  }
  get usage(): Usage | undefined {
    return this.#usage;
  }
  get ended(): boolean {
    if (this.#candidates.size === 0) return false;
    return [...this.#candidates.values()].every((candidate) => candidate.finished);
  }

  push(chunk: Uint8Array): StreamStep[] {
    this.#refusePlainJson(chunk);
    return this.#steps.of(this.#parser.push(chunk));
  }

  finish(): StreamStep[] {
    return this.#steps.of(this.#parser.finish());
  }

  /** An error may come as a bare JSON body, whose lines an event parser would skip in silence. */
  #refusePlainJson(chunk: Uint8Array): void {
    if (this.#begun) return;
    const first = chunk.find((byte) => byte > 0x20);
    if (first === undefined) return;
    this.#begun = true;
    if (first === 0x7b || first === 0x5b) {
      throw new UpstreamStreamError("The provider answered a stream request with plain JSON");
    }
  }

  #read({ data }: SseEvent): StreamStep[] {
    if (data.trim() === "" || data.trim() === "[DONE]") return [];
    const value = eventJson(data, parseExact);
    return (Array.isArray(value) ? value : [value]).flatMap((response) => {
      if (isObject(response)) return this.#respond(response, data);
      throw new UpstreamStreamError("The provider sent an event that is no answer");
    });
  }

  #respond(response: JsonObject, data: string): StreamStep[] {
    if (response.error) throw new UpstreamStreamError(faultText(response.error));
    this.#id ??= stringOf(response.responseId);
    // Counts are cumulative: the last word replaces the ones before.
    this.#usage = readUsage(response.usageMetadata) ?? this.#usage;
    const candidates = Array.isArray(response.candidates)
      ? response.candidates.filter(isObject)
      : [];
    const steps = candidates.flatMap((candidate, at) => this.#speak(candidate, at, data));
    const blocked = blockReason(response);
    return blocked === undefined ? steps : [...steps, ...this.#block(blocked)];
  }

  /** A blocked prompt has no candidate; the filter ends one, or those that had begun. */
  #block(nativeFinish: string): StreamStep[] {
    if (this.#candidates.size === 0) this.#candidates.set(0, begun());
    const open = [...this.#candidates].filter(([, candidate]) => !candidate.finished);
    return open.map(([choice, candidate]) => {
      candidate.finished = true;
      return { type: "finish", choice, finish: "content_filter", nativeFinish };
    });
  }

  #speak(candidate: JsonObject, at: number, data: string): StreamStep[] {
    const choice = numberOf(candidate.index) ?? at;
    const state = this.#candidates.get(choice) ?? begun();
    this.#candidates.set(choice, state);
    // What follows a finish is an empty text with a signature at most.
    if (state.finished) return [];
    const steps = partsOf(candidate).flatMap((part) => {
      const place = { seed: this.#id ?? data, candidate: choice, index: state.calls };
      const read = readPart(part, place);
      if (read?.type === "tool_call") state.calls++;
      if (read?.type === "text") state.text += read.text;
      return read ? stepsOf(read, choice, place.index) : [];
    });
    addLogprobs(steps, choice, readLogprobs(candidate.logprobsResult));
    const citations = readGrounding(candidate.groundingMetadata, state.text);
    if (citations.length > 0) steps.push({ type: "text", choice, text: "", citations });
    const nativeFinish = stringOf(candidate.finishReason);
    if (nativeFinish === undefined) return steps;
    const finish = finishOf(nativeFinish, state.calls > 0);
    // Another choice may still be good; a broken one alone is no answer.
    if (finish === "error" && this.#candidates.size === 1)
      throw new BrokenAnswerError(brokenText(nativeFinish));
    state.finished = true;
    return [...steps, { type: "finish", choice, finish, nativeFinish }];
  }
}

function begun(): Candidate {
  return { calls: 0, finished: false, text: "" };
}

/** Log probabilities go with the text that they are of. */
function addLogprobs(steps: StreamStep[], choice: number, logprobs: Json | undefined): void {
  if (logprobs === undefined) return;
  const text = steps.find((step) => step.type === "text");
  if (text === undefined) steps.push({ type: "text", choice, text: "", logprobs });
  else text.logprobs = logprobs;
}

function stepsOf(part: AssistantPart, choice: number, index: number): StreamStep[] {
  if (part.type !== "tool_call") return [{ type: part.type, choice, text: part.text }];
  const { id, name, carry } = part;
  return [
    { type: "tool_start", choice, index, id, name, ...(carry ? { carry } : {}) },
    { type: "tool_arguments", choice, index, text: part.arguments },
  ];
}
