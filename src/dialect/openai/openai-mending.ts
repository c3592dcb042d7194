import { refusalOf, textOf, thinkingOf } from "#src/dialect/openai/openai-chat-parts.ts";
import { rawJson, readRaw } from "#src/dialect/raw-text.ts";
import { edit, elementsOf, valueIn } from "#src/dialect/splice.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/** Puts the raw text of one JSON value right. All that is not wrong keeps its bytes. */
export type Mending = (text: string) => string;

/** All of them in turn; undefined where there are none. */
export function allOf(mendings: readonly Mending[]): Mending | undefined {
  if (mendings.length === 0) return undefined;
  return (text) => mendings.reduce((mended, mend) => mend(mended), text);
}

/** A member with another value, or a new one. */
export function putting(name: string, value: string): Mending {
  return (text) => edit(text, { set: { [name]: value }, add: { [name]: value } });
}

/** An object without a member. */
export function dropping(name: string): Mending {
  return (text) => edit(text, { set: { [name]: undefined } });
}

/** The value of a member put right. */
export function within(name: string, mend: Mending): Mending {
  return (text) => {
    const value = valueIn(text, name);
    return value === undefined ? text : edit(text, { set: { [name]: mend(value) } });
  };
}

/** Elements of an array put right, by their place; undefined where none has to be. */
export function each(mendings: readonly (Mending | undefined)[]): Mending | undefined {
  if (mendings.every((mend) => mend === undefined)) return undefined;
  return (text) => {
    let out = "";
    let at = 0;
    for (const [place, { start, end }] of elementsOf(text, 0).entries()) {
      const element = text.slice(start, end);
      out += text.slice(at, start) + (mendings[place]?.(element) ?? element);
      at = end;
    }
    return out + text.slice(at);
  };
}

/** More elements for the array that a member holds, or for a new one. */
export function appending(name: string, elements: readonly string[]): Mending {
  return (text) => {
    const value = valueIn(text, name);
    const told = value?.startsWith("[") ? value.slice(1, -1).trimEnd() : "";
    const list = told === "" ? elements : [told, ...elements];
    return putting(name, `[${list.join(",")}]`)(text);
  };
}

/** A value as a string of its own JSON: digits and all. */
export const quoting: Mending = (text) => JSON.stringify(text);

/** Text, reasoning and refusal from a content that is a list of parts, each in the member where clients look for it. */
export function mendContent(message: JsonObject): Mending | undefined {
  if (!Array.isArray(message.content)) return undefined;
  return (text) => {
    const parts: Json = JSON.parse(readRaw(valueIn(text, "content") ?? "null"));
    const mendings = [putting("content", rawJson(textOf(parts)))];
    for (const [name, said] of [
      ["reasoning", thinkingOf(parts)],
      ["refusal", refusalOf(parts)],
    ] as const) {
      if (said === "" || typeof message[name] === "string") continue;
      mendings.push(putting(name, rawJson(said)));
    }
    return allOf(mendings)?.(text) ?? text;
  };
}
