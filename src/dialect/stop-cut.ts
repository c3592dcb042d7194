import { StopScanner } from "#src/dialect/stop-scan.ts";
import { type StopShare, toldStop } from "#src/dialect/stop-share.ts";
import type {
  AssistantPart,
  FinishReason,
  Reply,
  ReplyChoice,
  StreamStep,
  TextPart,
} from "#src/dialect/turn.ts";
import { isObject, stringOf, type Json } from "#src/lib/json.ts";

/*
 * Stop sequences that an upstream does not take are looked for here, in text alone: not in reasoning, and not in the
 * arguments of calls. The first sequence that is complete ends the answer; of several that end at the same character
 * it is the longest, so that no part of one is shown. How a stream was cut into pieces makes no difference.
 */

type TextStep = Extract<StreamStep, { type: "text" }>;

interface CutChoice {
  scanner: StopScanner;
  /** Text that may be the beginning of a sequence, and its length. */
  waiting: TextStep[];
  characters: number;
  called: boolean;
  /** Ended by a sequence that the gateway found. */
  cut: boolean;
  /** Ended by the upstream. */
  finished: boolean;
}

/** Cuts a stream's choices at stop sequences. What comes for a choice after its cut is left out. */
export class StopCut {
  readonly #share: StopShare;
  readonly #count: number;
  readonly #choices = new Map<number, CutChoice>();

  constructor(share: StopShare, choices: number) {
    this.#share = share;
    this.#count = choices;
  }

