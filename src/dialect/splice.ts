import { AppError } from "#src/lib/error.ts";

/** A top-level member of a JSON object, by its place in the text. */
export interface Member {
  key: string;
  /** Where the quoted key begins. */
  start: number;
  valueStart: number;
  /** Just past the value. */
  end: number;
}

/** Brackets deeper than this are an attack, not a request. */
const deepest = 256;

const quote = 0x22;
const backslash = 0x5c;

/**
 * Members of the object that begins at `from`. The text must be valid JSON; only the structure is walked, so numbers
 * and unknown members keep every digit. Throws `invalid_json` beyond 256 levels.
 */
export function membersOf(text: string, from = 0): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, from) + 1;
  for (;;) {
    at = skipSpace(text, at);
    if (text.charCodeAt(at) !== quote) return members;
    const start = at;
    const keyEnd = skipString(text, at);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, valueStart);
    members.push({ key: keyOf(text.slice(start + 1, keyEnd - 1)), start, valueStart, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== 0x2c) return members;
    at++;
  }
}

/** Where the object that begins at `from` closes: the index of its last brace. */
export function closingBrace(text: string, from: number): number {
  return skipValue(text, from) - 1;
}

function keyOf(raw: string): string {
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

/** Just past the string that begins at `from`. */
function skipString(text: string, from: number): number {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) throw broken();
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

/** Just past the value that begins at `from`. */
function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === quote) return skipString(text, from);
  if (first !== 0x7b && first !== 0x5b) return skipScalar(text, from);
  let depth = 0;
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = skipString(text, at);
      continue;
    }
    if (code === 0x7b || code === 0x5b) {
      if (++depth > deepest)
        throw new AppError(
          "invalid_json",
          `Cannot take JSON nested more than ${deepest} levels deep`,
        );
    } else if (code === 0x7d || code === 0x5d) {
      if (--depth === 0) return at + 1;
    } else if (Number.isNaN(code)) {
      throw broken();
    }
    at++;
  }
}

function skipScalar(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    // , ] } space, or the end of the text
    if (code === 0x2c || code === 0x5d || code === 0x7d || code <= 0x20 || Number.isNaN(code))
      return at;
    at++;
  }
}

function broken(): AppError {
  return new AppError("invalid_json", "Cannot parse the body as JSON: it ends too early");
}

/** A change to the members of one object. */
export interface Edits {
  /** Value text by key; undefined removes. Every occurrence of a repeated key is changed. */
  set: Record<string, string | undefined>;
  /** Members to add at the end where the key is absent, as value text. */
  add?: Record<string, string>;
}

/** The object at `from` with its members changed; all other bytes stay. Returns the whole text. */
export function edit(text: string, edits: Edits, from = 0): string {
  const members = membersOf(text, from);
  const kept = members.map((member) => ({
    member,
    change: Object.hasOwn(edits.set, member.key),
    value: edits.set[member.key],
  }));
  const open = skipSpace(text, from) + 1;
  let out = text.slice(0, open);
  let at = open;
  let written = 0;
  for (const { member, change, value } of kept) {
    if (change && value === undefined) {
      at = member.end;
      continue;
    }
    // What stood before the member (space, comma) comes along, except a comma without a predecessor.
    const between = text.slice(at, member.start);
    out +=
      written === 0 ? between.replace(",", "") : between.includes(",") ? between : `,${between}`;
    out += change
      ? text.slice(member.start, member.valueStart) + value
      : text.slice(member.start, member.end);
    at = member.end;
    written++;
  }
  for (const [key, value] of Object.entries(edits.add ?? {})) {
    if (members.some((member) => member.key === key)) continue;
    out += `${written === 0 ? "" : ","}${JSON.stringify(key)}:${value}`;
    written++;
  }
  const close = closingOf(text, members, open);
  return out + text.slice(close);
}

function closingOf(text: string, members: Member[], open: number): number {
  const last = members.at(-1);
  return skipSpace(text, last === undefined ? open : last.end);
}
