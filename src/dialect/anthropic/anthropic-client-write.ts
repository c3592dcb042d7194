import type { ErrorReply, Summary } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import type {
  AssistantPart,
  Citation,
  FinishReason,
  Reply,
  ReplyChoice,
} from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** One named event of a stream. */
export function event(type: string, members: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

/** A canonical answer as a message. Throws `upstream_error` for one that the upstream itself calls broken. */
export function writeMessageReply(reply: Reply, summary: Summary): Uint8Array<ArrayBuffer> {
  const [choice] = reply.choices;
  const content = (choice?.parts ?? []).flatMap(blockOf);
  const message = {
    id: summary.completionId,
    type: "message",
    role: "assistant",
    model: summary.model,
    content,
    ...endingOf(choice ?? { finish: "stop" }),
    usage: writeUsage(summary.usage),
    lowrouter: summary.block,
  };
  return encode(JSON.stringify(message));
}

function blockOf(part: AssistantPart): JsonObject[] {
  if (part.type === "tool_call") {
    const { id, name } = part;
    return [{ type: "tool_use", id, name, input: inputOf(part.arguments) }];
  }
  if (part.type === "reasoning") {
    if (part.redacted !== undefined) return [{ type: "redacted_thinking", data: part.redacted }];
    const { text: thinking, signature = "" } = part;
    return thinking === "" && signature === "" ? [] : [{ type: "thinking", thinking, signature }];
  }
  if (part.text === "") return [];
  const pages = part.type === "text" ? (part.citations ?? []).map(citationOf) : [];
  return [{ type: "text", text: part.text, ...(pages.length > 0 ? { citations: pages } : {}) }];
}

/**
 * A page as a result of this wire's own search. The words that were found, and where they lie encrypted, are not known;
 * by the latter's being empty what we wrote is known again (see `isMadeCitation`).
 */
export function citationOf({ url, title }: Citation): JsonObject {
  const page = { type: "web_search_result_location", url, title: title ?? null };
  return { ...page, cited_text: "", encrypted_index: "" };
}

/** Whether we wrote a citation for an answer of another wire: a provider of this one would refuse it. */
export function isMadeCitation(citation: Json): boolean {
  return isObject(citation) && citation.encrypted_index === "";
}

/** Arguments as an object; what a model wrote in broken JSON has no place on this wire. */
function inputOf(words: string): JsonObject {
  try {
    const input = words.trim() === "" ? {} : parseExact(words);
    return isObject(input) ? input : {};
  } catch {
    // Cut off by the limit, or wrong: the stop reason tells the one, the tool's own checks the other.
    return {};
  }
}

const stopReasons = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
} as const;

/** How an answer ended: a stop sequence is told apart where it is known. Throws `upstream_error` for a broken one. */
export function endingOf({ finish, stopSequence }: Pick<ReplyChoice, "finish" | "stopSequence">): {
  stop_reason: string;
  stop_sequence: string | null;
} {
  if (finish === "stop" && stopSequence !== undefined)
    return { stop_reason: "stop_sequence", stop_sequence: stopSequence };
  return { stop_reason: stopReasonOf(finish), stop_sequence: null };
}

/** This wire's word for an ending. Throws `upstream_error` for a broken one, which it has no word for. */
function stopReasonOf(finish: FinishReason): string {
  if (finish !== "error") return stopReasons[finish];
  throw new AppError("upstream_error", "upstream request failed");
}

/** Token counts in this wire's words; none where nothing is known of them. */
export function writeUsage(usage: Usage | undefined): JsonObject {
  if (usage === undefined) return { input_tokens: 0, output_tokens: 0 };
  const { fresh, cacheRead, cacheWrite5m, cacheWrite1h } = usage.input;
  const { visible, reasoning } = usage.output;
  return {
    input_tokens: fresh,
    cache_creation_input_tokens: cacheWrite5m + cacheWrite1h,
    cache_read_input_tokens: cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWrite5m,
      ephemeral_1h_input_tokens: cacheWrite1h,
    },
    output_tokens: visible + reasoning,
    output_tokens_details: { thinking_tokens: reasoning },
  };
}

const errorTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

/** What an error's envelope holds. */
function envelopeOf({ code, status, message, detail }: AppError) {
  const other = status < 500 ? "invalid_request_error" : "api_error";
  // Official clients that keep their conversation in a thread go on without one when they are told so.
  const unthreaded = code === "unsupported_feature" && detail.param === "thread";
  const details = unthreaded ? { details: { error_code: "thread_unsupported_request" } } : {};
  return { error: { type: errorTypes[status] ?? other, message, ...details } };
}

/** An error in Anthropic's shape. */
export function writeMessageError(error: AppError): ErrorReply {
  return {
    status: error.status,
    body: encode(JSON.stringify({ type: "error", ...envelopeOf(error) })),
  };
}

/**
 * The honest ending of a broken stream. The error is the last event, as it is at Anthropic:
 * a `message_stop` behind it would tell those who read on that the message is whole.
 */
export function failure(error: AppError, { block }: Summary): string {
  const { eco: _figures, ...lowrouter } = block;
  return event("error", { ...envelopeOf(error), lowrouter });
}
