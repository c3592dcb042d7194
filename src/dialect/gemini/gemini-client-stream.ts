import type { StreamHead, StreamWriter, Summary } from "#src/dialect/dialect.ts";
import {
  finishOf,
  writeGrounding,
  writeLogprobs,
  writePart,
  writeUsage,
} from "#src/dialect/gemini/gemini-client-candidate.ts";
import { errorOf } from "#src/dialect/gemini/gemini-client-errors.ts";
import { dialectId } from "#src/dialect/gemini/gemini-content.ts";
import type { Citation, FinishReason, StreamStep } from "#src/dialect/turn.ts";
import type { AppError } from "#src/lib/error.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/** One event of a stream, with line ends as Google writes them. */
function event(value: object): string {
  return `data: ${JSON.stringify(value)}\r\n\r\n`;
}

/** The event of a stream that broke: the error and a summary without figures. */
export function failureEvent(error: AppError, { block }: Summary): string {
  const { eco: _figures, ...lowrouter } = block;
  return event({ error: errorOf(error), lowrouter });
}

interface Call {
  id: string;
  name: string;
  arguments: string;
  thoughtSignature?: Json;
}

/** Canonical steps as GenerateContentResponses. */
export function writeContentStream(head: StreamHead): StreamWriter {
  return new ContentStreamWriter(head);
}

class ContentStreamWriter implements StreamWriter {
  readonly #head: StreamHead;
  /** Calls by choice and by index, until they are whole. */
  readonly #calls = new Map<number, Map<number, Call>>();
  /** How each choice ended, told with the last event. */
  readonly #finishes = new Map<number, string>();
  /** Text and citations of each choice that has any of these, told with the last event too. */
  readonly #cited = new Map<number, { text: string; citations: Citation[] }>();

  constructor(head: StreamHead) {
    this.#head = head;
  }

  steps(steps: StreamStep[]): string {
    let out = "";
    for (const step of steps) if (!this.#finishes.has(step.choice)) out += this.#step(step);
    return out;
  }

  end(summary: Summary): string {
    const ended = [...this.#finishes].sort(([a], [b]) => a - b);
    const candidates = ended.map(([index, finishReason]) => {
      const { text = "", citations = [] } = this.#cited.get(index) ?? {};
      const content = { role: "model", parts: [{ text: "" }] };
      return { content, finishReason, index, ...writeGrounding(citations, text) };
    });
    const { usage, block: lowrouter } = summary;
    const told = usage && { usageMetadata: writeUsage(usage) };
    return event({ candidates, ...told, ...this.#names(), lowrouter });
  }

  fail(error: AppError, summary: Summary): string {
    return failureEvent(error, summary);
  }

  #step(step: StreamStep): string {
    const { choice, type } = step;
    switch (type) {
      case "text":
        return this.#text(step);
      case "refusal":
        return step.text === "" ? "" : this.#chunk(choice, [{ text: step.text }]);
      case "reasoning":
        return step.text === "" ? "" : this.#chunk(choice, [{ text: step.text, thought: true }]);
      case "tool_start": {
        const { id, name, carry } = step;
        const thoughtSignature = carry?.[dialectId]?.thoughtSignature;
        this.#callsOf(choice).set(step.index, { id, name, arguments: "", thoughtSignature });
        return "";
      }
      case "tool_arguments": {
        const call = this.#callsOf(choice).get(step.index);
        if (call) call.arguments += step.text;
        return "";
      }
      case "finish":
        return this.#finish(choice, step.finish);
    }
  }

  #text({ choice, text, logprobs, citations }: StreamStep & { type: "text" }): string {
    const cited = this.#cited.get(choice) ?? { text: "", citations: [] };
    this.#cited.set(choice, cited);
    cited.text += text;
    if (citations) cited.citations.push(...citations);
    const told = writeLogprobs(logprobs);
    if (text === "" && Object.keys(told).length === 0) return "";
    return this.#chunk(choice, [{ text }], told);
  }

  /** Calls are told whole, when all of them are: their arguments may come by turns. */
  #finish(choice: number, finish: FinishReason): string {
    const calls = [...this.#callsOf(choice).values()];
    const parts = calls.flatMap(({ thoughtSignature, ...call }): JsonObject[] => {
      const part = writePart({
        type: "tool_call",
        ...call,
        carry: { [dialectId]: { thoughtSignature } },
      });
      return part ? [part] : [];
    });
    this.#calls.delete(choice);
    this.#finishes.set(choice, finishOf(finish, parts.length < calls.length));
    return parts.length === 0 ? "" : this.#chunk(choice, parts);
  }

  #callsOf(choice: number): Map<number, Call> {
    const known = this.#calls.get(choice);
    if (known) return known;
    const calls = new Map<number, Call>();
    this.#calls.set(choice, calls);
    return calls;
  }

  #chunk(index: number, parts: JsonObject[], told: JsonObject = {}): string {
    const candidate = { content: { role: "model", parts }, index, ...told };
    return event({ candidates: [candidate], ...this.#names() });
  }

  #names() {
    return { modelVersion: this.#head.model, responseId: this.#head.completionId };
  }
}
