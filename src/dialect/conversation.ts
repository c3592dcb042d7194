import { tooDeep } from "#src/dialect/splice.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import type {
  AssistantPart,
  Message,
  ReasoningPart,
  TextPart,
  ToolCall,
  ToolResult,
  Turn,
  UserPart,
} from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A conversation as wires with two strictly alternating roles take it. */
export interface Conversation {
  system: TextPart[];
  /** User and assistant by turns, beginning with the user; no entry and no text is empty. */
  entries: Entry[];
}
export type Entry = UserEntry | AssistantEntry;
export interface UserEntry {
  role: "user";
  /** Results of the calls in the entry before, all of them, in the order of the calls. */
  results: AnsweredCall[];
  parts: UserPart[];
  /** An instruction that follows, for a wire that takes one after the user. */
  instruction?: TextPart[];
}
export interface AssistantEntry {
  role: "assistant";
  parts: SaidPart[];
}
export type SaidPart = TextPart | ToolCall | ReasoningPart;
/** A call with its result. The call carries the id for the wire, `result.callId` the client's. */
export interface AnsweredCall {
  call: ToolCall;
  result: ToolResult;
}

interface UserDraft {
  role: "user";
  results: ToolResult[];
  parts: UserPart[];
  instruction?: TextPart[];
}

export interface Arrangement {
  /** The wire takes later instructions as what they are, where they follow the user and nothing of the user follows them. */
  instructsAmid: boolean;
}
type Draft = UserDraft | AssistantEntry;

/**
 * Arranges a turn's messages for a wire with alternating roles: leading system text apart, later
 * system text wrapped in place, neighbours of one role merged, every call paired with its result.
 * Throws `invalid_value` for a result that answers no call.
 */
export function arrange(
  turn: Turn,
  keep: (part: ReasoningPart) => boolean,
  { instructsAmid }: Arrangement = { instructsAmid: false },
): Conversation {
  const first = turn.messages.findIndex((message) => message.role !== "system");
  const split = first === -1 ? turn.messages.length : first;
  const leading = turn.messages.slice(0, split).flatMap(systemParts);
  const system = [...turn.system, ...leading].filter(isSaid);
  const drafts: Draft[] = [];
  for (const message of turn.messages.slice(split)) append(drafts, message, keep, instructsAmid);
  if (drafts.length === 0 && system.length === 0) {
    throw new AppError("invalid_value", "Cannot send a conversation without any content", {
      param: "messages",
    });
  }
  if (drafts.length === 0) {
    return { system: [], entries: [{ role: "user", results: [], parts: system }] };
  }
  if (drafts[0]?.role === "assistant") {
    drafts.unshift({ role: "user", results: [], parts: [{ type: "text", text: "." }] });
  }
  return { system, entries: pair(drafts) };
}

/** Arguments of a call as an object for wires that want one; "" means none. Throws `invalid_value`. */
export function argumentsObject(call: ToolCall): JsonObject {
  const text = call.arguments.trim();
  if (text === "" || text === "null") return {};
  const value = parsed(text);
  if (isObject(value)) return value;
  throw new AppError(
    "invalid_value",
    "Cannot send the arguments of a tool call: they are not a JSON object",
    { param: "messages" },
  );
}

function parsed(text: string): Json | undefined {
  if (tooDeep(text)) return undefined;
  try {
    return parseExact(text);
  } catch {
    // Undefined is refused by the caller, which knows the call's id.
    return undefined;
  }
}

function systemParts(message: Message): TextPart[] {
  return message.role === "system" ? message.content : [];
}

function isSaid(part: { type: string; text?: string }): boolean {
  return part.type !== "text" || (part.text ?? "").trim() !== "";
}

function append(
  drafts: Draft[],
  message: Message,
  keep: (part: ReasoningPart) => boolean,
  instructsAmid: boolean,
): void {
  if (message.role === "assistant") {
    const parts = message.content.flatMap((part) => said(part, keep));
    const last = drafts.at(-1);
    if (parts.length === 0) return;
    if (last?.role === "assistant") last.parts.push(...parts);
    else drafts.push({ role: "assistant", parts });
    return;
  }
  if (message.role === "tool") {
    if (message.results.length > 0) userDraft(drafts).results.push(...message.results);
    return;
  }
  const last = drafts.at(-1);
  if (message.role === "system" && instructsAmid && last?.role === "user") {
    const said = message.content.filter(isSaid);
    if (said.length > 0) last.instruction = [...(last.instruction ?? []), ...said];
    return;
  }
  const parts =
    message.role === "system" ? wrapped(message.content) : message.content.filter(isSaid);
  if (parts.length > 0) userDraft(drafts).parts.push(...parts);
}

