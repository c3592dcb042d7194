import type { StreamHead, StreamWriter, Summary } from "#src/dialect/dialect.ts";
import { dialectId } from "#src/dialect/responses/responses-items.ts";
import { spacedNames } from "#src/dialect/responses/responses-namespaces.ts";
import { type OutputEvent, ResponsesOutput } from "#src/dialect/responses/responses-output.ts";
import { writeUsage } from "#src/dialect/responses/responses-usage.ts";
import type { AssistantPart, FinishReason, Reply, StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import type { AppError } from "#src/lib/error.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/** A canonical answer as a response. */
export function writeResponsesReply(reply: Reply, summary: Summary): Uint8Array<ArrayBuffer> {
  const output = new ResponsesOutput(summary.completionId, spacedNames(summary.asked));
  const [choice] = reply.choices;
  const steps = (choice?.parts ?? []).flatMap(stepsOf);
  // Those of a choice come together: they are told with its first text.
  const first = steps.find((step) => step.type === "text");
  if (first !== undefined) first.logprobs = choice?.logprobs;
  for (const step of steps) output.add(step);
  output.end(choice?.finish ?? "stop");
  return encode(JSON.stringify(finalResponse(output, summary)));
}

/** A part as the steps that tell it; calls are numbered by their place. */
function stepsOf(part: AssistantPart, index: number): StreamStep[] {
  if (part.type === "tool_call") {
    const { id, name, arguments: text } = part;
    return [
      { type: "tool_start", choice: 0, index, id, name },
      { type: "tool_arguments", choice: 0, index, text },
    ];
  }
  const { type, text } = part;
  if (type === "text") return [{ type, choice: 0, text, citations: part.citations }];
  if (type === "refusal") return [{ type, choice: 0, text }];
  const isOwn = part.carry === undefined || dialectId in part.carry;
  return [{ type, choice: 0, text, redacted: isOwn ? part.redacted : undefined }];
}

/** Canonical steps as the events of a response. */
export function writeResponsesStream(head: StreamHead): StreamWriter {
  return new ResponsesStreamWriter(head);
}

class ResponsesStreamWriter implements StreamWriter {
  readonly #head: StreamHead;
  readonly #output: ResponsesOutput;
  #number = 0;

  constructor(head: StreamHead) {
    this.#head = head;
    this.#output = new ResponsesOutput(head.completionId, spacedNames(head.asked));
  }

  steps(steps: StreamStep[]): string {
    let out = this.#begin();
    for (const step of steps) for (const event of this.#output.add(step)) out += this.#event(event);
    return out;
  }

  end(summary: Summary): string {
    let out = this.#begin();
    if (this.#output.finish === undefined)
      for (const event of this.#output.end("stop")) out += this.#event(event);
    const response = finalResponse(this.#output, summary);
    return out + this.#event({ type: `response.${response.status}`, response });
  }

  fail(error: AppError, summary: Summary): string {
    const out = this.#begin();
    const response = failedResponse(error, summary, this.#output.items);
    return out + this.#event({ type: "response.failed", response });
  }

  #begin(): string {
    if (this.#number > 0) return "";
    const response = responseOf(this.#head, { status: "in_progress", usage: null });
    return (
      this.#event({ type: "response.created", response }) +
      this.#event({ type: "response.in_progress", response })
    );
  }

  #event(event: OutputEvent | ResponseEvent): string {
    return writeEvent({ ...event, sequence_number: this.#number++ });
  }
}

/** An event that tells the response as a whole. */
interface ResponseEvent {
  type: string;
  response: object;
}

/** One event as it is sent: its name twice, as readers look for it in either place. */
export function writeEvent(event: { type: string; sequence_number: number }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** A response that could not be finished, without figures. What was done of its output is kept. */
export function failedResponse(error: AppError, summary: Summary, output: JsonObject[]): object {
  const { code, message } = error;
  const { eco: _figures, ...block } = summary.block;
  const failed = { status: "failed", error: { code, message }, output, usage: null };
  return { ...responseOf(summary, failed), lowrouter: block };
}

const reasons: Partial<Record<FinishReason, string>> = {
  length: "max_output_tokens",
  content_filter: "content_filter",
};

function finalResponse({ finish = "stop", items }: ResponsesOutput, summary: Summary) {
  const { usage, block } = summary;
  const reason = reasons[finish];
  const status = finish === "error" ? "failed" : reason === undefined ? "completed" : "incomplete";
  const error: Json =
    finish === "error"
      ? { code: "server_error", message: "The provider could not complete its answer" }
      : null;
  const said = {
    error,
    incomplete_details: reason === undefined ? null : { reason },
    output: items,
    usage: usage === undefined ? null : writeUsage(usage, summary),
  };
  return { ...responseOf(summary, said), status, lowrouter: block };
}

/** What a response repeats of its request. */
const repeated = [
  "instructions",
  "max_output_tokens",
  "metadata",
  "parallel_tool_calls",
  "reasoning",
  "service_tier",
  "temperature",
  "text",
  "tool_choice",
  "tools",
  "top_p",
  "truncation",
  "user",
] as const;

/**
 * A response with every member that clients look up without a guard, and what the request said. `store` is false
 * because nothing is kept here to continue from.
 */
function responseOf(
  {
    completionId,
    created,
    model,
    asked = {},
  }: Pick<Summary, "completionId" | "created" | "model" | "asked">,
  said: JsonObject,
): JsonObject {
  const told = repeated.flatMap((name) => {
    const value = asked[name];
    return value === undefined || value === null ? [] : [[name, value] as const];
  });
  return {
    id: completionId,
    object: "response",
    created_at: created,
    status: "in_progress",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: null,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: null,
    truncation: "disabled",
    ...Object.fromEntries(told),
    ...said,
  };
}
