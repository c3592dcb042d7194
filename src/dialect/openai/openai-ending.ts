import type { DialectId, StreamHead, Summary } from "#src/dialect/dialect.ts";
import type { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** What differs between chat and text completions. */
export interface Shape {
  id: DialectId;
  path: string;
  chunkObject: string;
  /** What a choice of a chunk holds when it says nothing. */
  silence: JsonObject;
}

export const chatShape: Shape = {
  id: "openai-chat",
  path: "/chat/completions",
  chunkObject: "chat.completion.chunk",
  silence: { delta: {} },
};

export const completionsShape: Shape = {
  id: "openai-completions",
  path: "/completions",
  chunkObject: "text_completion",
  silence: { text: "", logprobs: null },
};

/** One event of an OpenAI-shaped stream. */
export function event(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** The terminal event. */
export const done = "data: [DONE]\n\n";

/** The chunk that tells the usage, given as JSON text, to those who asked. */
export function usageEvent(shape: Shape, summary: Summary, usage: string): string {
  const { completionId: id, created, model } = summary;
  const chunk = JSON.stringify({ id, object: shape.chunkObject, created, model, choices: [] });
  return `data: ${chunk.slice(0, -1)},"usage":${usage}}\n\n`;
}

/** The chunk that carries the block: a reader who takes it for a chunk of text comes to no harm. */
export function summaryEvent({ silence }: Shape, summary: Summary): string {
  return event({
    id: summary.completionId,
    object: "lowrouter.summary",
    created: summary.created,
    model: summary.model,
    choices: [{ index: 0, ...silence, finish_reason: null }],
    lowrouter: summary.block,
  });
}

/** An honest ending of a broken stream: error, a summary without figures, terminal event. */
export function failure(
  shape: Shape,
  head: StreamHead,
  { code, type, message }: AppError,
  summary: Summary,
): string {
  const said = "delta" in shape.silence ? { delta: { content: "" } } : shape.silence;
  const failed = event({
    id: summary.completionId,
    object: shape.chunkObject,
    created: summary.created,
    model: head.model,
    provider: head.provider,
    error: { code, type, message },
    choices: [{ index: 0, ...said, finish_reason: "error" }],
  });
  const { eco: _figures, ...block } = summary.block;
  return failed + summaryEvent(shape, { ...summary, block }) + done;
}