  /**
   * Nothing more can be shown, and the upstream has not ended a choice that was cut: it has to be told to stop, for
   * what it goes on to generate is paid for.
   */
  get isCut(): boolean {
    if (this.#choices.size < this.#count) return false;
    let goesOn = false;
    for (const { cut, finished } of this.#choices.values()) {
      if (!cut && !finished) return false;
      if (!finished) goesOn = true;
    }
    return goesOn;
  }

  steps(steps: StreamStep[]): StreamStep[] {
    const out: StreamStep[] = [];
    if (this.#share.left.length === 0) {
      for (const step of steps)
        out.push(step.type === "finish" ? toldStop(step, this.#share) : step);
      return out;
    }
    for (const step of steps) {
      // A choice that nobody asked for, behind the end: read by itself, nobody would have read on.
      if (!this.#choices.has(step.choice) && this.#isOver) continue;
      this.#step(step, out);
    }
    return out;
  }

  /** Every choice that was asked for has ended, at least one of them by a cut. */
  get #isOver(): boolean {
    if (this.#choices.size < this.#count) return false;
    let wasCut = false;
    for (const { cut, finished } of this.#choices.values()) {
      if (!cut && !finished) return false;
      if (cut) wasCut = true;
    }
    return wasCut;
  }

  #step(step: StreamStep, out: StreamStep[]): void {
    const choice = this.#choiceOf(step.choice);
    if (step.type === "finish") choice.finished = true;
    if (choice.cut) return;
    if (step.type === "text") {
      this.#text(choice, step, out);
      return;
    }
    release(choice, choice.characters, out);
    choice.scanner.reset();
    if (step.type === "tool_start") choice.called = true;
    out.push(step.type === "finish" ? toldStop(step, this.#share) : step);
  }

  #text(choice: CutChoice, step: TextStep, out: StreamStep[]): void {
    const before = choice.characters;
    choice.waiting.push({ ...step });
    choice.characters += step.text.length;
    const hit = choice.scanner.take(step.text);
    if (hit === undefined) {
      release(choice, choice.characters - choice.scanner.held, out);
      return;
    }
    choice.cut = true;
    const shown = before + hit.end - hit.stop.length;
    release(choice, shown, out);
    const beginning = beginningOf(choice, shown - (before + step.text.length - choice.characters));
    if (beginning !== undefined) out.push(beginning);
    choice.waiting = [];
    const finish = endingOf(choice.called);
    out.push({ type: "finish", choice: step.choice, finish, stopSequence: hit.stop });
  }

  #choiceOf(index: number): CutChoice {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice: CutChoice = {
      scanner: new StopScanner(this.#share.left),
      waiting: [],
      characters: 0,
      called: false,
      cut: false,
      finished: false,
    };
    this.#choices.set(index, choice);
    return choice;
  }
}

/** Calls that were made before the cut are still to be run. */
function endingOf(called: boolean): FinishReason {
  return called ? "tool_calls" : "stop";
}

/** Lets so many characters of the waiting text go. A step with log probabilities goes whole, for these are of whole tokens. */
function release(choice: CutChoice, characters: number, out: StreamStep[]): void {
  let room = characters;
  for (;;) {
    const [first] = choice.waiting;
    if (first === undefined) return;
    const { length } = first.text;
    if (length > room) {
      if (room > 0 && first.logprobs === undefined) {
        out.push({ type: "text", choice: first.choice, text: first.text.slice(0, room) });
        first.text = first.text.slice(room);
        choice.characters -= room;
      }
      return;
    }
    out.push(first);
    choice.waiting.shift();
    choice.characters -= length;
    room -= length;
  }
}

/** What stands before the cut in a step that goes whole otherwise. */
function beginningOf({ waiting: [first] }: CutChoice, characters: number): TextStep | undefined {
  if (first?.logprobs === undefined || characters <= 0) return undefined;
  const text = first.text.slice(0, characters);
  return {
    type: "text",
    choice: first.choice,
    text,
    ...logprobsWithin(first.logprobs, characters),
  };
}

/** Log probabilities, in the chat wire's shape, of the tokens within so many characters. */
function logprobsWithin(logprobs: Json | undefined, characters: number): { logprobs?: Json } {
  if (!isObject(logprobs) || !Array.isArray(logprobs.content)) return {};
  let end = 0;
  const content = logprobs.content.filter((entry) => {
    end += (isObject(entry) ? stringOf(entry.token) : undefined)?.length ?? 0;
    return end <= characters;
  });
  return { logprobs: { ...logprobs, content } };
}

/** A whole answer, cut as StopCut cuts a stream. */
export function cutReply(reply: Reply, share: StopShare): Reply {
  return { ...reply, choices: reply.choices.map((choice) => cutChoice(choice, share)) };
}

function cutChoice(choice: ReplyChoice, share: StopShare): ReplyChoice {
  if (share.left.length === 0) return toldStop(choice, share);
  const scanner = new StopScanner(share.left);
  const kept: AssistantPart[] = [];
  let characters = 0;
  for (const part of choice.parts) {
    if (part.type !== "text") {
      scanner.reset();
      kept.push(part);
      continue;
    }
    kept.push(part);
    characters += part.text.length;
    const hit = scanner.take(part.text);
    if (hit === undefined) continue;
    const excess = part.text.length - hit.end + hit.stop.length;
    const length = characters - excess;
    const { logprobs } = choice;
    return {
      index: choice.index,
      parts: withoutEnd(kept, excess, length),
      finish: endingOf(kept.some(({ type }) => type === "tool_call")),
      stopSequence: hit.stop,
      ...(logprobs === undefined ? {} : logprobsWithin(logprobs, length)),
    };
  }
  return toldStop(choice, share);
}

/** Parts without so many characters at their end, which are text, and what is left of their citations. */
function withoutEnd(parts: AssistantPart[], excess: number, length: number): AssistantPart[] {
  const kept = [...parts];
  let left = excess;
  for (let last = kept.at(-1); last?.type === "text" && left > 0; last = kept.at(-1)) {
    kept.pop();
    if (last.text.length > left) kept.push({ ...last, text: last.text.slice(0, -left) });
    left -= last.text.length;
  }
  return kept.map((part) => (part.type === "text" ? citedWithin(part, length) : part));
}

function citedWithin(part: TextPart, length: number): TextPart {
  if (part.citations === undefined) return part;
  const citations = part.citations.flatMap((one) =>
    one.start < length ? [{ ...one, end: Math.min(one.end, length) }] : [],
  );
  return { ...part, citations };
}