/** The turn of the user that is being told. An instruction amid it stays where it was, as the user's words. */
function userDraft(drafts: Draft[]): UserDraft {
  const last = drafts.at(-1);
  if (last?.role === "user") {
    if (last.instruction) last.parts.push(...wrapped(last.instruction));
    delete last.instruction;
    return last;
  }
  const draft: UserDraft = { role: "user", results: [], parts: [] };
  drafts.push(draft);
  return draft;
}

function said(part: AssistantPart, keep: (part: ReasoningPart) => boolean): SaidPart[] {
  if (part.type === "tool_call") return [part];
  if (part.type === "reasoning") return keep(part) ? [part] : [];
  const text: TextPart = part.type === "text" ? part : { type: "text", text: part.text };
  return isSaid(text) ? [text] : [];
}

function wrapped(parts: TextPart[]): TextPart[] {
  const said = parts.filter(isSaid);
  const text = said.map((part) => part.text).join("\n\n");
  if (text === "") return [];
  const carry = said.findLast((part) => part.carry !== undefined)?.carry;
  return [{ type: "text", text: `<system>\n${text}\n</system>`, ...(carry ? { carry } : {}) }];
}

function pair(drafts: Draft[]): Entry[] {
  const used = new Set<string>();
  const entries: Entry[] = [];
  let open: ToolCall[] = [];
  let ids: string[] = [];
  for (const draft of drafts) {
    if (draft.role === "user") {
      entries.push({
        role: "user",
        results: answered(open, ids, draft.results),
        parts: draft.parts,
        ...(draft.instruction ? { instruction: draft.instruction } : {}),
      });
      open = [];
      ids = [];
      continue;
    }
    const parts = draft.parts.map((part) =>
      part.type === "tool_call" ? { ...part, id: wireId(part.id, used) } : part,
    );
    open = parts.filter((part) => part.type === "tool_call");
    ids = draft.parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []));
    entries.push({ role: "assistant", parts });
  }
  if (open.length > 0) entries.push({ role: "user", results: answered(open, ids, []), parts: [] });
  return entries;
}

function answered(calls: ToolCall[], ids: string[], results: ToolResult[]): AnsweredCall[] {
  const left = Map.groupBy(results, ({ callId }) => callId);
  const answers = calls.map((call, index): AnsweredCall => {
    const callId = ids[index] ?? call.id;
    return { call, result: left.get(callId)?.shift() ?? unrecorded(callId) };
  });
  const stray = results.find(({ callId }) => (left.get(callId)?.length ?? 0) > 0);
  if (stray === undefined) return answers;
  throw misplaced(ids.includes(stray.callId));
}

/** The refusal of a result that answers no call, or one that has its result. */
export function misplaced(isAgain: boolean): AppError {
  const why = isAgain
    ? "the call already has a result"
    : "the assistant message before it made no such call";
  return new AppError("invalid_value", `Cannot place a tool result: ${why}`, {
    param: "messages",
  });
}

/** What stands in for a result that is missing. */
export function unrecorded(callId: string): ToolResult {
  const text = "No output was recorded for this call";
  return { callId, content: [{ type: "text", text }], isError: true };
}

/** Ids are unique over a conversation and of letters, digits, `_` and `-`; others are replaced alike each time. */
function wireId(id: string, used: Set<string>): string {
  const plain = /^[a-zA-Z0-9_-]{1,128}$/.test(id) ? id : `call_${sha256Hex(id).slice(0, 24)}`;
  let unique = plain;
  for (let count = 2; used.has(unique); count++) unique = `${plain}_${count}`;
  used.add(unique);
  return unique;
}

/**
 * Models with effort levels refuse a conversation that ends with the assistant, so they get a user
 * turn; older ones continue the text, which must not end in white space. Tells whether they do.
 */
export function settleEnding(entries: Entry[], hasEfforts: boolean): boolean {
  const last = entries.at(-1);
  if (last?.role !== "assistant") return false;
  if (hasEfforts) {
    entries.push({ role: "user", results: [], parts: [{ type: "text", text: "Continue" }] });
    return false;
  }
  const text = last.parts.at(-1);
  if (text?.type === "text") last.parts.splice(-1, 1, { ...text, text: text.text.trimEnd() });
  return true;
}

/** Whether the conversation ends in results of calls that no signed reasoning led to. */
export function endsInUnsignedLoop(entries: readonly Entry[]): boolean {
  const last = entries.at(-1);
  const before = entries.at(-2);
  if (last?.role !== "user" || last.results.length === 0 || before?.role !== "assistant")
    return false;
  return before.parts[0]?.type !== "reasoning";
}
