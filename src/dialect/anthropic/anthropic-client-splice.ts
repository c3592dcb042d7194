import { answerJson } from "#src/dialect/provider-json.ts";
import {
  asUserSays,
  clearsThinking,
  isInstruction,
  suitThinking,
  withoutClearing,
  withoutEffort,
} from "#src/dialect/anthropic/anthropic-client-suit.ts";
import { isMadeCitation, writeUsage } from "#src/dialect/anthropic/anthropic-client-write.ts";
import { faultText } from "#src/dialect/anthropic/anthropic-messages-reply.ts";
import { readUsage } from "#src/dialect/anthropic/anthropic-messages-usage.ts";
import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import {
  type Ask,
  type MeteredReply,
  type Summary,
  type Target,
  type UpstreamRequest,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import { RawAnswer, withMembers } from "#src/dialect/raw-answer.ts";
import { editedRequest } from "#src/dialect/edited.ts";
import { rawJson, rawOf } from "#src/dialect/raw-text.ts";
import { edit, elementsOf, lastOf, type Member, membersOf, valueIn } from "#src/dialect/splice.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { type Payload } from "#src/lib/bytes.ts";
import type { UpstreamBody } from "#src/lib/raw-pieces.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

type Put = Record<string, string | undefined>;

/** The client's body with the model replaced, and without what is not for this upstream; all else keeps its bytes. */
export function retargetMessages(body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const dropped = target.samplingParams ? [] : refusedSampling(ask.parsed);
  const set: Put = Object.fromEntries(dropped.map(({ name }) => [name, undefined]));
  for (const name of suit(body, ask, target, set)) dropped.push({ name, matters: true });
  if (ask.withoutProof && hasForeign(ask.parsed.messages, isThinking))
    dropped.push({ name: "signature", matters: true });
  const written = retarget(body, ask, target, set, target.overrides ?? {});
  return {
    path: "/messages",
    body: written,
    dropped: dropped.flatMap(({ name, matters }) => (matters ? [name] : [])),
  };
}

/** Puts thinking, effort and what depends on them as the model takes them. Returns what is lost by that. */
function suit(body: Uint8Array, ask: Ask, target: Target, set: Put): string[] {
  const { parsed } = ask;
  const suited = suitThinking(parsed, target);
  const { thinking = parsed.thinking } = suited;
  const unled =
    isObject(thinking) &&
    thinking.type === "enabled" &&
    endsInUnsignedLoop(parsed.messages, foreignTo(ask));
  if (suited.thinking !== undefined) set.thinking = rawJson(suited.thinking);
  if (suited.isLeftOut || unled) set.thinking = undefined;
  const clears = (suited.isLeftOut || unled) && clearsThinking(parsed);
  if (clears || suited.withoutEffort) {
    const raw = rawOf(body, ask);
    for (const { key, valueStart, end } of membersOf(raw)) {
      const told = raw.slice(valueStart, end);
      if (clears && key === "context_management") set[key] = withoutClearing(told, parsed);
      if (suited.withoutEffort && key === "output_config") set[key] = withoutEffort(told, parsed);
    }
  }
  return unled ? ["thinking", ...suited.dropped] : suited.dropped;
}

/** Members that counting does not know, and refuses. */
const answerMembers = [
  "max_tokens",
  "stream",
  "temperature",
  "top_p",
  "top_k",
  "stop_sequences",
  "metadata",
  "service_tier",
];

/** The same as a question for the number of its tokens. */
export function retargetCount(body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const given = answerMembers.filter((name) => name in ask.parsed);
  const set: Put = Object.fromEntries(given.map((name) => [name, undefined]));
  suit(body, ask, target, set);
  const written = retarget(body, ask, target, set, {});
  const path = "/messages/count_tokens";
  return { path, body: written, dropped: [] };
}

function retarget(
  body: Uint8Array,
  ask: Ask,
  target: Target,
  set: Put,
  overrides: JsonObject,
): UpstreamBody {
  const { ascii, parsed } = ask;
  const raw = rawOf(body, ask);
  const add: Record<string, string> = { model: rawJson(target.model) };
  set.model = add.model;
  for (const name of [...gatewayMembers, "user"]) if (name in parsed) set[name] = undefined;
  // Members are looked up only where one has to be changed from within.
  let members: Member[] | undefined;
  const member = (name: string): string | undefined => {
    members ??= membersOf(raw);
    return valueIn(raw, name, members);
  };
  const isForeign = foreignTo(ask);
  const told = target.instructsAmid !== true && hasInstruction(parsed.messages);
  if (told || hasForeign(parsed.messages, isForeign))
    set.messages = withoutForeign(parsed, member("messages") ?? "", isForeign, target);
  for (const [name, value] of Object.entries(overrides)) {
    const old = isObject(value) ? member(name) : undefined;
    set[name] = add[name] = isObject(value) ? withMembers(old, value) : rawJson(value ?? null);
  }
  return editedRequest(raw, { set, add }, ascii !== undefined);
}

/** What models without sampling parameters refuse; it matters where it asks for more than the default. */
function refusedSampling(body: JsonObject): { name: string; matters: boolean }[] {
  return ["temperature", "top_p", "top_k"].flatMap((name) => {
    const value = body[name];
    if (value === undefined) return [];
    return [{ name, matters: value !== null && (value !== 1 || name === "top_k") }];
  });
}

type IsForeign = (block: Json) => boolean;

/** Tells the thinking that would be refused: what no Claude signed, or all, once a host refused what another signed. */
function foreignTo({ withoutProof }: Ask): IsForeign {
  return withoutProof ? isThinking : isUnsigned;
}

/** Whether such thinking is in the conversation, or citations of ours: they would be refused. */
function hasForeign(messages: Json | undefined, isForeign: IsForeign): boolean {
  const goes = (block: Json) => isForeign(block) || isCitedByUs(block);
  return Array.isArray(messages) && messages.some((message) => blocksOf(message).some(goes));
}

function hasInstruction(messages: Json | undefined): boolean {
  return Array.isArray(messages) && messages.some(isInstruction);
}

function isThinking(block: Json): boolean {
  return isObject(block) && (block.type === "thinking" || block.type === "redacted_thinking");
}

function isCitedByUs(block: Json): boolean {
  return isObject(block) && Array.isArray(block.citations) && block.citations.some(isMadeCitation);
}

/** Whether the last message answers calls that no signed thinking led to: thinking on would then be refused. */
function endsInUnsignedLoop(messages: Json | undefined, isForeign: IsForeign): boolean {
  if (!Array.isArray(messages)) return false;
  const turns = messages.filter((message) => !isInstruction(message));
  const answers = blocksOf(turns.at(-1)).some(
    (block) => isObject(block) && block.type === "tool_result",
  );
  const first = blocksOf(turns.at(-2)).find((block) => !isForeign(block));
  return answers && (first === undefined || !isThinking(first));
}

function blocksOf(message: Json | undefined): Json[] {
  return isObject(message) && Array.isArray(message.content) ? message.content : [];
}

function isUnsigned(block: Json): boolean {
  return isObject(block) && block.type === "thinking" && !block.signature;
}

/**
 * The messages, in raw text, without foreign thinking, what it leaves empty, and citations that we wrote; instructions
 * amid them as the user's words, where the model takes none.
 */
function withoutForeign(
  { messages }: JsonObject,
  raw: string,
  isForeign: IsForeign,
  { instructsAmid }: Target,
): string {
  const given = Array.isArray(messages) ? messages : [];
  const kept = elementsOf(raw, 0).flatMap(({ start, end }, index) => {
    const text = raw.slice(start, end);
    const message = given[index];
    if (instructsAmid !== true && isObject(message) && isInstruction(message))
      return asUserSays(text, message);
    const blocks = blocksOf(message);
    if (!blocks.some((block) => isForeign(block) || isCitedByUs(block))) return [text];
    if (blocks.every(isForeign)) return [];
    const member = lastOf(membersOf(text), "content");
    if (member === undefined) return [text];
    const content = text.slice(member.valueStart, member.end);
    const rest = elementsOf(content, 0).flatMap((place, at) => {
      const block = blocks[at] ?? null;
      const said = content.slice(place.start, place.end);
      if (isForeign(block)) return [];
      return isCitedByUs(block) ? [edit(said, { set: { citations: undefined } })] : [said];
    });
    return [edit(text, { set: { content: `[${rest.join(",")}]` } })];
  });
  return `[${kept.join(",")}]`;
}

/** A whole answer on the byte path. Throws `UpstreamStreamError` when the body is none. */
export function meterMessage(body: Uint8Array): MeteredReply {
  return new MeteredMessage(body);
}

class MeteredMessage implements MeteredReply {
  readonly id: string | undefined;
  readonly usage: Usage | undefined;
  readonly #answer: RawAnswer;

  constructor(body: Uint8Array) {
    const answer = new RawAnswer(body);
    const message = readMessage(answer.text);
    this.id = stringOf(message.id) || undefined;
    this.usage = readUsage(message.usage);
    answer.walk();
    this.#answer = answer;
  }

  attach(summary: Summary): Payload {
    const put: Record<string, string> = {
      id: rawJson(summary.completionId),
      model: rawJson(summary.model),
      lowrouter: rawJson(summary.block),
    };
    // Our own count stands in for usage that never came.
    if (this.usage === undefined) put.usage = rawJson(writeUsage(summary.usage));
    return this.#answer.edited({ set: put, add: put });
  }
}

function readMessage(text: string): JsonObject {
  const message: Json = answerJson(text);
  if (isObject(message) && (message.type === "error" || isObject(message.error)))
    throw new UpstreamStreamError(faultText(message));
  if (isObject(message) && Array.isArray(message.content)) return message;
  throw new UpstreamStreamError("The provider answered with something that is no message");
}
