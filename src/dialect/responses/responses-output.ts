import type { SpacedName } from "#src/dialect/responses/responses-namespaces.ts";
import { logprobsOf, newPart, partItem, type Part } from "#src/dialect/responses/responses-part.ts";
import type { Citation, FinishReason, StreamStep } from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** An event without its number. */
export interface OutputEvent extends JsonObject {
  type: string;
}

/** Ids of items that we wrote: no provider knows them. */
export const ownReasoningId = "rs_lr_";

type Prefix = "msg_lr_" | "fc_lr_" | typeof ownReasoningId;

interface Message {
  kind: "message";
  place: Place;
  /** The part that is being told; parts before it are done. */
  part: Part | undefined;
  parts: JsonObject[];
}
interface Reasoning {
  kind: "reasoning";
  place: Place;
  text: string;
  redacted: string | undefined;
}
interface Call {
  place: Place;
  callId: string;
  said: { name: string; namespace?: string };
  words: string;
}
interface Place {
  item_id: string;
  output_index: number;
}

/**
 * Puts a response's output together from canonical steps: every step becomes the events that tell it, and the
 * items stand in `items` at the end. Ids follow from the response's id and the place alone.
 */
export class ResponsesOutput {
  readonly #responseId: string;
  readonly #spaced: ReadonlyMap<string, SpacedName>;
  readonly #items: JsonObject[] = [];
  #open: Message | Reasoning | undefined;
  readonly #calls = new Map<number, Call>();
  #count = 0;
  /** Length of all text so far. */
  #length = 0;
  /** How the answer ended; undefined until it did. */
  finish: FinishReason | undefined;

  /** `spaced` has the functions of namespaces, by the names that upstreams got. */
  constructor(responseId: string, spaced: ReadonlyMap<string, SpacedName>) {
    this.#responseId = responseId;
    this.#spaced = spaced;
  }

  /** Items that are complete, in order; all of them once the answer ended. */
  get items(): JsonObject[] {
    return this.#items.filter((item) => item !== undefined);
  }

