import { toRaw } from "#src/dialect/raw-text.ts";
import { countMarks, isPlain, longLength, mark, type Shell, uncut } from "#src/dialect/shell.ts";
import { encode } from "#src/lib/bytes.ts";
import { RawPieces, type UpstreamBody } from "#src/lib/raw-pieces.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A long text and the member or element that it is. */
interface Place {
  holder: JsonObject | Json[];
  name: string | number;
  text: string;
}

/** A value in JSON, as UTF-8. A picture is written from where it is: with the rest in one text first, it would be there twice. */
export function jsonBody(value: JsonObject, cut: readonly string[] = none): UpstreamBody {
  return shellBody(cutJson(value, cut));
}

/** A text besides ours has the mark in it: the value is to be written without `cut`. */
export class ForeignMark extends Error {
  override readonly name = "ForeignMark";
}

const none: readonly string[] = [];

/**
 * A value in JSON, of which pictures are cut out. `cut` are those of which the value has the marks already.
 * Throws ForeignMark where there are such, and the marks are not ours alone.
 */
export function cutJson(value: JsonObject, cut: readonly string[] = none): Shell {
  const places: Place[] = [];
  find(value, places);
  if (places.length + cut.length === 0) return uncut(JSON.stringify(value));
  let text: string;
  try {
    for (const [index, place] of places.entries()) put(place, mark + (cut.length + index));
    text = JSON.stringify(value);
  } finally {
    // Parts of it belong to the request, which may be written once more for another route.
    for (const place of places) put(place, place.text);
  }
  const long = [...cut, ...places.map((place) => place.text)];
  if (countMarks(text) === long.length) return { text, long };
  if (cut.length > 0) throw new ForeignMark("A text has the mark of what is cut out");
  return uncut(JSON.stringify(value));
}

/** The bytes of JSON with what was cut out back in its places. */
export function shellBody({ text, long }: Shell): UpstreamBody {
  if (long.length === 0) return encode(text);
  const [first = "", ...rest] = text.split(mark);
  const pieces = [toRaw(encode(first))];
  for (const piece of rest) {
    const end = piece.indexOf('"');
    pieces.push(long[Number(piece.slice(0, end))] ?? "", toRaw(encode(piece.slice(end))));
  }
  return new RawPieces(pieces);
}

function find(value: Json, places: Place[]): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const element = value[index];
      if (typeof element !== "string") find(element ?? null, places);
      else if (isLong(element)) places.push({ holder: value, name: index, text: element });
    }
    return;
  }
  for (const name in value) {
    const member = value[name];
    if (typeof member !== "string") find(member ?? null, places);
    else if (isLong(member)) places.push({ holder: value, name, text: member });
  }
}

function isLong(text: string): boolean {
  return text.length > longLength && isPlain(text);
}

function put({ holder, name }: Place, text: string): void {
  if (isObject(holder)) holder[name] = text;
  else if (typeof name === "number") holder[name] = text;
}
