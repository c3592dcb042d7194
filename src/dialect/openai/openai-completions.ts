import type {
  ClientDialect,
  SpliceDialect,
  StreamHead,
  StreamWriter,
  Summary,
} from "#src/dialect/dialect.ts";
import {
  peekCompletions,
  readCompletionsRequest,
} from "#src/dialect/openai/openai-completions-request.ts";
import {
  completionsShape,
  done,
  event,
  failure,
  summaryEvent,
  usageEvent,
} from "#src/dialect/openai/openai-ending.ts";
import { writeOpenaiError } from "#src/dialect/openai/openai-errors.ts";
import { openaiSplice } from "#src/dialect/openai/openai-splice.ts";
import { writeUsage } from "#src/dialect/openai/openai-usage.ts";
import type { Reply, StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";

/** Text completions on both sides. */
export const openaiCompletionsSplice: SpliceDialect = openaiSplice(completionsShape);

/** Text completions as clients speak them. */
export const openaiCompletionsClient: ClientDialect = {
  id: "openai-completions",
  peek: peekCompletions,
  readRequest: readCompletionsRequest,
  writeReply,
  writeStream,
  writeError: writeOpenaiError,
};

const object = completionsShape.chunkObject;

function writeReply(reply: Reply, summary: Summary): Uint8Array<ArrayBuffer> {
  const { completionId: id, created, model, usage, block } = summary;
  const choices = reply.choices.map(({ index, parts, finish }) => ({
    text: parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
    index,
    logprobs: null,
    finish_reason: finish,
  }));
  const told = usage && writeUsage(usage, summary);
  return encode(
    JSON.stringify({ id, object, created, model, choices, usage: told, lowrouter: block }),
  );
}

/** This wire has no word for reasoning, refusals and calls: they are left out. */
function writeStream(head: StreamHead): StreamWriter {
  const finished = new Set<number>();
  const chunk = (index: number, text: string, finish: string | null): string => {
    const { completionId: id, created, model } = head;
    const choice = { text, index, logprobs: null, finish_reason: finish };
    return event({ id, object, created, model, choices: [choice] });
  };
  const write = (step: StreamStep): string => {
    if (finished.has(step.choice)) return "";
    if (step.type === "text") return chunk(step.choice, step.text, null);
    if (step.type !== "finish") return "";
    finished.add(step.choice);
    return chunk(step.choice, "", step.finish);
  };
  return {
    steps: (steps) => steps.map(write).join(""),
    end(summary) {
      const { usage } = summary;
      const told =
        head.includeUsage && usage !== undefined
          ? usageEvent(completionsShape, summary, JSON.stringify(writeUsage(usage, summary)))
          : "";
      return told + summaryEvent(completionsShape, summary) + done;
    },
    fail: (error, summary) => failure(completionsShape, head, error, summary),
  };
}