  add(step: StreamStep): OutputEvent[] {
    // The wire has one choice; what follows its end has no place.
    if (step.choice !== 0 || this.finish !== undefined) return [];
    if (step.type === "text") return [...this.#text(step), ...this.#cite(step.citations ?? [])];
    if (step.type === "refusal") return this.#say("refusal", step.text);
    if (step.type === "reasoning") return this.#think(step.text, step.redacted);
    if (step.type === "tool_start") return this.#call(step);
    if (step.type === "tool_arguments") return this.#argue(step.index, step.text);
    return this.end(step.finish);
  }

  /** Ends every open item; those of an answer that was cut short are marked so. */
  end(finish: FinishReason): OutputEvent[] {
    this.finish = finish;
    const status = finish === "stop" || finish === "tool_calls" ? "completed" : "incomplete";
    const out = this.#close(status);
    for (const call of this.#calls.values()) out.push(...this.#closeCall(call, status));
    return out;
  }

  #place(prefix: Prefix): Place {
    const output_index = this.#count++;
    const hash = sha256Hex(JSON.stringify([this.#responseId, output_index])).slice(0, 32);
    return { item_id: prefix + hash, output_index };
  }

  #text({ text, logprobs }: Extract<StreamStep, { type: "text" }>): OutputEvent[] {
    const told = logprobsOf(logprobs);
    const out = this.#say("output_text", text, told);
    this.#length += text.length;
    if (this.#open?.kind === "message") this.#open.part?.logprobs.push(...told);
    return out;
  }

  /** Pages that the text leans on, told behind it; without any text they have no place. */
  #cite(citations: Citation[]): OutputEvent[] {
    const message = this.#open;
    if (message?.kind !== "message" || message.part?.type !== "output_text") return [];
    const { annotations, from } = message.part;
    const at = { ...message.place, content_index: message.parts.length };
    return citations.map(({ url, title, start, end }) => {
      const stretch = {
        start_index: Math.max(0, start - from),
        end_index: Math.max(0, end - from),
      };
      const annotation = { type: "url_citation", url, title: title ?? url, ...stretch };
      const annotation_index = annotations.push(annotation) - 1;
      return {
        type: "response.output_text.annotation.added",
        ...{ ...at, annotation_index, annotation },
      };
    });
  }

  #say(type: Part["type"], text: string, told: JsonObject[] = []): OutputEvent[] {
    if (text === "") return [];
    const out: OutputEvent[] = [];
    if (this.#open?.kind !== "message") {
      out.push(...this.#close("completed"));
      const place = this.#place("msg_lr_");
      this.#open = { kind: "message", place, part: undefined, parts: [] };
      out.push(added(place, messageItem(this.#open, "in_progress")));
    }
    const message = this.#open;
    if (message.part?.type !== type) {
      out.push(...closePart(message));
      message.part = newPart(type, this.#length);
      const content_index = message.parts.length;
      const part = partItem(message.part);
      out.push({ type: "response.content_part.added", ...message.place, content_index, part });
    }
    const part = message.part ?? newPart(type, this.#length);
    part.text += text;
    const content_index = message.parts.length;
    const logprobs = type === "output_text" ? { logprobs: told } : {};
    out.push({
      type: `response.${type}.delta`,
      ...message.place,
      content_index,
      delta: text,
      ...logprobs,
    });
    return out;
  }

  /** What is encrypted ends its item: what follows belongs to the next. */
  #think(text: string, redacted: string | undefined): OutputEvent[] {
    if (text === "" && redacted === undefined) return [];
    const out: OutputEvent[] = [];
    if (this.#open?.kind !== "reasoning") {
      out.push(...this.#close("completed"));
      const place = this.#place(ownReasoningId);
      this.#open = { kind: "reasoning", place, text: "", redacted: undefined };
      out.push(added(place, reasoningItem(this.#open)));
    }
    const reasoning = this.#open;
    const at = { ...reasoning.place, summary_index: 0 };
    if (text !== "") {
      if (reasoning.text === "") {
        const part = { type: "summary_text", text: "" };
        out.push({ type: "response.reasoning_summary_part.added", ...at, part });
      }
      reasoning.text += text;
      out.push({ type: "response.reasoning_summary_text.delta", ...at, delta: text });
    }
    reasoning.redacted = redacted;
    if (redacted !== undefined) out.push(...this.#close("completed"));
    return out;
  }

  #call({ index, id, name }: Extract<StreamStep, { type: "tool_start" }>): OutputEvent[] {
    const out = this.#close("completed");
    const said = this.#spaced.get(name) ?? { name };
    const call: Call = { place: this.#place("fc_lr_"), callId: id, said, words: "" };
    this.#calls.set(index, call);
    out.push(added(call.place, callItem(call, "in_progress")));
    return out;
  }

  #argue(index: number, text: string): OutputEvent[] {
    const call = this.#calls.get(index);
    if (call === undefined || text === "") return [];
    call.words += text;
    return [{ type: "response.function_call_arguments.delta", ...call.place, delta: text }];
  }

  #close(status: string): OutputEvent[] {
    const open = this.#open;
    if (open === undefined) return [];
    this.#open = undefined;
    if (open.kind === "message") {
      const out = closePart(open);
      return [...out, this.#done(open.place, messageItem(open, status))];
    }
    const out: OutputEvent[] = [];
    if (open.text !== "") {
      const at = { ...open.place, summary_index: 0 };
      const { text } = open;
      const part = { type: "summary_text", text };
      out.push({ type: "response.reasoning_summary_text.done", ...at, text });
      out.push({ type: "response.reasoning_summary_part.done", ...at, part });
    }
    return [...out, this.#done(open.place, reasoningItem(open))];
  }

  /** Calls may take turns in a stream, so they end together with the answer. */
  #closeCall(call: Call, status: string): OutputEvent[] {
    const out: OutputEvent[] = [];
    // A call without arguments would end as "", which is not JSON.
    if (call.words === "" && status === "completed") {
      call.words = "{}";
      out.push({ type: "response.function_call_arguments.delta", ...call.place, delta: "{}" });
    }
    const { said, words } = call;
    out.push({
      type: "response.function_call_arguments.done",
      ...call.place,
      name: said.name,
      arguments: words,
    });
    return [...out, this.#done(call.place, callItem(call, status))];
  }

  #done({ output_index }: Place, item: JsonObject): OutputEvent {
    this.#items[output_index] = item;
    return { type: "response.output_item.done", output_index, item };
  }
}

function added({ output_index }: Place, item: JsonObject): OutputEvent {
  return { type: "response.output_item.added", output_index, item };
}

function closePart(message: Message): OutputEvent[] {
  const told = message.part;
  if (told === undefined) return [];
  const at = { ...message.place, content_index: message.parts.length };
  const part = partItem(told);
  message.parts.push(part);
  message.part = undefined;
  const { text, logprobs } = told;
  const said = told.type === "refusal" ? { refusal: text } : { text, logprobs };
  return [
    { type: `response.${told.type}.done`, ...at, ...said },
    { type: "response.content_part.done", ...at, part },
  ];
}

function messageItem({ place, parts }: Message, status: string): JsonObject {
  const content = [...parts];
  return { id: place.item_id, type: "message", status, role: "assistant", content };
}

function reasoningItem({ place, text, redacted }: Reasoning): JsonObject {
  return {
    id: place.item_id,
    type: "reasoning",
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    ...(redacted === undefined ? {} : { encrypted_content: redacted }),
  };
}

function callItem({ place, callId, said, words }: Call, status: string): JsonObject {
  return {
    id: place.item_id,
    type: "function_call",
    status,
    call_id: callId,
    ...said,
    arguments: words,
  };
}
