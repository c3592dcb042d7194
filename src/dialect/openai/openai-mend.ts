import { finishOf, madeCallId } from "#src/dialect/openai/openai-chat-reply.ts";
import {
  allOf,
  appending,
  dropping,
  each,
  mendContent,
  type Mending,
  putting,
  quoting,
  within,
} from "#src/dialect/openai/openai-mending.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/*
 * What servers of this wire say otherwise than its official clients can read is put right in the text: chunks without
 * choices, content as a list of parts, answers without a role, calls without an index, a type or an id, every call under
 * index 0, arguments as an object or missing. An answer without any of it keeps its bytes.
 */

interface Call {
  /** The id that the upstream gave it. */
  id: string | undefined;
  /** "" until it is told: only then does the call begin. */
  name: string;
  typed: boolean;
  /** The index under which the client is told of it. */
  index: number;
  /** No word of its arguments has been told. */
  waiting: boolean;
}

interface Choice {
  index: number;
  /** Its role has been told. */
  told: boolean;
  /** By the upstream's index, the call that it stands for now. */
  calls: Map<number, Call>;
  /** Calls that may wait for their arguments. */
  waiting: Call[];
  taken: Set<number>;
}

/** Where a call stands. */
interface Place {
  choice: Choice;
  /** Its place in the chunk. */
  at: number;
  /** The upstream's id of the answer. */
  answer: string | undefined;
  /** The choice finishes with this chunk, and its calls are whole. */
  finished: boolean;
}

/** Puts the chunks of one stream right. */
export class ChunkMender {
  readonly #choices = new Map<number, Choice>();
  /** Whether a chunk that differs from the last one in its words alone has nothing wrong either. */
  settled = true;

