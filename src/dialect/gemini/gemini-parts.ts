import { dialectId } from "#src/dialect/gemini/gemini-content.ts";
import type { AssistantPart, Carry, ToolCall } from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Where a call stands, for an id where the upstream gives none. */
export interface CallPlace {
  /** The id of the answer, or its text where it has none. */
  seed: string;
  candidate: number;
  /** Counts the calls of the candidate from 0. */
  index: number;
}

/** The parts of a candidate, which may lack them. */
export function partsOf(candidate: JsonObject): JsonObject[] {
  const content = isObject(candidate.content) ? candidate.content : {};
  return Array.isArray(content.parts) ? content.parts.filter(isObject) : [];
}

/** One part in canonical form; undefined for empty text and for kinds without a canonical word. */
export function readPart(part: JsonObject, place: CallPlace): AssistantPart | undefined {
  if (isObject(part.functionCall)) return readCall(part.functionCall, part.thoughtSignature, place);
  const text = stringOf(part.text) ?? "";
  if (text === "") return undefined;
  const carry = carryOf({ thoughtSignature: part.thoughtSignature });
  return { type: part.thought === true ? "reasoning" : "text", text, ...carry };
}

function readCall(
  call: JsonObject,
  thoughtSignature: Json | undefined,
  place: CallPlace,
): ToolCall {
  const name = stringOf(call.name) ?? "";
  const id = stringOf(call.id) || undefined;
  return {
    type: "tool_call",
    id: id ?? madeId(place, name),
    name,
    // Parsed with raw large integers, so this writes them as they came.
    arguments: JSON.stringify(call.args ?? {}),
    ...carryOf({ thoughtSignature, id }),
  };
}

function carryOf(members: JsonObject): { carry?: Carry } {
  const told = Object.entries(members).filter(([, value]) => value !== undefined && value !== null);
  return told.length > 0 ? { carry: { [dialectId]: Object.fromEntries(told) } } : {};
}

/** The same call always gets the same id, and calls of different answers get different ones. */
function madeId({ seed, candidate, index }: CallPlace, name: string): string {
  return `call_${sha256Hex(JSON.stringify([seed, candidate, index, name])).slice(0, 24)}`;
}
