import type { Ask, DialectId } from "#src/dialect/dialect.ts";
import { tooDeep } from "#src/dialect/splice.ts";
import { fromRaw, rawOf } from "#src/dialect/raw-text.ts";
import type {
  AssistantPart,
  Carry,
  Message,
  ReasoningPart,
  Reply,
  ReplyChoice,
  StreamStep,
  ToolCall,
  Turn,
} from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/*
 * Some upstreams want their reasoning back, signed, with the results of the calls that it led to, and most
 * clients have no place for it. Every client returns the id of a call, though, in the call and in its result:
 * so the state travels behind the id, and nothing is stored here. Only letters, digits, `_` and `-` are used.
 */

const mark = "-lr1-";
/** Longer state is left out: the upstream then goes on without its reasoning. */
const maxPackedLength = 49_152;

/** What belongs to one call: reasoning that came before it, and what the wire put on the call itself. */
interface State {
  wire: DialectId;
  /** The provider that made it: no other can read it, even where it speaks the same wire. */
  provider: string;
  reasoning: Pick<ReasoningPart, "text" | "signature" | "redacted">[];
  call: JsonObject | undefined;
}

/** An answer as a client of another wire gets it: state that must come back is behind the ids of calls. */
export function hideState(reply: Reply, wire: DialectId, provider: string): Reply {
  return { ...reply, choices: reply.choices.map((choice) => hideChoice(choice, wire, provider)) };
}

function hideChoice(choice: ReplyChoice, wire: DialectId, provider: string): ReplyChoice {
  let pending: State["reasoning"] = [];
  const parts = choice.parts.flatMap((part): AssistantPart[] => {
    if (part.type === "reasoning") {
      if (isSigned(part)) pending.push(stateOf(part));
      return part.text === "" ? [] : [{ type: "reasoning", text: part.text }];
    }
    if (part.type !== "tool_call") return [part];
    const id = pack(part.id, { wire, provider, reasoning: pending, call: part.carry?.[wire] });
    pending = [];
    return [{ ...part, id }];
  });
  return { ...choice, parts };
}

/** Does for a stream what hideState() does for an answer. */
export class StateHider {
  readonly #wire: DialectId;
  readonly #provider: string;
  /** By choice: reasoning that waits for a call, and the text of the block that is being told. */
  readonly #pending = new Map<number, { blocks: State["reasoning"]; text: string }>();

  constructor(wire: DialectId, provider: string) {
    this.#wire = wire;
    this.#provider = provider;
  }

