import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

declare global {
  interface JSON {
    /** A value that `stringify` writes as the given text. */
    rawJSON(text: string): JsonObject;
    isRawJSON(value: unknown): boolean;
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: Json, context: { source?: string }) => Json,
    ): Json;
  }
}

/**
 * Parses so that `JSON.stringify` writes every number as it was read: an integer beyond 2^53 or a
 * number beyond double range becomes an opaque raw value. For text that is read to be written again.
 * Throws SyntaxError.
 */
export function parseExact(text: string): Json {
  if (!/\d{16}|\d[eE]\+?\d{3}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value, { source }) => {
    if (typeof value !== "number" || source === undefined) return value;
    return survives(value, source) ? value : JSON.rawJSON(source);
  });
}

function survives(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(source);
}

/** Whether a value is a number that was kept as text. */
export function isRaw(value: unknown): boolean {
  return JSON.isRawJSON(value);
}

/** Objects merged member by member, the second one winning; everything else is replaced whole. */
export function mergeJson(below: JsonObject, above: JsonObject | undefined): JsonObject {
  const merged: JsonObject = { ...below };
  for (const [name, value] of Object.entries(above ?? {})) {
    const old = merged[name];
    merged[name] = isObject(old) && isObject(value) ? mergeJson(old, value) : value;
  }
  return merged;
}
