/** A member of a JSON object, by its place in the text. */
export class Member {
  readonly #text: string;
  readonly #keyEnd: number;

  constructor(
    text: string,
    /** Where the quoted key begins. */
    readonly start: number,
    /** Just past the quoted key. */
    keyEnd: number,
    readonly valueStart: number,
    /** Just past the value. */
    readonly end: number,
  ) {
    this.#text = text;
    this.#keyEnd = keyEnd;
  }

  get key(): string {
    return keyOf(this.#text, this.start + 1, this.#keyEnd - 1);
  }

  /** Whether its key says so: without making a text of the key, where nothing in it is escaped. */
  isNamed(name: string): boolean {
    const length = this.#keyEnd - this.start - 2;
    if (length === name.length) return this.#text.startsWith(name, this.start + 1);
    // An escape is longer than what it says.
    return length > name.length && this.#hasEscape() && this.key === name;
  }

  #hasEscape(): boolean {
    for (let at = this.start + 1; at < this.#keyEnd; at++)
      if (this.#text.charCodeAt(at) === backslash) return true;
    return false;
  }
}

/** The last member of a name: the one that counts. */
export function lastOf(members: readonly Member[], name: string): Member | undefined {
  for (let at = members.length - 1; at >= 0; at--) {
    const member = members[at];
    if (member?.isNamed(name)) return member;
  }
  return undefined;
}

/** Brackets deeper than this are an attack, not a message. */
export const deepest = 256;

/** The text cannot be walked: it ends too early, or is nested too deep. */
export class SpliceError extends Error {
  override readonly name = "SpliceError";
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];

/**
 * Members of the object that begins at or after `from`. The text must be valid JSON, or raw text of it;
 * only the structure is walked. Throws SpliceError beyond 256 levels.
 */
export function membersOf(text: string, from = 0): Member[] {
  const members: Member[] = [];
  let at = text.indexOf("{", from) + 1;
  for (;;) {
    const start = skipSpace(text, at);
    if (text.charCodeAt(start) !== quote) return members;
    const keyEnd = skipString(text, start);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, valueStart);
    members.push(new Member(text, start, keyEnd, valueStart, end));
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== comma) return members;
    at++;
  }
}

/** Where each value of the array that begins at `from` stands. */
export function elementsOf(text: string, from: number): { start: number; end: number }[] {
  const elements: { start: number; end: number }[] = [];
  let at = from + 1;
  for (;;) {
    const start = skipSpace(text, at);
    if (text.charCodeAt(start) === 0x5d) return elements;
    const end = skipValue(text, start);
    elements.push({ start, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== comma) return elements;
    at++;
  }
}

/** The last value of a member, as it is written in the text; undefined where there is none. */
export function valueIn(
  text: string,
  name: string,
  members: readonly Member[] = membersOf(text),
): string | undefined {
  const member = lastOf(members, name);
  return member && text.slice(member.valueStart, member.end);
}

/** Whether brackets nest beyond what is taken; any text. */
export function tooDeep(text: string): boolean {
  return countMembers(text) === -1;
}

/** How many members the outermost object of a JSON text tells, repeated ones each time; -1 where brackets nest beyond what is taken. */
export function countMembers(text: string): number {
  let depth = 0;
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      if (end === -1) return members;
      at = end - 1;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > deepest) return -1;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    } else if (code === colon && depth === 1) {
      members++;
    }
  }
  return members;
}

/** A change to the members of one object, by key: value text to put, or undefined to remove. */
export interface Edits {
  /** Every occurrence of a repeated key is changed; absent keys stay absent. */
  set?: Record<string, string | undefined>;
  /** Put at the end where the key is absent. */
  add?: Record<string, string>;
}

/** The text with the members of the object at or after `from` changed; all other bytes stay. */
export function edit(
  text: string,
  edits: Edits,
  from = 0,
  members = membersOf(text, from),
): string {
  let out = "";
  for (const piece of piecesOf(text, edits, from, members)) out += piece;
  return out;
}

/** What edit() makes, in pieces: what stays is a slice of the text. */
export function piecesOf(
  text: string,
  { set = {}, add = {} }: Edits,
  from = 0,
  members = membersOf(text, from),
): string[] {
  const names = Object.keys(set);
  const out: string[] = [];
  /** What is written of the text so far, and where the last member that stays ends. */
  let at = 0;
  let kept = text.indexOf("{", from) + 1;
  let some = false;
  for (let index = 0; index < members.length; index++) {
    const member = members[index];
    if (member === undefined) break;
    const name = nameOf(member, names);
    const value = name === undefined ? undefined : set[name];
    if (name === undefined) {
      kept = member.end;
      some = true;
    } else if (value !== undefined) {
      out.push(text.slice(at, member.valueStart), value);
      at = kept = member.end;
      some = true;
    } else {
      if (at < kept) out.push(text.slice(at, kept));
      // A comma goes with what it precedes; the first member takes the one behind it.
      at = some ? member.end : (members[index + 1]?.start ?? member.end);
    }
  }
  for (const key in add) {
    if (lastOf(members, key) !== undefined && !(names.includes(key) && set[key] === undefined))
      continue;
    if (at < kept) out.push(text.slice(at, kept));
    at = Math.max(at, kept);
    out.push(`${some ? "," : ""}${quoted(key)}:${add[key]}`);
    some = true;
  }
  out.push(text.slice(at));
  return out;
}

/** A key in quotes; those that we add are plain. */
function quoted(key: string): string {
  return /^\w+$/.test(key) ? `"${key}"` : JSON.stringify(key);
}

/** Which of the names a member has. */
function nameOf(member: Member, names: readonly string[]): string | undefined {
  for (const name of names) if (member.isNamed(name)) return name;
  return undefined;
}

function keyOf(text: string, start: number, end: number): string {
  const raw = text.slice(start, end);
  if (!raw.includes("\\")) return raw;
  const parsed: unknown = JSON.parse(`"${raw}"`);
  return typeof parsed === "string" ? parsed : raw;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/** Just past the string whose opening quote is at `from`; -1 when it never ends. */
export function endOfString(text: string, from: number): number {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at === -1) return -1;
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function skipString(text: string, from: number): number {
  const end = endOfString(text, from);
  if (end === -1) throw new SpliceError("The JSON ends too early");
  return end;
}

/** Just past the value that begins at `from`. */
function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === quote) return skipString(text, from);
  if (first !== 0x7b && first !== 0x5b) return skipScalar(text, from);
  // The object around counts.
  let depth = 1;
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = skipString(text, at);
      continue;
    }
    if (code === 0x7b || code === 0x5b) {
      if (++depth > deepest) throw new SpliceError(`The JSON nests beyond ${deepest} levels`);
    } else if (code === 0x7d || code === 0x5d) {
      if (--depth === 1) return at + 1;
    } else if (Number.isNaN(code)) {
      throw new SpliceError("The JSON ends too early");
    }
    at++;
  }
}

function skipScalar(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    // , ] } space, or the end of the text
    if (code === comma || code === 0x5d || code === 0x7d || code <= 0x20 || Number.isNaN(code))
      return at;
    at++;
  }
}
