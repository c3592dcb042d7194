import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { readUsage } from "#src/dialect/openai-usage.ts";
import type { AssistantPart, FinishReason, Reply } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const finishes: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  eos: "stop",
  end_turn: "stop",
  length: "length",
  model_length: "length",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
  sensitive: "content_filter",
};

/** A provider's word for the ending in our words; unknown words mean stop, failures mean error. */
export function finishOf(word: string): FinishReason {
  if (word === "error" || word === "network_error" || word === "insufficient_system_resource")
    return "error";
  return finishes[word] ?? "stop";
}

/** A whole chat completion in canonical form. */
export function readChatReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decode(body));
  } catch {
    throw new UpstreamStreamError("The upstream answered with something that is not JSON");
  }
  if (
    !isObject(parsed) ||
    (parsed.error !== undefined && parsed.error !== null) ||
    !Array.isArray(parsed.choices)
  ) {
    throw new UpstreamStreamError("The upstream answered with something that is not a completion");
  }
  const choices = parsed.choices.filter(isObject).map((choice, place) => {
    const word = stringOf(choice.finish_reason) ?? "stop";
    return {
      index: numberOf(choice.index) ?? place,
      parts: partsOf(isObject(choice.message) ? choice.message : {}),
      finish: finishOf(word),
      nativeFinish: word,
      logprobs: choice.logprobs ?? undefined,
    };
  });
  return { reply: { id: stringOf(parsed.id), choices }, usage: readUsage(parsed.usage, "") };
}

function partsOf(message: JsonObject): AssistantPart[] {
  const parts: AssistantPart[] = [];
  const reasoning =
    stringOf(message.reasoning_content) ??
    stringOf(message.reasoning) ??
    thinkingOf(message.content);
  if (reasoning) parts.push({ type: "reasoning", text: reasoning });
  const text = textOf(message.content);
  if (text) parts.push({ type: "text", text });
  const refusal = stringOf(message.refusal);
  if (refusal) parts.push({ type: "refusal", text: refusal });
  for (const call of Array.isArray(message.tool_calls) ? message.tool_calls : []) {
    if (!isObject(call) || !isObject(call.function)) continue;
    parts.push({
      type: "tool_call",
      id: stringOf(call.id) ?? "",
      name: stringOf(call.function.name) ?? "",
      arguments: stringOf(call.function.arguments) ?? "",
    });
  }
  return parts;
}

/** Text of a content that is a string, or parts of which some are text. */
export function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isObject(part) && part.type === "text" ? (stringOf(part.text) ?? "") : ""))
    .join("");
}

/** Reasoning of a content whose parts hold it, as Mistral writes it. */
export function thinkingOf(content: Json | undefined): string | undefined {
  if (!Array.isArray(content)) return undefined;
  return (
    content
      .map((part) =>
        isObject(part) && part.type === "thinking"
          ? (stringOf(part.thinking) ?? textOf(part.thinking))
          : "",
      )
      .join("") || undefined
  );
}
