import {
  citationOf,
  endingOf,
  event,
  failure,
  writeUsage,
} from "#src/dialect/anthropic/anthropic-client-write.ts";
import type { StreamHead, StreamWriter, Summary } from "#src/dialect/dialect.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** A block that was begun, or waits until the one before it is told to its end. */
type Block = { waiting: JsonObject[] } & (
  | { kind: "text" }
  /** A signature ends its block: thinking after it is another. */
  | { kind: "thinking"; signed: boolean }
  | { kind: "redacted_thinking"; data: string }
  | { kind: "call"; call: number; id: string; name: string; words: string }
);

/**
 * Canonical steps as a Messages stream. Its blocks come one after the other, so what is told of a later
 * block waits while the call before it may still get arguments.
 */
export class MessageStreamWriter implements StreamWriter {
  readonly #head: StreamHead;
  /** The open block, and those that wait. */
  #blocks: Block[] = [];
  /** Blocks begun so far. */
  #begun = 0;
  #started = false;
  #ending: ReturnType<typeof endingOf> | undefined;

  constructor(head: StreamHead) {
    this.#head = head;
  }

  steps(steps: StreamStep[]): string {
    let out = this.#start();
    for (const step of steps) {
      if (this.#ending !== undefined) break;
      out += this.#step(step);
    }
    return out;
  }

  end(summary: Summary): string {
    const stop = this.#ending ?? endingOf({ finish: "stop" });
    return (
      this.#start() +
      this.#closeAll() +
      event("message_delta", { delta: stop, usage: writeUsage(summary.usage) }) +
      event("message_stop", { lowrouter: summary.block })
    );
  }

  fail(...[error, summary]: Parameters<StreamWriter["fail"]>): string {
    return failure(error, summary);
  }

  #start(): string {
    if (this.#started) return "";
    this.#started = true;
    const { completionId: id, model } = this.#head;
    const message = {
      id,
      type: "message",
      role: "assistant",
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      // What the prompt came to is told with the rest, at the end.
      usage: {
        input_tokens: 0,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        output_tokens: 0,
      },
    };
    return event("message_start", { message });
  }

  #step(step: StreamStep): string {
    switch (step.type) {
      case "text":
        return this.#text(step);
      case "refusal":
        if (step.text === "") return "";
        return this.#say({ type: "text_delta", text: step.text });
      case "reasoning":
        return this.#reason(step);
      case "tool_start": {
        const { index: call, id, name } = step;
        return this.#add({ kind: "call", call, id, name, words: "", waiting: [] });
      }
      case "tool_arguments":
        return this.#arguments(step.index, step.text);
      case "finish": {
        const ending = endingOf(step);
        const rest = this.#closeAll();
        this.#ending = ending;
        return rest;
      }
    }
  }

  #text({ text, citations = [] }: Extract<StreamStep, { type: "text" }>): string {
    const said = text === "" ? "" : this.#say({ type: "text_delta", text });
    const last = this.#blocks.at(-1);
    if (last?.kind !== "text") return said;
    const pages = citations.map((one) =>
      this.#tell(last, { type: "citations_delta", citation: citationOf(one) }),
    );
    return said + pages.join("");
  }

  #say(delta: JsonObject): string {
    const last = this.#blocks.at(-1);
    if (last?.kind === "text") return this.#tell(last, delta);
    return this.#add({ kind: "text", waiting: [delta] });
  }

  #reason(step: Extract<StreamStep, { type: "reasoning" }>): string {
    const { text, signature, redacted } = step;
    if (redacted !== undefined)
      return this.#add({ kind: "redacted_thinking", data: redacted, waiting: [] });
    let out = "";
    if (text !== "") out += this.#think({ type: "thinking_delta", thinking: text });
    if (!signature) return out;
    out += this.#think({ type: "signature_delta", signature });
    const last = this.#blocks.at(-1);
    if (last?.kind === "thinking") last.signed = true;
    return out;
  }

  #think(delta: JsonObject): string {
    const last = this.#blocks.at(-1);
    if (last?.kind === "thinking" && !last.signed) return this.#tell(last, delta);
    return this.#add({ kind: "thinking", signed: false, waiting: [delta] });
  }

  #arguments(call: number, words: string): string {
    const block = this.#blocks.find((one) => one.kind === "call" && one.call === call);
    if (block?.kind !== "call" || words === "") return "";
    block.words += words;
    const out = this.#tell(block, { type: "input_json_delta", partial_json: words });
    return this.#blocks.length > 1 ? out + this.#advance() : out;
  }

  #tell(block: Block, delta: JsonObject): string {
    if (block === this.#blocks[0]) return this.#delta(delta);
    block.waiting.push(delta);
    return "";
  }

  /** Puts a block behind the others, and opens it as soon as nothing more can come of them. */
  #add(block: Block): string {
    this.#blocks.push(block);
    if (this.#blocks.length === 1) return this.#open(block);
    return this.#advance();
  }

  /** Closes blocks that are told to their end, and opens what waited behind them. */
  #advance(): string {
    let out = "";
    while (this.#blocks.length > 1 && isComplete(this.#blocks[0])) out += this.#close();
    return out;
  }

  #open(block: Block): string {
    const { waiting } = block;
    const index = this.#begun++;
    let out = event("content_block_start", { index, content_block: beginningOf(block) });
    block.waiting = [];
    for (const delta of waiting) out += this.#delta(delta);
    return out;
  }

  #delta(delta: JsonObject): string {
    return event("content_block_delta", { index: this.#begun - 1, delta });
  }

  /** Closes the open block and opens the next one, if any. */
  #close(): string {
    const [closed, next] = this.#blocks;
    if (closed === undefined) return "";
    this.#blocks = this.#blocks.slice(1);
    const stop = event("content_block_stop", { index: this.#begun - 1 });
    return next === undefined ? stop : stop + this.#open(next);
  }

  #closeAll(): string {
    let out = "";
    while (this.#blocks.length > 0) out += this.#close();
    return out;
  }
}

function beginningOf(block: Block): JsonObject {
  switch (block.kind) {
    case "text":
      return { type: "text", text: "" };
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "redacted_thinking":
      return { type: "redacted_thinking", data: block.data };
    case "call":
      return { type: "tool_use", id: block.id, name: block.name, input: {} };
  }
}

/** Whether nothing more can come of a block: a call's arguments must be whole JSON. */
function isComplete(block: Block | undefined): boolean {
  if (block?.kind !== "call") return true;
  if (!block.words.trimEnd().endsWith("}")) return false;
  try {
    JSON.parse(block.words);
    return true;
  } catch {
    // The brace closed something within.
    return false;
  }
}
