import type { StreamHead, StreamWriter, Summary } from "#src/dialect/dialect.ts";
import { writeUsage } from "#src/dialect/openai-usage.ts";
import type { AssistantPart, Reply, StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import type { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** A canonical answer as a chat completion. */
export function writeChatReply(reply: Reply, summary: Summary): Uint8Array<ArrayBuffer> {
  return encode(
    JSON.stringify({
      id: summary.completionId,
      object: "chat.completion",
      created: summary.created,
      model: summary.model,
      choices: reply.choices.map((choice) => ({
        index: choice.index,
        message: messageOf(choice.parts),
        logprobs: choice.logprobs ?? null,
        finish_reason: choice.finish,
        ...(choice.nativeFinish === undefined ? {} : { native_finish_reason: choice.nativeFinish }),
      })),
      ...(summary.usage === undefined ? {} : { usage: writeUsage(summary.usage, summary) }),
      lowrouter: summary.block,
    }),
  );
}

function messageOf(parts: AssistantPart[]): JsonObject {
  const text = joined(parts, "text");
  const refusal = joined(parts, "refusal");
  const reasoning = joined(parts, "reasoning");
  const calls = parts.flatMap((part) =>
    part.type === "tool_call"
      ? [
          {
            id: part.id,
            type: "function",
            function: { name: part.name, arguments: part.arguments === "" ? "{}" : part.arguments },
          },
        ]
      : [],
  );
  const empty = text === "" && (calls.length > 0 || refusal !== "");
  return {
    role: "assistant",
    content: empty ? null : text,
    refusal: refusal === "" ? null : refusal,
    ...(reasoning === "" ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function joined(parts: AssistantPart[], type: "text" | "refusal" | "reasoning"): string {
  return parts.map((part) => (part.type === type ? part.text : "")).join("");
}

/** One event of an OpenAI-shaped stream. */
export function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** The terminal event. */
export const done = "data: [DONE]\n\n";

/** The chunk that carries the block: shaped so that a reader who takes it for a chunk of text comes to no harm. */
export function summaryEvent(summary: Summary): string {
  return event({
    id: summary.completionId,
    object: "lowrouter.summary",
    created: summary.created,
    model: summary.model,
    choices: [{ index: 0, delta: {}, finish_reason: null }],
    lowrouter: summary.block,
  });
}

/** Usage, error and summary at the end of a chat stream, and the terminal event. */
export function chatEnd(head: StreamHead, summary: Summary): string {
  const { usage } = summary;
  const asked =
    head.includeUsage && usage !== undefined
      ? event({
          id: summary.completionId,
          object: "chat.completion.chunk",
          created: summary.created,
          model: summary.model,
          choices: [],
          usage: writeUsage(usage, summary),
        })
      : "";
  return asked + summaryEvent(summary) + done;
}

/** An honest ending of a broken chat stream. */
export function chatFail(head: StreamHead, error: AppError, summary: Summary): string {
  const failed = event({
    id: summary.completionId,
    object: "chat.completion.chunk",
    created: head.created,
    model: head.model,
    provider: head.provider,
    error: { code: error.code, type: error.type, message: error.message },
    choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
  });
  return failed + summaryEvent(summary) + done;
}

/** Canonical steps as chat completion chunks. */
export function writeChatStream(head: StreamHead): StreamWriter {
  const begun = new Set<number>();
  const chunk = (
    choice: number,
    delta: JsonObject,
    finish: string | null,
    extra?: JsonObject,
  ): string =>
    event({
      id: head.completionId,
      object: "chat.completion.chunk",
      created: head.created,
      model: head.model,
      choices: [{ index: choice, delta, finish_reason: finish, ...extra }],
    });
  function begin(choice: number): string {
    if (begun.has(choice)) return "";
    begun.add(choice);
    return chunk(choice, { role: "assistant", content: "" }, null);
  }
  function write(step: StreamStep): string {
    const { choice } = step;
    switch (step.type) {
      case "text":
        return chunk(choice, { content: step.text }, null);
      case "reasoning":
        return step.text === "" ? "" : chunk(choice, { reasoning: step.text }, null);
      case "refusal":
        return chunk(choice, { refusal: step.text }, null);
      case "tool_start":
        return chunk(
          choice,
          {
            tool_calls: [
              {
                index: step.index,
                id: step.id,
                type: "function",
                function: { name: step.name, arguments: "" },
              },
            ],
          },
          null,
        );
      case "tool_arguments":
        return chunk(
          choice,
          { tool_calls: [{ index: step.index, function: { arguments: step.text } }] },
          null,
        );
      case "finish":
        return chunk(
          choice,
          {},
          step.finish,
          step.nativeFinish === undefined ? undefined : { native_finish_reason: step.nativeFinish },
        );
    }
  }
  return {
    steps: (steps) => steps.map((step) => begin(step.choice) + write(step)).join(""),
    end: (summary) => chatEnd(head, summary),
    fail: (error, summary) => chatFail(head, error, summary),
  };
}
