import { rawJson } from "#src/dialect/raw-text.ts";
import { endOfString } from "#src/dialect/splice.ts";
import { isObject, type Json } from "#src/lib/json.ts";

/*
 * A picture is one long text in its body. Parsed with the rest it would be there twice, and where the rest has a letter
 * beyond ASCII even in two bytes for each character: so long texts are cut out, what is left is parsed, and slices of
 * the body's own text, which hold no bytes, are put back. Looking whether a text may be cut takes a fifth of what parsing it does.
 */

/** Bodies and answers above this many bytes are worth the care that no copy of them is kept. */
export const largeBytes = 65_536;
/** Shorter texts stay with the rest. */
export const longLength = 16_384;

/** JSON text of which long texts are cut out, each replaced by its mark and its number. */
export interface Shell {
  text: string;
  long: readonly string[];
}

const none: readonly string[] = [];
/** A character of private use, written as an escape. */
export const mark = "\ue000";
const markJson = rawJson(mark).slice(1, -1);
/** The same in any text and in raw text, in each way of writing it. */
const anyMark = /\ue000|\u00ee\u0080\u0080|\\ue000/i;

/** A text of which nothing is cut out. */
export function uncut(text: string): Shell {
  return { text, long: none };
}

/** Raw text of JSON as a shell, still in raw text. The long texts are slices of it. */
export function shellOf(raw: string): Shell {
  let text = "";
  let at = 0;
  const long: string[] = [];
  for (let from = raw.indexOf('"'); from !== -1;) {
    const end = endOfString(raw, from);
    if (end === -1) break;
    if (end - from > longLength) {
      const found = raw.slice(from + 1, end - 1);
      if (isPlain(found) && !isKey(raw, end)) {
        text += raw.slice(at, from + 1) + markJson + long.length;
        long.push(found);
        at = end - 1;
      }
    }
    from = raw.indexOf('"', end);
  }
  if (long.length === 0) return uncut(raw);
  const rest = raw.slice(at);
  // The marks have to be ours alone.
  if (countMarks(text + rest) !== long.length) return uncut(raw);
  return { text: text + rest, long };
}

/** Parses what is left and puts the long texts back. Throws what `parse` throws. */
export function parseShell({ text, long }: Shell, parse: (text: string) => Json): Json {
  const parsed = parse(text);
  return long.length === 0 ? parsed : filled(parsed, long);
}

function filled(value: Json, long: readonly string[]): Json {
  if (typeof value === "string")
    return value.startsWith(mark) ? (long[Number(value.slice(mark.length))] ?? value) : value;
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) {
      const put = filled(element, long);
      if (put !== element) value[index] = put;
    }
  } else if (isObject(value)) {
    for (const name in value) {
      const member = value[name];
      if (member === undefined) continue;
      const put = filled(member, long);
      if (put !== member) value[name] = put;
    }
  }
  return value;
}

/** How often a mark is in a text, of ours or not. */
export function countMarks(text: string): number {
  return text.split(anyMark).length - 1;
}

const escaped = /["\\\0-\x1f]/;

/** Whether a text is written in JSON as it reads, one byte for each character: pictures are, and texts without a break. */
export function isPlain(text: string): boolean {
  return Buffer.byteLength(text) === text.length && !escaped.test(text);
}

const colonNext = /\s*:/y;

/** Whether the string that ends there is the name of a member. */
function isKey(raw: string, end: number): boolean {
  colonNext.lastIndex = end;
  return colonNext.test(raw);
}
