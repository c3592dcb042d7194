import * as v from "valibot";

/** When a run ends: after a time, or after a count of requests. */
const until = v.union([
  v.strictObject({ seconds: v.number() }),
  v.strictObject({ requests: v.number() }),
]);

/** What the load generator is told to do; passed to its process as JSON. */
export const planSchema = v.strictObject({
  port: v.number(),
  path: v.string(),
  headers: v.record(v.string(), v.string()),
  body: v.string(),
  /** A stream is complete only when its last event is `data: [DONE]`. */
  stream: v.boolean(),
  connections: v.number(),
  until,
  /** Requests per second, sent whether or not earlier ones were answered. Absent: as fast as answers come. */
  rate: v.optional(v.number()),
  /** Connections that begin together, a moment after the ones before. Absent: all. */
  together: v.optional(v.number()),
});
export type Plan = v.InferOutput<typeof planSchema>;

const quantiles = v.strictObject({ p50: v.number(), p99: v.number(), p999: v.number() });
/** Milliseconds. */
export type Quantiles = v.InferOutput<typeof quantiles>;

/** What the load generator saw; printed by its process as JSON. */
export const outcomeSchema = v.strictObject({
  /** Answered 200 and complete. */
  ok: v.number(),
  /** Anything else: an HTTP status, `cut` for an answer that ended early, `unanswered`, `connect`. */
  failures: v.record(v.string(), v.number()),
  elapsedSeconds: v.number(),
  /** From sending to the last byte, of what was ok. Absent when nothing was. */
  total: v.optional(quantiles),
  /** From sending to the first byte of the body, of what was ok. Absent when not looked at. */
  firstByte: v.optional(quantiles),
});
export type Outcome = v.InferOutput<typeof outcomeSchema>;

/** Which answer the mock upstream gives; it reads this mark in the prompt. */
export type Shape =
  | { kind: "answer" }
  | { kind: "stream"; events: number }
  /** An event each so many milliseconds. */
  | { kind: "slow-stream"; events: number; paceMs: number };

const sentence = "The quick brown fox considers the lazy dog. ";

function markOf(shape: Shape): string {
  if (shape.kind === "answer") return "answer";
  if (shape.kind === "stream") return `stream:${shape.events};`;
  return `slow-stream:${shape.events}/${shape.paceMs};`;
}

/** One chat request of about 1 KB, or of so many bytes of text. */
export function chat(shape: Shape, bytes = 855): string {
  const mark = markOf(shape);
  return JSON.stringify({
    model: "openai/gpt-4o-mini",
    ...(shape.kind === "answer" ? {} : { stream: true }),
    max_tokens: 256,
    messages: [
      { role: "system", content: "You answer briefly." },
      {
        role: "user",
        content: `${mark} ${sentence.repeat(Math.ceil(bytes / sentence.length))}`,
      },
    ],
  });
}
