import { answerJson } from "#src/dialect/provider-json.ts";
import { withCitations } from "#src/dialect/anthropic/anthropic-messages-citations.ts";
import { dialectId } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import { answerToolName } from "#src/dialect/anthropic/anthropic-messages-tools.ts";
import {
  finishOf,
  readUsage,
  refusalText,
  stoppedAt,
} from "#src/dialect/anthropic/anthropic-messages-usage.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import type { AssistantPart, Reply } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A whole answer. Throws `UpstreamStreamError` when the body is none. */
export function readReply(body: Uint8Array): { reply: Reply; usage: Usage | undefined } {
  const message = parsed(body);
  if (message.type === "error" || isObject(message.error))
    throw new UpstreamStreamError(faultText(message));
  if (!Array.isArray(message.content)) {
    throw new UpstreamStreamError("The provider answered with something that is no message");
  }
  const parts = withCitations(unwrapAnswer(message.content.filter(isObject)));
  const explanation = refusalText(message.stop_details);
  if (explanation !== "") parts.push({ type: "refusal", text: explanation });
  const nativeFinish = stringOf(message.stop_reason);
  const called = parts.some((part) => part.type === "tool_call");
  const finish = finishOf(nativeFinish, called);
  const stop = stoppedAt(nativeFinish, message.stop_sequence);
  const choice = { index: 0, parts, finish, nativeFinish, ...stop };
  const id = stringOf(message.id);
  return {
    reply: { ...(id ? { id } : {}), choices: [choice] },
    usage: readUsage(message.usage),
  };
}

/** What went wrong by the error's type alone: its message may quote the prompt. */
export function faultText(event: JsonObject): string {
  const type = isObject(event.error) ? stringOf(event.error.type) : undefined;
  const known = type !== undefined && /^[a-z_]{1,64}$/.test(type);
  return `The provider ended its answer with ${known ? `"${type}"` : "an error"}`;
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
    (block) => block.type !== "text" && (block === answer || !isAnswer(block)),
  );
  return rest.flatMap((block) => (block === answer ? [textOf(block.input)] : readBlock(block)));
}

function isAnswer(block: JsonObject): boolean {
  return block.type === "tool_use" && block.name === answerToolName;
}

function textOf(input: Json | undefined): AssistantPart {
  return { type: "text", text: JSON.stringify(input ?? {}) };
}

/** Blocks of the provider's own tools have no canonical word and are left out. */
function readBlock(block: JsonObject): AssistantPart[] {
  if (block.type === "text") {
    const text = stringOf(block.text) ?? "";
    const carry = Array.isArray(block.citations) && { [dialectId]: { citations: block.citations } };
    return text === "" ? [] : [{ type: "text", text, ...(carry ? { carry } : {}) }];
  }
  if (block.type === "thinking") {
    const signature = stringOf(block.signature);
    const text = stringOf(block.thinking) ?? "";
    return [{ type: "reasoning", text, ...(signature ? { signature } : {}) }];
  }
  if (block.type === "redacted_thinking") {
    return [{ type: "reasoning", text: "", redacted: stringOf(block.data) ?? "" }];
  }
  if (block.type !== "tool_use") return [];
  const id = stringOf(block.id) ?? "";
  const name = stringOf(block.name) ?? "";
  return [{ type: "tool_call", id, name, arguments: JSON.stringify(block.input ?? {}) }];
}
