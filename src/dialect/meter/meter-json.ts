import { readRaw, toRaw } from "#src/dialect/raw-text.ts";

/** More than any usage object holds; a longer value is not kept. */
const longestValue = 65_536;
const longestKey = 64;

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Finds some members of the object that passes by, and keeps nothing else of it: an answer may hold megabytes of
 * vectors or images. An array of objects, as Gemini streams without events, is read as one object whose last word counts.
 */
export class PassingMembers {
  readonly #wanted: ReadonlySet<string>;
  readonly #found: Map<string, string> = new Map();
  #depth = 0;
  /** Depth at which the wanted members stand; 0 before the first bracket. */
  #base = 0;
  #inString = false;
  #escaped = false;
  #inKey = false;
  #key = "";
  /** The value being kept, raw; undefined while nothing is. */
  #value: string | undefined;
  #state: "before" | "within" | "over" | "none" = "before";

  constructor(wanted: Iterable<string>) {
    this.#wanted = new Set(wanted);
  }

  /** The outermost value is complete. */
  get over(): boolean {
    return this.#state === "over";
  }

  /** Whether a member was there, also where its value was too long to be kept. */
  has(name: string): boolean {
    return this.#found.has(name);
  }

  /** The JSON text of a member's last value; undefined when it was absent or too long. */
  text(name: string): string | undefined {
    const raw = this.#found.get(name);
    return raw === undefined || raw === "" ? undefined : readRaw(raw);
  }

  push(bytes: Uint8Array): void {
    if (this.#state === "over" || this.#state === "none") return;
    const text = toRaw(bytes);
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#inString) {
        this.#string(code, text, at);
        continue;
      }
      switch (code) {
        case quote:
          this.#inString = true;
          this.#inKey = this.#key === "" && this.#value === undefined && this.#isHere();
          break;
        case openBrace:
        case openBracket:
          if (this.#state === "before") this.#begin(code);
          this.#depth++;
          if (this.#depth === this.#base) this.#key = "";
          break;
        case closeBrace:
        case closeBracket:
          if (this.#isHere()) this.#end(text.slice(from, at));
          this.#depth--;
          if (this.#depth > 0 || this.#state !== "within") break;
          this.#state = "over";
          return;
        case colon:
          if (!this.#isHere() || this.#value !== undefined) break;
          if (!this.#wanted.has(this.#key)) break;
          this.#value = "";
          from = at + 1;
          break;
        case comma:
          if (!this.#isHere()) break;
          this.#end(text.slice(from, at));
          break;
        default:
          // A byte order mark and white space may come before a value, and nothing else.
          if (this.#state === "before" && code > 0x20 && code < 0x80) this.#state = "none";
          if (this.#state === "none") return;
      }
    }
    this.#keep(text.slice(from));
  }

  /** At the depth of the wanted members, outside any string. */
  #isHere(): boolean {
    return this.#depth === this.#base && this.#state === "within";
  }

  #begin(code: number): void {
    this.#state = "within";
    this.#base = code === openBracket ? 2 : 1;
  }

  #string(code: number, text: string, at: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (code === backslash) this.#escaped = true;
    else if (code === quote) {
      this.#inString = false;
      this.#inKey = false;
      return;
    }
    if (this.#inKey && this.#key.length < longestKey) this.#key += text[at] ?? "";
  }

  /** Takes more of a value that goes on. */
  #keep(more: string): void {
    const value = this.#value;
    if (value === undefined || value.length > longestValue) return;
    this.#value = value + more;
  }

  /** A member of the wanted depth is over. */
  #end(last: string): void {
    this.#keep(last);
    const value = this.#value;
    if (value !== undefined) this.#found.set(this.#key, value.length > longestValue ? "" : value);
    this.#value = undefined;
    this.#key = "";
  }
}
