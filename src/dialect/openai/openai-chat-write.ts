import type { StreamHead, StreamWriter, Summary } from "#src/dialect/dialect.ts";
import {
  type CallWords,
  callWordsFor,
  type ToldCall,
} from "#src/dialect/openai/openai-chat-calls.ts";
import {
  chatShape,
  done,
  event,
  failure,
  summaryEvent,
  usageEvent,
} from "#src/dialect/openai/openai-ending.ts";
import { writeUsage } from "#src/dialect/openai/openai-usage.ts";
import type { AssistantPart, Citation, Reply, StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/** A canonical answer as a chat completion. */
export function writeChatReply(reply: Reply, summary: Summary): Uint8Array<ArrayBuffer> {
  const { completionId: id, created, model, usage, block } = summary;
  const words = callWordsFor(summary.asked);
  const choices = reply.choices.map(({ index, parts, finish, nativeFinish, logprobs }) => ({
    index,
    message: writeMessage(parts, words),
    logprobs: logprobs ?? null,
    finish_reason: words.finish(finish),
    native_finish_reason: nativeFinish,
  }));
  const told = usage && writeUsage(usage, summary);
  const object = "chat.completion";
  return encode(
    JSON.stringify({ id, object, created, model, choices, usage: told, lowrouter: block }),
  );
}

function writeMessage(parts: AssistantPart[], told: CallWords): JsonObject {
  const said = (type: "text" | "refusal" | "reasoning") =>
    parts.map((part) => (part.type === type ? part.text : "")).join("");
  const [text, refusal, reasoning] = [said("text"), said("refusal"), said("reasoning")];
  const [call, ...calls] = parts.flatMap((part): ToldCall[] => {
    if (part.type !== "tool_call") return [];
    const { id, name, arguments: words } = part;
    return [{ id, name, words: argumentsOf(words) }];
  });
  const citations = parts.flatMap((part) => (part.type === "text" ? (part.citations ?? []) : []));
  return {
    role: "assistant",
    content: text === "" && (call !== undefined || refusal !== "") ? null : text,
    refusal: refusal === "" ? null : refusal,
    ...(citations.length === 0 ? {} : { annotations: citations.map(annotation) }),
    ...(reasoning === "" ? {} : { reasoning }),
    ...(call === undefined ? {} : told.whole([call, ...calls])),
  };
}

/** Arguments as they came; none at all are an empty object. */
function argumentsOf(words: string): string {
  const bare = words.trim();
  return bare === "" || bare === "null" ? "{}" : words;
}

function annotation({ url, title, start, end }: Citation): JsonObject {
  const cited = { url, title: title ?? url, start_index: start, end_index: end };
  return { type: "url_citation", url_citation: cited };
}

/** Canonical steps as chat completion chunks. */
export function writeChatStream(head: StreamHead): StreamWriter {
  return new ChatStreamWriter(head);
}

class ChatStreamWriter implements StreamWriter {
  readonly #head: StreamHead;
  readonly #words: CallWords;
  /** Choices that began: calls that got no arguments yet, by index. */
  readonly #choices = new Map<number, Set<number>>();
  readonly #finished = new Set<number>();

  constructor(head: StreamHead) {
    this.#head = head;
    this.#words = callWordsFor(head.asked);
  }

  steps(steps: StreamStep[]): string {
    let out = "";
    for (const step of steps) {
      if (this.#finished.has(step.choice)) continue;
      let bare = this.#choices.get(step.choice);
      if (bare === undefined) {
        this.#choices.set(step.choice, (bare = new Set()));
        out += this.#chunk(step.choice, { role: "assistant", content: "" });
      }
      out += this.#step(step, bare);
    }
    return out;
  }

  end(summary: Summary): string {
    const { usage } = summary;
    const asked = this.#head.includeUsage && usage !== undefined;
    const told = asked
      ? usageEvent(chatShape, summary, JSON.stringify(writeUsage(usage, summary)))
      : "";
    return told + summaryEvent(chatShape, summary) + done;
  }

  fail(...[error, summary]: Parameters<StreamWriter["fail"]>): string {
    return failure(chatShape, this.#head, error, summary);
  }

  #step(step: StreamStep, bare: Set<number>): string {
    const { choice } = step;
    if (step.type === "text") return this.#text(step);
    if (step.type === "refusal") return this.#chunk(choice, { refusal: step.text });
    if (step.type === "reasoning")
      return step.text === "" ? "" : this.#chunk(choice, { reasoning: step.text });
    if (step.type === "tool_start") {
      const { index, id, name } = step;
      bare.add(index);
      const call = this.#words.start(index, id, name);
      return call === undefined ? "" : this.#chunk(choice, call);
    }
    if (step.type === "tool_arguments") {
      bare.delete(step.index);
      return this.#arguments(choice, step.index, step.text);
    }
    // A call without arguments would end as "", which is not JSON.
    const rest = [...bare].map((index) => this.#arguments(choice, index, "{}")).join("");
    this.#finished.add(choice);
    const { finish, nativeFinish } = step;
    return rest + this.#chunk(choice, {}, { finish: this.#words.finish(finish), nativeFinish });
  }

  #text({ choice, text, citations = [], logprobs }: Extract<StreamStep, { type: "text" }>): string {
    const annotations = citations.length === 0 ? {} : { annotations: citations.map(annotation) };
    return this.#chunk(choice, { content: text, ...annotations }, { logprobs });
  }

  #arguments(choice: number, index: number, text: string): string {
    const more = this.#words.more(index, text);
    return more === undefined ? "" : this.#chunk(choice, more);
  }

  #chunk(
    index: number,
    delta: JsonObject,
    more?: { finish?: string; nativeFinish?: string; logprobs?: Json },
  ): string {
    const { completionId: id, created, model } = this.#head;
    const choice = {
      index,
      delta,
      logprobs: more?.logprobs,
      finish_reason: more?.finish ?? null,
      native_finish_reason: more?.nativeFinish,
    };
    return event({ id, object: chatShape.chunkObject, created, model, choices: [choice] });
  }
}
