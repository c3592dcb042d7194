import { answerJson } from "#src/dialect/provider-json.ts";
import { dialectId } from "#src/dialect/cohere/cohere-messages.ts";
import {
  faultText,
  finishOf,
  readLogprobs,
  readUsage,
  stoppedAt,
} from "#src/dialect/cohere/cohere-usage.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import type { AssistantPart, Reply } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A whole answer. Throws `UpstreamStreamError` when the body is none, or says that the model failed. */
export function readReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined } {
  const response = parsed(body);
  const { message } = response;
  if (!isObject(message)) {
    throw new UpstreamStreamError("The provider answered with something that is no message");
  }
  const nativeFinish = stringOf(response.finish_reason);
  const parts = [...contentParts(message.content), ...planParts(message), ...callParts(message)];
  const called = parts.some((part) => part.type === "tool_call");
  const finish = finishOf(nativeFinish, called);
  // Nothing was sent to the client yet: another endpoint may do better.
  if (finish === "error") throw new UpstreamStreamError(faultText(nativeFinish));
  const logprobs = readLogprobs(response.logprobs);
  const choice = {
    index: 0,
    parts,
    finish,
    nativeFinish,
    ...stoppedAt(nativeFinish),
    ...(logprobs ? { logprobs } : {}),
  };
  const id = stringOf(response.id);
  return { reply: { ...(id ? { id } : {}), choices: [choice] }, usage: readUsage(response.usage) };
}

function parsed(body: Uint8Array): JsonObject {
  const value: Json = answerJson(decode(body), parseExact);
  if (isObject(value)) return value;
  throw new UpstreamStreamError("The provider answered with something that is no message");
}

function contentParts(content: Json | undefined): AssistantPart[] {
  if (typeof content === "string") return textParts(content);
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).flatMap((block): AssistantPart[] => {
    if (block.type === "text") return textParts(block.text);
    if (block.type !== "thinking") return [];
    const text = stringOf(block.thinking) ?? "";
    return text === "" ? [] : [{ type: "reasoning", text, carry: { [dialectId]: {} } }];
  });
}

/** What the model says ahead of its calls. */
function planParts(message: JsonObject): AssistantPart[] {
  return textParts(message.tool_plan);
}

function textParts(text: Json | undefined): AssistantPart[] {
  return typeof text === "string" && text !== "" ? [{ type: "text", text }] : [];
}

function callParts({ tool_calls: calls }: JsonObject): AssistantPart[] {
  if (!Array.isArray(calls)) return [];
  return calls.filter(isObject).map((call) => {
    const said = isObject(call.function) ? call.function : {};
    const id = stringOf(call.id) ?? "";
    const name = stringOf(said.name) ?? "";
    return { type: "tool_call", id, name, arguments: stringOf(said.arguments) || "{}" };
  });
}
