import { readAnswer } from "#src/dialect/openai/openai-chunk.ts";
import { assistantParts, citationsOf } from "#src/dialect/openai/openai-chat-parts.ts";
import { findUsage } from "#src/dialect/openai/openai-usage.ts";
import type { FinishReason, Reply, ReplyChoice } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode, sha256Hex } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf, type JsonObject } from "#src/lib/json.ts";

const finishes: Readonly<Record<string, FinishReason>> = {
  length: "length",
  model_length: "length",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
  sensitive: "content_filter",
};

/** A provider's word for the ending in ours; words that we do not know mean stop. A call that was made wins over stop. */
export function finishOf(word: string | undefined, called: boolean): FinishReason {
  const finish = (word !== undefined && Object.hasOwn(finishes, word) && finishes[word]) || "stop";
  return finish === "stop" && called ? "tool_calls" : finish;
}

/** The stop sequence that ended a choice, where a server names it beside the ending as vLLM does. */
export function stoppedAt({ stop_reason: sequence }: JsonObject): { stopSequence?: string } {
  return typeof sequence === "string" ? { stopSequence: sequence } : {};
}

/** An id for a call that came without one: the same for the same place of the same answer. */
export function madeCallId(answerId: string | undefined, choice: number, index: number): string {
  return `call_${sha256Hex(JSON.stringify([answerId ?? "", choice, index])).slice(0, 24)}`;
}

/** A whole chat completion in canonical form. Throws `UpstreamStreamError` when it is none. */
export function readChatReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined } {
  const parsed = readAnswer(decode(body));
  const id = stringOf(parsed.id) || undefined;
  const choices = parsed.choices.filter(isObject).map((choice, place) => {
    return readChoice(choice, numberOf(choice.index) ?? place, id);
  });
  return { reply: { id, choices }, usage: findUsage(parsed) };
}

function readChoice(choice: JsonObject, index: number, id: string | undefined): ReplyChoice {
  const message = isObject(choice.message) ? choice.message : {};
  const parts = assistantParts(message);
  if (isObject(message.function_call)) {
    const { name, arguments: words } = message.function_call;
    const said = { name: stringOf(name) ?? "", arguments: stringOf(words) ?? "" };
    parts.push({ type: "tool_call", id: "", ...said });
  }
  const citations = citationsOf(message.annotations);
  const lastText = parts.findLast((part) => part.type === "text");
  if (lastText !== undefined && citations.length > 0) lastText.citations = citations;
  let calls = 0;
  for (const part of parts) {
    if (part.type !== "tool_call") continue;
    part.id ||= madeCallId(id, index, calls);
    calls++;
  }
  const nativeFinish = stringOf(choice.finish_reason);
  const logprobs = choice.logprobs ?? undefined;
  const finish = finishOf(nativeFinish, calls > 0);
  return { index, parts, finish, nativeFinish, ...stoppedAt(choice), logprobs };
}