  /** A chunk, in raw text, as clients can read it: the same text where nothing is wrong. */
  mend(data: string, chunk: JsonObject): string {
    this.settled = true;
    if (!Array.isArray(chunk.choices)) {
      this.settled = false;
      return putting("choices", "[]")(data);
    }
    const answer = stringOf(chunk.id);
    const mend = each(chunk.choices.map((choice, at) => this.#choice(choice, at, answer)));
    if (mend === undefined) return data;
    this.settled = false;
    return within("choices", mend)(data);
  }

  #choice(raw: Json, at: number, answer: string | undefined): Mending | undefined {
    if (!isObject(raw)) return undefined;
    const given = indexOf(raw.index);
    const index = given ?? at;
    const mendings = given === undefined ? [putting("index", String(index))] : [];
    if (isObject(raw.delta)) {
      let choice = this.#choices.get(index);
      choice ??= { index, told: false, calls: new Map(), waiting: [], taken: new Set() };
      this.#choices.set(index, choice);
      choice.told ||= Boolean(stringOf(raw.delta.role));
      const mend = this.#delta(raw.delta, { choice, answer, finished: isWhole(raw) });
      if (mend !== undefined) mendings.push(within("delta", mend));
      if (!choice.told && stringOf(raw.finish_reason)) {
        choice.told = true;
        mendings.push(within("delta", putting("role", '"assistant"')));
      }
    }
    return allOf(mendings);
  }

  #delta(delta: JsonObject, where: Omit<Place, "at">): Mending | undefined {
    const { choice, finished } = where;
    const mendings: Mending[] = [];
    const content = mendContent(delta);
    if (content !== undefined) mendings.push(content);
    const told = Array.isArray(delta.tool_calls) ? delta.tool_calls : [];
    const calls = each(told.map((call, at) => this.#call(call, { ...where, at })));
    if (calls !== undefined) mendings.push(within("tool_calls", calls));
    const rest = finished ? untold(choice) : [];
    if (rest.length > 0) mendings.push(appending("tool_calls", rest));
    return allOf(mendings);
  }

  #call(raw: Json, where: Place): Mending | undefined {
    if (!isObject(raw)) return undefined;
    const { choice, at, answer, finished } = where;
    const given = indexOf(raw.index);
    if (!isObject(raw.function)) {
      if (given !== undefined) choice.taken.add(given);
      return undefined;
    }
    const said = raw.function;
    const call = knownCall(choice, raw, said, given ?? at);
    const [ofCall, ofFunction]: [Mending[], Mending[]] = [[], []];
    if (call.index !== given) ofCall.push(putting("index", String(call.index)));
    const name = stringOf(said.name) ?? "";
    const id = stringOf(raw.id) || undefined;
    call.typed ||= Boolean(stringOf(raw.type));
    call.id ??= id;
    if (call.name !== "") ofFunction.push(...repeated(raw, said, ofCall));
    else if (name !== "") {
      call.name = name;
      if (!call.typed) ofCall.push(putting("type", '"function"'));
      const made = () => madeCallId(answer, choice.index, call.index);
      if (call.id === undefined) ofCall.push(putting("id", `"${made()}"`));
      this.settled = false;
    }
    const words = said.arguments ?? "";
    if (words !== "") call.waiting = false;
    if (typeof words !== "string") ofFunction.push(within("arguments", quoting));
    else if (call.waiting && finished) {
      call.waiting = false;
      ofFunction.push(putting("arguments", '"{}"'));
    } else if (call.waiting && said.arguments !== "") {
      ofFunction.push(putting("arguments", '""'));
    }
    // By its words alone another name is another call, and the first words end the waiting.
    if (call.waiting || (name !== "" && id === undefined)) this.settled = false;
    const mend = allOf(ofFunction);
    if (mend !== undefined) ofCall.push(within("function", mend));
    return allOf(ofCall);
  }
}

/** The call that a part of one belongs to. */
function knownCall(choice: Choice, raw: JsonObject, said: JsonObject, place: number): Call {
  const known = choice.calls.get(place);
  const id = stringOf(raw.id) || undefined;
  if (known !== undefined && !isAnother(known, id, stringOf(said.name) ?? "")) return known;
  let index = place;
  while (choice.taken.has(index)) index++;
  choice.taken.add(index);
  const call = { id, name: "", typed: false, index, waiting: true };
  choice.calls.set(place, call);
  choice.waiting.push(call);
  return call;
}

/** A new id, or another name without one, under an old index is a new call. */
function isAnother(known: Call, id: string | undefined, name: string): boolean {
  if (id !== undefined && known.id !== undefined) return id !== known.id;
  return id === undefined && known.name !== "" && name !== "" && name !== known.name;
}

/** What says again, and empty, what a call has said: clients that parse on the way take it for another name and type. */
function repeated(raw: JsonObject, said: JsonObject, ofCall: Mending[]): Mending[] {
  if (raw.type === null || raw.type === "") ofCall.push(dropping("type"));
  return said.name === null || said.name === "" ? [dropping("name")] : [];
}

/** Parts for the calls of a choice that have ended without a word of their arguments. */
function untold(choice: Choice): string[] {
  const waiting = choice.waiting.filter((call) => call.waiting && call.name !== "");
  choice.waiting = [];
  return waiting.map(({ index }) => `{"index":${index},"function":{"arguments":"{}"}}`);
}

/** Puts the choices of a whole answer right, in raw text; undefined where nothing is wrong. */
export function mendChoices(
  choices: readonly Json[],
  answer: string | undefined,
): Mending | undefined {
  return each(choices.map((choice, at) => mendChoice(choice, at, answer)));
}

function mendChoice(raw: Json, at: number, answer: string | undefined): Mending | undefined {
  if (!isObject(raw) || !isObject(raw.message)) return undefined;
  const { message } = raw;
  // Nearly every answer: nothing is allocated for it.
  if (!Array.isArray(message.content) && !Array.isArray(message.tool_calls)) return undefined;
  const mendings: Mending[] = [];
  const content = mendContent(message);
  if (content !== undefined) mendings.push(content);
  const told = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const made = (index: number) => madeCallId(answer, numberOf(raw.index) ?? at, index);
  const none = isWhole(raw) ? '"{}"' : '""';
  const calls = each(told.map((call, index) => mendWholeCall(call, none, () => made(index))));
  if (calls !== undefined) mendings.push(within("tool_calls", calls));
  const mend = allOf(mendings);
  return mend && within("message", mend);
}

function mendWholeCall(raw: Json, none: string, made: () => string): Mending | undefined {
  if (!isObject(raw) || !isObject(raw.function)) return undefined;
  const mendings: Mending[] = [];
  if (!stringOf(raw.type)) mendings.push(putting("type", '"function"'));
  if (!stringOf(raw.id)) mendings.push(putting("id", `"${made()}"`));
  const words = raw.function.arguments ?? "";
  if (words === "") mendings.push(within("function", putting("arguments", none)));
  else if (typeof words !== "string") {
    mendings.push(within("function", within("arguments", quoting)));
  }
  return allOf(mendings);
}

/** Whether a choice has ended, and not by a cut in the middle of what it said. */
function isWhole({ finish_reason: word }: JsonObject): boolean {
  const said = stringOf(word);
  // Some servers write an empty one all along.
  return Boolean(said) && finishOf(said, true) === "tool_calls";
}

function indexOf(value: Json | undefined): number | undefined {
  const index = numberOf(value);
  return index !== undefined && Number.isInteger(index) && index >= 0 ? index : undefined;
}
