import { answerJson } from "#src/dialect/provider-json.ts";
import { answerToolName } from "#src/dialect/anthropic/anthropic-messages-tools.ts";
import { dialectId } from "#src/dialect/bedrock/bedrock-content.ts";
import { faultText, finishOf, readUsage, stoppedAt } from "#src/dialect/bedrock/bedrock-usage.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import type { AssistantPart, Reply } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A whole answer. Throws `UpstreamStreamError` when the body is none. The wire gives answers no id. */
export function readReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined } {
  const response = parsed(body);
  const message = isObject(response.output) ? response.output.message : undefined;
  if (!isObject(message) || !Array.isArray(message.content)) {
    throw new UpstreamStreamError("The provider answered with something that is no message");
  }
  const parts = unwrapAnswer(message.content.filter(isObject));
  const nativeFinish = stringOf(response.stopReason);
  const called = parts.some((part) => part.type === "tool_call");
  const finish = finishOf(nativeFinish, called);
  if (finish === "error") throw new UpstreamStreamError(faultText(nativeFinish));
  const choice = { index: 0, parts, finish, nativeFinish, ...stoppedAt(nativeFinish) };
  return { reply: { choices: [choice] }, usage: readUsage(response.usage) };
}

function parsed(body: Uint8Array): JsonObject {
  // Keeps integers beyond 2^53 in tool inputs, which are written out again as text.
  const value: Json = answerJson(decode(body), parseExact);
  if (isObject(value)) return value;
  throw new UpstreamStreamError("The provider answered with something that is no message");
}

/** Where the model answered through the stand-in tool, its input is the text and other text goes. */
function unwrapAnswer(blocks: JsonObject[]): AssistantPart[] {
  const answer = blocks.find(isAnswer);
  if (answer === undefined) return blocks.flatMap(readBlock);
  const rest = blocks.filter(
    (block) => block.text === undefined && (block === answer || !isAnswer(block)),
  );
  return rest.flatMap((block) => (block === answer ? [inputText(block)] : readBlock(block)));
}

function isAnswer({ toolUse }: JsonObject): boolean {
  return isObject(toolUse) && toolUse.name === answerToolName;
}

function inputText({ toolUse }: JsonObject): AssistantPart {
  const input = isObject(toolUse) ? toolUse.input : undefined;
  return { type: "text", text: JSON.stringify(input ?? {}) };
}

/** Blocks that no request of ours asks for have no canonical word and are left out. */
function readBlock({ text, toolUse, reasoningContent }: JsonObject): AssistantPart[] {
  if (typeof text === "string") return text === "" ? [] : [{ type: "text", text }];
  if (isObject(toolUse)) {
    const id = stringOf(toolUse.toolUseId) ?? "";
    const name = stringOf(toolUse.name) ?? "";
    return [{ type: "tool_call", id, name, arguments: JSON.stringify(toolUse.input ?? {}) }];
  }
  if (!isObject(reasoningContent)) return [];
  const carry = { [dialectId]: {} };
  const redacted = stringOf(reasoningContent.redactedContent);
  if (redacted !== undefined) return [{ type: "reasoning", text: "", redacted, carry }];
  const told = isObject(reasoningContent.reasoningText) ? reasoningContent.reasoningText : {};
  const signature = stringOf(told.signature);
  const said = stringOf(told.text) ?? "";
  return [{ type: "reasoning", text: said, ...(signature ? { signature } : {}), carry }];
}