  step(step: StreamStep): StreamStep[] {
    if (step.type !== "reasoning" && step.type !== "tool_start") return [step];
    const pending = this.#pending.get(step.choice) ?? { blocks: [], text: "" };
    this.#pending.set(step.choice, pending);
    if (step.type === "tool_start") {
      const { carry, ...rest } = step;
      const [wire, provider] = [this.#wire, this.#provider];
      const state = { wire, provider, reasoning: pending.blocks, call: carry?.[wire] };
      this.#pending.delete(step.choice);
      return [{ ...rest, id: pack(step.id, state) }];
    }
    const { text, signature, redacted } = step;
    pending.text += text;
    if (isSigned(step)) {
      pending.blocks.push(stateOf({ text: pending.text, signature, redacted }));
      pending.text = "";
    }
    return text === "" ? [] : [{ type: "reasoning", choice: step.choice, text }];
  }
}

/**
 * A request with the state that its call ids brought back put where it was, and the ids as the upstream knows them.
 * State that another provider made is left out: it would refuse the whole request for it.
 */
export function revealState(turn: Turn, provider: string): Turn {
  if (!turn.messages.some(hasMark)) return turn;
  return { ...turn, messages: turn.messages.map((message) => reveal(message, provider)) };
}

/** A request without any reasoning that is signed or encrypted, and with the ids of calls as they were. */
export function withoutProof(turn: Turn): Turn {
  const messages = turn.messages.map((message): Message => {
    if (message.role !== "assistant") return message;
    const content = message.content.filter((part) => part.type !== "reasoning" || !isSigned(part));
    return { ...message, content };
  });
  // Nobody is without a name: no state is anyone's.
  return revealState({ ...turn, messages }, "");
}

/**
 * A request with the ids of calls as they were: for the byte path, where an upstream of the client's own dialect would
 * meet ids that another one's state travels behind.
 */
export function plainIds(body: Uint8Array, ask: Ask): { body: Uint8Array; ask: Ask } {
  const { ascii } = ask;
  if (ascii !== undefined) {
    if (!ascii.includes(mark)) return { body, ask };
    const plain = ascii.replaceAll(idMember, '$1"');
    return { body: encode(plain), ask: { ...ask, ascii: plain } };
  }
  if (!holdsMark(body, ask)) return { body, ask };
  const plain = rawOf(body, ask).replaceAll(idMember, '$1"');
  return { body: fromRaw(plain), ask: { ...ask, raw: undefined } };
}

function holdsMark(body: Uint8Array, { raw }: Ask): boolean {
  if (raw !== undefined) return raw.includes(mark);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(mark);
}

/** A member that names a call. Within a text its quotes are escaped, so that no text is taken for one. */
const idMember = /("(?:id|call_id|tool_call_id|tool_use_id)"\s*:\s*"[A-Za-z0-9_-]*?)-lr1-\w*"/g;

function hasMark(message: Message): boolean {
  if (message.role === "tool") return message.results.some(({ callId }) => callId.includes(mark));
  if (message.role !== "assistant") return false;
  return message.content.some((part) => part.type === "tool_call" && part.id.includes(mark));
}

function reveal(message: Message, provider: string): Message {
  if (message.role === "tool") {
    const results = message.results.map((one) => ({ ...one, callId: bareId(one.callId) }));
    return { ...message, results };
  }
  if (message.role !== "assistant") return message;
  let isProven = message.content.some((part) => part.type === "reasoning" && isSigned(part));
  /** What led to the first call stood ahead of all words: upstreams that sign want it there. */
  const first: AssistantPart[] = [];
  let calls = 0;
  const rest = message.content.flatMap((part): AssistantPart[] => {
    if (part.type !== "tool_call") return [part];
    const { id, state } = unpack(part.id);
    calls++;
    if (state?.provider !== provider) return [{ ...part, id }];
    const carry: Carry = { ...part.carry, ...(state.call ? { [state.wire]: state.call } : {}) };
    const call: ToolCall = { ...part, id, ...(Object.keys(carry).length > 0 ? { carry } : {}) };
    if (isProven) return [call];
    const reasoning = state.reasoning.map((one) => reasoningOf(one, state.wire));
    if (calls > 1) return [...reasoning, call];
    first.push(...reasoning);
    return [call];
  });
  const content = [...first, ...rest];
  isProven ||= content.some((part) => part.type === "reasoning" && isSigned(part));
  // What a client wrote down of the reasoning is there again, signed.
  const kept = content.filter((part) => !isProven || part.type !== "reasoning" || isSigned(part));
  return { ...message, content: kept };
}

function reasoningOf(state: State["reasoning"][number], wire: DialectId): ReasoningPart {
  return { type: "reasoning", ...state, carry: { [wire]: {} } };
}

function isSigned({ signature, redacted }: { signature?: string; redacted?: string }): boolean {
  return signature !== undefined || redacted !== undefined;
}

function stateOf({
  text,
  signature,
  redacted,
}: State["reasoning"][number]): State["reasoning"][number] {
  return {
    text,
    ...(signature === undefined ? {} : { signature }),
    ...(redacted === undefined ? {} : { redacted }),
  };
}

function pack(id: string, { wire, provider, reasoning, call }: State): string {
  if (reasoning.length === 0 && call === undefined) return id;
  const told: Json = { wire, provider, reasoning: reasoning.map((one) => ({ ...one })), call };
  // Uncompressed: what comes back weighs at least what it says, in the hold on credit and in memory.
  const base64 = Buffer.from(JSON.stringify(told)).toString("base64url");
  if (base64.length > maxPackedLength) return id;
  // Without a dash the mark before it is the last one of the id.
  return id + mark + base64.replaceAll("_", "_0").replaceAll("-", "_1");
}

function unpack(packed: string): { id: string; state: State | undefined } {
  const id = bareId(packed);
  if (id === packed) return { id, state: undefined };
  const base64 = packed
    .slice(id.length + mark.length)
    .replaceAll("_1", "-")
    .replaceAll("_0", "_");
  const text = Buffer.from(base64, "base64url").toString("utf8");
  try {
    return { id, state: tooDeep(text) ? undefined : readState(JSON.parse(text)) };
  } catch {
    // A client that cut the id: the call is still known by its beginning, the state is lost.
    return { id, state: undefined };
  }
}

/** A call's id as the upstream gave it. */
function bareId(packed: string): string {
  const at = packed.lastIndexOf(mark);
  return at < 0 ? packed : packed.slice(0, at);
}

const wires: readonly DialectId[] = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
  "cohere-v2",
  "bedrock-converse",
];

function readState(told: unknown): State | undefined {
  if (!isObject(told)) return undefined;
  const wire = wires.find((one) => one === told.wire);
  const provider = stringOf(told.provider);
  if (wire === undefined || !provider) return undefined;
  const blocks = Array.isArray(told.reasoning) ? told.reasoning.filter(isObject) : [];
  const reasoning = blocks.map(({ text, signature, redacted }) =>
    stateOf({
      text: stringOf(text) ?? "",
      signature: stringOf(signature),
      redacted: stringOf(redacted),
    }),
  );
  return { wire, provider, reasoning, call: isObject(told.call) ? told.call : undefined };
}
