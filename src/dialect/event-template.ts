import { edit, elementsOf, endOfString, membersOf, type Edits } from "#src/dialect/splice.ts";

/*
 * Most events of a stream are the same text around another word. What was learned of one event,
 * parsed and checked, serves for all that differ from it in these words alone: they hold no other
 * finish reason, usage or error, and need neither parsing nor editing. All text here is raw.
 */

/** Strings of a delta that are the answer's own words. */
const words: ReadonlySet<string> = new Set([
  "content",
  "text",
  "refusal",
  "reasoning",
  "reasoning_content",
  "name",
  "arguments",
]);
/** Random padding of one provider, of another length in each event. */
const padding = "obfuscation";

/** Stands for a word; cannot occur in valid JSON. */
const hole = "\u0001";
/** A word with one of these is checked before it is taken for a string. */
const unusual = /[\\\u0000-\u001f]/;

/** What an event becomes on the way to the client. */
export interface Rewritten {
  data: string;
  /** Bytes of the answer in it. */
  wordBytes: number;
}

/** An event that was seen, with holes where its words stood. */
export class EventTemplate {
  readonly #seen: string[];
  readonly #written: string[];
  readonly #counted: boolean[];

  private constructor(seen: string[], written: string[], counted: boolean[]) {
    this.#seen = seen;
    this.#written = written;
    this.#counted = counted;
  }

  /** Learns from an event that is valid JSON; undefined when there is nothing in it that varies. */
  static learn(data: string, edits: Edits): EventTemplate | undefined {
    // An event of several lines is too rare to be worth it.
    if (data.includes("\n")) return undefined;
    const holes = findHoles(data);
    if (holes.length === 0) return undefined;
    let skeleton = "";
    let at = 0;
    for (const { start, end } of holes) {
      skeleton += data.slice(at, start) + hole;
      at = end;
    }
    skeleton += data.slice(at);
    const counted = holes.map((one) => one.counted);
    return new EventTemplate(skeleton.split(hole), edit(skeleton, edits).split(hole), counted);
  }

  /** The event rewritten as the learned one was; undefined when it differs in more than its words. */
  apply(data: string): Rewritten | undefined {
    const [first = ""] = this.#seen;
    if (!data.startsWith(first)) return undefined;
    let at = first.length;
    let out = this.#written[0] ?? "";
    let wordBytes = 0;
    for (let index = 0; index < this.#counted.length; index++) {
      let end = data.indexOf('"', at);
      if (end === -1) return undefined;
      let word = data.slice(at, end);
      if (unusual.test(word)) {
        end = endOfString(data, at - 1) - 1;
        word = data.slice(at, end);
        if (!isString(word)) return undefined;
      }
      const next = this.#seen[index + 1] ?? "";
      if (!data.startsWith(next, end)) return undefined;
      out += word + (this.#written[index + 1] ?? "");
      if (this.#counted[index]) wordBytes += word.length;
      at = end + next.length;
    }
    return at === data.length ? { data: out, wordBytes } : undefined;
  }
}

function isString(word: string): boolean {
  try {
    JSON.parse(`"${word}"`);
    return true;
  } catch {
    // Not a string after all: the whole event is parsed then, and refused with a reason.
    return false;
  }
}

interface Hole {
  start: number;
  end: number;
  counted: boolean;
}

function findHoles(data: string): Hole[] {
  return membersOf(data).flatMap(({ key, valueStart, end }): Hole[] => {
    if (key === "choices" && data[valueStart] === "[") {
      return elementsOf(data, valueStart).flatMap((choice) => holesIn(data, choice.start));
    }
    return key === padding && data[valueStart] === '"'
      ? [{ start: valueStart + 1, end: end - 1, counted: false }]
      : [];
  });
}

/** Words of a choice, its delta, its calls and their functions. */
function holesIn(data: string, from: number): Hole[] {
  if (data[from] !== "{") return [];
  return membersOf(data, from).flatMap(({ key, valueStart, end }) => {
    if (data[valueStart] === '"') {
      return words.has(key) ? [{ start: valueStart + 1, end: end - 1, counted: true }] : [];
    }
    if (key === "delta" || key === "function") return holesIn(data, valueStart);
    if (key !== "tool_calls" || data[valueStart] !== "[") return [];
    return elementsOf(data, valueStart).flatMap((call) => holesIn(data, call.start));
  });
}
