import { dialectId } from "#src/dialect/gemini/gemini-content.ts";
import { listOf, memberOf } from "#src/dialect/gemini/gemini-client-names.ts";
import { refuse, userPart } from "#src/dialect/gemini/gemini-client-media.ts";
import type {
  AssistantPart,
  Carry,
  ImagePart,
  Message,
  TextPart,
  ToolCall,
  ToolResult,
  UserPart,
} from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** A conversation that is being read. */
interface Reading {
  messages: Message[];
  /** Calls so far, for ids where the client has none. */
  calls: number;
  /** Calls of the last turn of the model that have no result yet. */
  open: ToolCall[];
}

/**
 * Contents as messages. Neighbours of one role are one message: the official client keeps each piece of
 * a stream as a content of its own. Throws `invalid_value` for a result that answers no call.
 */
export function messagesOf(contents: Json | undefined, detail: string | undefined): Message[] {
  const reading: Reading = { messages: [], calls: 0, open: [] };
  for (const [index, content] of listOf(contents).entries()) {
    if (!isObject(content)) continue;
    const parts = listOf(content.parts).filter(isObject);
    const at = `contents[${index}].parts`;
    if (content.role === "model") readModel(parts, at, reading);
    else readUser(parts, at, reading, detail);
  }
  return reading.messages;
}

/** The instructions, part by part. */
export function systemOf(body: JsonObject): TextPart[] {
  const instruction = memberOf(body, "systemInstruction");
  if (!isObject(instruction)) return [];
  return listOf(instruction.parts).flatMap((part) => {
    const text = isObject(part) ? stringOf(part.text) : undefined;
    return text ? [{ type: "text" as const, text }] : [];
  });
}

function readModel(parts: JsonObject[], at: string, reading: Reading): void {
  const last = reading.messages.at(-1);
  const said: AssistantPart[] = last?.role === "assistant" ? last.content : [];
  if (last?.role !== "assistant") reading.open = [];
  for (const [index, part] of parts.entries()) {
    const read = modelPart(part, `${at}[${index}]`, reading);
    if (read) append(said, read);
  }
  if (last?.role !== "assistant" && said.length > 0)
    reading.messages.push({ role: "assistant", content: said });
}

/** Undefined for what the provider itself ran: only it knows what that means. */
function modelPart(part: JsonObject, at: string, reading: Reading): AssistantPart | undefined {
  const signature = memberOf(part, "thoughtSignature");
  const call = memberOf(part, "functionCall");
  if (isObject(call)) return callPart(call, signature, reading);
  const text = stringOf(part.text);
  if (text === undefined) {
    if (isObject(memberOf(part, "inlineData")) || isObject(memberOf(part, "fileData")))
      throw refuse(at, "a picture or file that a model made", "leave it out");
    return undefined;
  }
  const carry = carryOf({ thoughtSignature: signature });
  return { type: part.thought === true ? "reasoning" : "text", text, ...carry };
}

/** Pieces of one text become one again; a signature closes what it stands behind. */
function append(said: AssistantPart[], part: AssistantPart): void {
  const last = said.at(-1);
  const pieces =
    (part.type === "text" && last?.type === "text") ||
    (part.type === "reasoning" && last?.type === "reasoning");
  if (pieces && last.carry === undefined) {
    last.text += part.text;
    if (part.carry) last.carry = part.carry;
  } else if (!("text" in part) || part.text !== "" || ("carry" in part && part.carry)) {
    said.push(part);
  }
}

function callPart(
  call: JsonObject,
  thoughtSignature: Json | undefined,
  reading: Reading,
): ToolCall {
  const name = stringOf(call.name) ?? "";
  const given = stringOf(call.id) || undefined;
  // Parsed with raw large integers, so this writes them as they came.
  const args = JSON.stringify(call.args ?? {});
  const place = JSON.stringify([reading.calls++, name, args]);
  const id = given ?? `call_${sha256Hex(place).slice(0, 24)}`;
  const carry = carryOf({ thoughtSignature, id: given });
  const read: ToolCall = { type: "tool_call", id, name, arguments: args, ...carry };
  reading.open.push(read);
  return read;
}

/** Members as the upstream's half of this wire takes them back. */
function carryOf(members: Record<string, Json | undefined>): { carry?: Carry } {
  const told = Object.entries(members).filter(([, value]) => value !== undefined && value !== null);
  return told.length > 0 ? { carry: { [dialectId]: Object.fromEntries(told) } } : {};
}

function readUser(
  parts: JsonObject[],
  at: string,
  reading: Reading,
  detail: string | undefined,
): void {
  const results: ToolResult[] = [];
  const said: UserPart[] = [];
  for (const [index, part] of parts.entries()) {
    const path = `${at}[${index}]`;
    const response = memberOf(part, "functionResponse");
    if (isObject(response)) {
      results.push(resultOf(response, path, reading));
      continue;
    }
    const read = userPart(part, path, detail);
    if (read) said.push(read);
  }
  const { messages } = reading;
  const last = messages.at(-1);
  if (results.length > 0 && last?.role === "tool") last.results.push(...results);
  else if (results.length > 0) messages.push({ role: "tool", results });
  if (said.length === 0) return;
  const before = messages.at(-1);
  if (before?.role === "user") before.content.push(...said);
  else messages.push({ role: "user", content: said });
}

function resultOf(response: JsonObject, at: string, reading: Reading): ToolResult {
  const call = take(reading.open, stringOf(response.id), stringOf(response.name));
  if (call === undefined) {
    const param = `${at}.functionResponse`;
    throw new AppError(
      "invalid_value",
      `Cannot place "${param}": no call without a result before it has its id or its name`,
      { param },
    );
  }
  const { text, isError } = said(response.response);
  const content: ToolResult["content"] = text === "" ? [] : [{ type: "text", text }];
  for (const [index, part] of listOf(response.parts).filter(isObject).entries())
    content.push(picture(part, `${at}.functionResponse.parts[${index}]`));
  return { callId: call.id, content, ...(isError ? { isError } : {}) };
}

/** The call that a result answers: by its id, else the first one of its name. */
function take(
  open: ToolCall[],
  id: string | undefined,
  name: string | undefined,
): ToolCall | undefined {
  const byId = open.findIndex((call) => id !== undefined && call.id === id);
  const at = byId === -1 ? open.findIndex((call) => call.name === name) : byId;
  return at === -1 ? undefined : open.splice(at, 1)[0];
}

/** What a function said: the word of `output`, `result` or `error` where it is the only one, else all of it as JSON. */
function said(response: Json | undefined): { text: string; isError: boolean } {
  if (!isObject(response))
    return { text: response === undefined ? "" : textOf(response), isError: false };
  const given = Object.keys(response).filter((name) => response[name] !== undefined);
  const [only] = given;
  const isError =
    given.includes("error") &&
    response.error !== null &&
    !given.includes("output") &&
    !given.includes("result");
  if (given.length !== 1 || only === undefined || !["output", "result", "error"].includes(only))
    return { text: given.length === 0 ? "" : JSON.stringify(response), isError };
  return { text: textOf(response[only] ?? null), isError };
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function picture(part: JsonObject, at: string): ImagePart {
  const read = userPart(part, at, undefined);
  if (read?.type === "image") return read;
  throw refuse(at, "this kind of result", "send text or pictures");
}
