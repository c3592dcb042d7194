import type { Answer } from "#src/demo/answer.ts";
import type { Render } from "#src/demo/wire.ts";
import { fragmentsOf, piecesOf } from "#src/demo/words.ts";
import type { Ids } from "#src/lib/id.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** What all chunks of an answer share. */
export interface Frame {
  id: string;
  model: string;
  created: number;
  includeUsage: boolean;
  /** Told on the last chunk, asked for or not, as Mistral does. */
  usageOnLast?: boolean;
  /** How many choices, all of the same text. */
  choices: number;
}

const done = "data: [DONE]\n\n";
const sse = (value: JsonObject): string => `data: ${JSON.stringify(value)}\n\n`;
const errorEvent = sse({
  error: { message: "This failure is simulated", type: "server_error", param: null, code: null },
});
const finishes = {
  stop: "stop",
  stop_sequence: "stop",
  length: "length",
  tool_calls: "tool_calls",
} as const;

/** Writes an answer as a chat completion. */
export function chatRender(frame: Frame, ids: Ids): Render {
  const { id, model, created, includeUsage, usageOnLast, choices } = frame;
  const callsOf = (answer: Answer) =>
    answer.calls.map((call) => ({
      id: ids.next("call"),
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.arguments) },
    }));
  const shared = { id, object: "chat.completion.chunk", created, model };
  const tail = { service_tier: "default", system_fingerprint: "fp_simulated" };

  function choice(answer: Answer, index: number): JsonObject {
    const calls = callsOf(answer);
    const called = calls.length > 0;
    const content = called ? null : answer.text;
    const message = { role: "assistant", content, refusal: null, annotations: [] };
    return {
      index,
      message: called ? { ...message, tool_calls: calls } : message,
      logprobs: null,
      finish_reason: finishes[answer.ending],
    };
  }

  function deltas(answer: Answer): JsonObject[] {
    const calls = callsOf(answer).flatMap(({ function: called, ...call }, index) => [
      { tool_calls: [{ index, ...call, function: { name: called.name, arguments: "" } }] },
      ...fragmentsOf(called.arguments).map((piece) => ({
        tool_calls: [{ index, function: { arguments: piece } }],
      })),
    ]);
    const start = { role: "assistant", content: calls.length > 0 ? null : "", refusal: null };
    return [start, ...piecesOf(answer.text).map((content) => ({ content })), ...calls];
  }

  return {
    whole(answer, usage) {
      const all = Array.from({ length: choices }, (_, index) => choice(answer, index));
      const head = { id, object: "chat.completion", created, model, choices: all };
      return JSON.stringify({ ...head, ...(usage ? usageOf(answer, choices) : {}), ...tail });
    },
    events(answer, usage) {
      // Only the delta differs from chunk to chunk: the rest is written once, for this is what a benchmark waits for.
      const head = JSON.stringify({ ...shared, ...tail }).slice(0, -1);
      const end = includeUsage ? ',"usage":null}' : "}";
      const chunk = (index: number, delta: JsonObject, finish: string | null) =>
        `data: ${head},"choices":[{"index":${index},"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}]${end}\n\n`;
      const every = Array.from({ length: choices }, (_, index) => index);
      const counted = { ...shared, ...tail, choices: [], ...usageOf(answer, choices) };
      const finish = finishes[answer.ending];
      const told = usageOnLast && usage ? usageOf(answer, choices) : {};
      const last = (index: number) => ({ index, delta: { content: "" }, finish_reason: finish });
      return {
        body: deltas(answer).flatMap((delta) => every.map((index) => chunk(index, delta, null))),
        terminal: [
          ...every.map((index) =>
            usageOnLast
              ? sse({ ...shared, choices: [last(index)], ...told })
              : chunk(index, {}, finish),
          ),
          ...(includeUsage && usage ? [sse(counted)] : []),
          done,
        ],
      };
    },
    errorEvent,
  };
}

/** Writes an answer as a text completion. */
export function completionRender({ id, model, created, includeUsage, choices }: Frame): Render {
  const shared = { id, object: "text_completion", created, model };
  const choice = (index: number, text: string, finish: string | null) => ({
    text,
    index,
    logprobs: null,
    finish_reason: finish,
  });
  const every = Array.from({ length: choices }, (_, index) => index);
  return {
    whole(answer, usage) {
      const finish = finishes[answer.ending];
      const all = every.map((index) => choice(index, answer.text, finish));
      const counted = usage ? usageOf(answer, choices) : {};
      return JSON.stringify({ ...shared, choices: all, ...counted });
    },
    events(answer, usage) {
      const nothing = includeUsage ? { usage: null } : {};
      const chunk = (index: number, text: string, finish: string | null) =>
        sse({ ...shared, choices: [choice(index, text, finish)], ...nothing });
      const counted = { ...shared, choices: [], ...usageOf(answer, choices) };
      return {
        body: piecesOf(answer.text).flatMap((text) =>
          every.map((index) => chunk(index, text, null)),
        ),
        terminal: [
          ...every.map((index) => chunk(index, "", finishes[answer.ending])),
          ...(includeUsage && usage ? [sse(counted)] : []),
          done,
        ],
      };
    },
    errorEvent,
  };
}

function usageOf({ tokens }: Answer, choices: number): JsonObject {
  const completion = (tokens.visible + tokens.thinking) * choices;
  return {
    usage: {
      prompt_tokens: tokens.prompt,
      completion_tokens: completion,
      total_tokens: tokens.prompt + completion,
      prompt_tokens_details: { cached_tokens: tokens.cached, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: tokens.thinking * choices,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
  };
}
