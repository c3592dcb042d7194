import { fromPieces, toRaw } from "#src/dialect/raw-text.ts";
import { countMarks, isBase64, longLength, mark, type Shell, uncut } from "#src/dialect/shell.ts";
import { encode } from "#src/lib/bytes.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A long text and the member or element that it is. */
interface Place {
  holder: JsonObject | Json[];
  name: string | number;
  text: string;
}

/** A value in JSON, as UTF-8. A picture is written from where it is: with the rest in one text first, it would be there twice. */
export function jsonBytes(value: JsonObject): Uint8Array<ArrayBuffer> {
  return shellBytes(cutJson(value));
}

/** A value in JSON, of which pictures are cut out. */
export function cutJson(value: JsonObject): Shell {
  const places: Place[] = [];
  find(value, places);
  if (places.length === 0) return uncut(JSON.stringify(value));
  let text: string;
  try {
    for (const [index, place] of places.entries()) put(place, mark + index);
    text = JSON.stringify(value);
  } finally {
    // Parts of it belong to the request, which may be written once more for another route.
    for (const place of places) put(place, place.text);
  }
  if (countMarks(text) !== places.length) return uncut(JSON.stringify(value));
  return { text, long: places.map((place) => place.text) };
}

/** The bytes of JSON with what was cut out back in its places. */
export function shellBytes({ text, long }: Shell): Uint8Array<ArrayBuffer> {
  if (long.length === 0) return encode(text);
  const [first = "", ...rest] = text.split(mark);
  const pieces = [toRaw(encode(first))];
  for (const piece of rest) {
    const end = piece.indexOf('"');
    pieces.push(long[Number(piece.slice(0, end))] ?? "", toRaw(encode(piece.slice(end))));
  }
  return fromPieces(pieces);
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
  return text.length > longLength && isBase64(text);
}

function put({ holder, name }: Place, text: string): void {
  if (isObject(holder)) holder[name] = text;
  else if (typeof name === "number") holder[name] = text;
}
