import type { Quirks } from "#src/dialect/openai/openai-quirks.ts";
import { edit, type Edits, elementsOf, valueIn } from "#src/dialect/splice.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A change of one value, in raw text. */
type Change = (raw: string) => string;

/** The messages as a provider takes them, in raw text, where that differs; and the names of what it cannot take. */
export function adaptMessages(
  messages: Json | undefined,
  quirks: Quirks,
  told: () => string | undefined,
): { raw?: string; dropped: string[] } {
  const given = Array.isArray(messages) ? messages : [];
  const dropped = new Set<string>();
  const changes = given.map((message) =>
    isObject(message) ? changeOf(message, quirks, dropped) : undefined,
  );
  const joined = joinsNeighbours(given, quirks);
  if (!joined && changes.every((change) => change === undefined)) return { dropped: [] };
  const text = told() ?? "[]";
  const raw = mapElements(text, (element, at) => changes[at]?.(element) ?? element);
  return { raw: joined ? settled(raw, given, quirks) : raw, dropped: [...dropped] };
}

/** An array, in raw text, with its elements changed. */
export function mapElements(raw: string, change: (element: string, index: number) => string) {
  let out = "";
  let at = 0;
  for (const [index, { start, end }] of elementsOf(raw, 0).entries()) {
    out += raw.slice(at, start) + change(raw.slice(start, end), index);
    at = end;
  }
  return out + raw.slice(at);
}

/** What one message needs; undefined where it can go as it is. */
function changeOf(message: JsonObject, quirks: Quirks, dropped: Set<string>): Change | undefined {
  const changes: Change[] = [];
  let set: Record<string, string | undefined> | undefined;
  if (message.role === "developer" && !quirks.developerRole) set = { role: '"system"' };
  for (const name in message) {
    if (name === "role" || isTaken(name, message.role, quirks)) continue;
    set ??= {};
    set[name] = undefined;
    if (!isIdle(message[name]) && name !== "cache_control") dropped.add(`messages.${name}`);
  }
  if (set !== undefined && "refusal" in set) keepRefusal(message, changes, dropped);
  if (quirks.reasoningBack !== "never") nameReasoning(message, changes);
  suitIds(message, quirks, changes);
  if (Array.isArray(message.content)) suitParts(message.content, message.role, quirks, changes);
  if (set !== undefined) changes.push(editing({ set }));
  if (changes.length === 0) return undefined;
  return (raw) => changes.reduce((text, change) => change(text), raw);
}

function editing(edits: Edits): Change {
  return (raw) => edit(raw, edits);
}

function isTaken(name: string, role: Json | undefined, quirks: Quirks): boolean {
  if (quirks.messageRefused.has(name)) return false;
  if (quirks.messageTaken === undefined) return true;
  const known = role === "developer" ? "system" : String(role);
  return quirks.messageTaken[known]?.has(name) ?? true;
}

/** Says nothing, so that nobody misses it: clients send answers back with all their empty members. */
function isIdle(value: Json | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** A refusal that has no member of its own is what the assistant said. */
function keepRefusal(message: JsonObject, changes: Change[], dropped: Set<string>): void {
  const { refusal, content, tool_calls: calls } = message;
  if (typeof refusal !== "string" || !isIdle(content) || !isIdle(calls)) return;
  dropped.delete("messages.refusal");
  changes.push((raw) => {
    const told = valueIn(raw, "refusal") ?? '""';
    return edit(raw, { set: { content: told }, add: { content: told } });
  });
}

/** Reasoning under the name that these providers read it back by. */
function nameReasoning(message: JsonObject, changes: Change[]): void {
  const { reasoning, reasoning_content: named } = message;
  if (message.role !== "assistant" || typeof reasoning !== "string" || !isIdle(named)) return;
  changes.push((raw) => {
    const told = valueIn(raw, "reasoning") ?? '""';
    const put = { reasoning_content: told };
    return edit(raw, { set: { ...put, reasoning: undefined }, add: put });
  });
}

/** Call and result get the same new id for one that does not suit; ids that do stay. */
function suitIds(message: JsonObject, { callIds }: Quirks, changes: Change[]): void {
  const { tool_call_id: id, tool_calls: calls } = message;
  const suited = typeof id === "string" ? suitedId(id, callIds) : undefined;
  if (suited !== undefined)
    changes.push((raw) => edit(raw, { set: { tool_call_id: JSON.stringify(suited) } }));
  if (!Array.isArray(calls)) return;
  const ids = calls.map((call) => {
    const given = isObject(call) ? call.id : undefined;
    return typeof given === "string" ? suitedId(given, callIds) : undefined;
  });
  if (ids.every((one) => one === undefined)) return;
  changes.push((raw) =>
    within(raw, "tool_calls", (call, at) => {
      const put = ids[at];
      return put === undefined ? call : edit(call, { set: { id: JSON.stringify(put) } });
    }),
  );
}

/** What stands for an id, always the same; undefined where it can stay. */
export function suitedId(id: string, callIds: Quirks["callIds"]): string | undefined {
  if (callIds === "nine")
    return /^[a-zA-Z0-9]{9}$/.test(id) ? undefined : sha256Hex(id).slice(0, 9);
  return id.length <= callIds ? undefined : `call_${sha256Hex(id).slice(0, 24)}`;
}

function suitParts(
  parts: Json[],
  role: Json | undefined,
  { cacheMarks, inlineImages }: Quirks,
  changes: Change[],
): void {
  if (inlineImages && parts.some(isRemotePicture)) {
    throw new AppError(
      "unsupported_feature",
      "Cannot send a picture by its address to this model: send its bytes as a data URI",
      { param: "messages" },
    );
  }
  if (cacheMarks === "unread" || cacheMarks === "cache_control") return;
  const foreign = cacheMarks === "refused" ? ["prompt_cache_breakpoint"] : [];
  const names = ["cache_control", ...foreign];
  if (!parts.some((part) => isObject(part) && names.some((name) => name in part))) return;
  const set = Object.fromEntries(names.map((name) => [name, undefined]));
  // An assistant's words cannot bear a breakpoint.
  const kept = cacheMarks === "prompt_cache_breakpoint" && role !== "assistant";
  const add = { prompt_cache_breakpoint: '{"mode":"explicit"}' };
  changes.push((raw) =>
    within(raw, "content", (element, at) => {
      const part = parts[at];
      if (!isObject(part)) return element;
      return edit(element, { set, add: kept && isObject(part.cache_control) ? add : {} });
    }),
  );
}

function isRemotePicture(part: Json): boolean {
  const image = isObject(part) && isObject(part.image_url) ? part.image_url : {};
  return typeof image.url === "string" && /^https?:/i.test(image.url);
}

/** An object with the elements of one of its arrays changed. */
function within(raw: string, name: string, change: (element: string, at: number) => string) {
  const told = valueIn(raw, name);
  if (told === undefined) return raw;
  return edit(raw, { set: { [name]: mapElements(told, change) } });
}

/** What stands in for an answer where there was none. */
const empty = '{"role":"assistant","content":"."}';

/** Whether messages beside one another do not suit the provider, whatever each of them says. */
function joinsNeighbours(given: Json[], { alternates, answerAfterTool }: Quirks): boolean {
  if (answerAfterTool && isBeginning(given.at(-1))) return true;
  return given.some((message, at) => {
    const before = roleOf(given[at - 1]);
    if (alternates && isSpoken(before) && roleOf(message) === before) return true;
    return answerAfterTool && before === "tool" && roleOf(message) === "user";
  });
}

function settled(raw: string, given: Json[], { alternates, answerAfterTool }: Quirks): string {
  const out: string[] = [];
  for (const [at, { start, end }] of elementsOf(raw, 0).entries()) {
    let message = raw.slice(start, end);
    const role = roleOf(given[at]);
    const before = roleOf(given[at - 1]);
    if (answerAfterTool && before === "tool" && role === "user") out.push(empty);
    if (answerAfterTool && at === given.length - 1 && isBeginning(given[at]))
      message = edit(message, { set: { prefix: "true" }, add: { prefix: "true" } });
    const last = out.at(-1);
    if (alternates && last !== undefined && isSpoken(role) && role === before)
      out[out.length - 1] = merged(last, message);
    else out.push(message);
  }
  return `[${out.join(",")}]`;
}

function roleOf(message: Json | undefined): string {
  return isObject(message) && typeof message.role === "string" ? message.role : "";
}

function isSpoken(role: string): boolean {
  return role === "user" || role === "assistant";
}

/** Words put into the assistant's mouth, for it to go on from. */
function isBeginning(message: Json | undefined): boolean {
  return roleOf(message) === "assistant" && isObject(message) && isIdle(message.tool_calls);
}

/** Two messages of one role as one: texts with a blank line between, else all parts. */
function merged(first: string, second: string): string {
  const [a, b] = [valueIn(first, "content") ?? "null", valueIn(second, "content") ?? "null"];
  if (b === "null") return first;
  const content =
    a.startsWith('"') && b.startsWith('"')
      ? `${a.slice(0, -1)}\\n\\n${b.slice(1)}`
      : `[${[...partsOf(a), ...partsOf(b)].join(",")}]`;
  return edit(first, { set: { content }, add: { content } });
}

function partsOf(content: string): string[] {
  if (content.startsWith('"')) return [`{"type":"text","text":${content}}`];
  if (!content.startsWith("[")) return [];
  return elementsOf(content, 0).map(({ start, end }) => content.slice(start, end));
}
