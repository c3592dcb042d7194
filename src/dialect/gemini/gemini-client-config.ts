import {
  booleanIn,
  countable,
  numberIn,
  objectIn,
  type Range,
  repeated,
  textIn,
  textsIn,
  wrong,
} from "#src/dialect/ask.ts";
import type { Needs } from "#src/dialect/dialect.ts";
import { memberOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { countMembers, valueIn } from "#src/dialect/splice.ts";
import type { Reasoning } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What routing and admission need to know of `generationConfig`. */
export interface ConfigRead {
  maxOutputTokens: number | undefined;
  choices: number;
}

const numbers: Readonly<Record<string, Range>> = {
  temperature: { least: 0, most: 2 },
  topP: { least: 0, most: 1 },
  topK: { least: 1 },
  candidateCount: { least: 1, most: 8, whole: true },
  maxOutputTokens: countable,
  seed: { whole: true },
  presencePenalty: { least: -2, most: 2 },
  frequencyPenalty: { least: -2, most: 2 },
  logprobs: { least: 0, most: 20, whole: true },
};

const levels = ["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH"];

/** `generationConfig` of a body; empty where there is none. */
export function configOf(body: JsonObject): JsonObject {
  const config = memberOf(body, "generationConfig");
  return isObject(config) ? config : {};
}

/** Throws where the limits of an answer could be read in two ways: by another writing of a name, or by the other of two. */
export function requireOneConfig(text: string, body: JsonObject): void {
  refuseBoth(body, "");
  const name = nameIn(body, "generationConfig");
  const config = body[name];
  if (!isObject(config)) return;
  refuseBoth(config, `${name}.`);
  const told = valueIn(text, name) ?? "{}";
  if (countMembers(told) !== Object.keys(config).length) throw repeated(told);
}

function refuseBoth(holder: JsonObject, at: string): void {
  for (const name in holder) {
    if (!name.includes("_")) continue;
    const other = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (other === name || !(other in holder)) continue;
    throw new AppError("invalid_value", `Cannot follow both "${at}${name}" and "${at}${other}"`, {
      param: `${at}${other}`,
    });
  }
}

/** Validates `generationConfig` by type and range, and notes what it needs. Throws `invalid_value`. */
export function readConfig(body: JsonObject, needs: Needs): ConfigRead {
  const at = nameIn(body, "generationConfig");
  const config = objectIn(body, at) ?? {};
  const place = (name: string): [JsonObject, string, string] => {
    const given = nameIn(config, name);
    return [config, given, `${at}.${given}`];
  };
  const number = (name: string) => {
    const [holder, given, path] = place(name);
    return numberIn(holder, given, numbers[name] ?? {}, path);
  };
  for (const name in numbers) number(name);
  textsIn(...place("stopSequences"));
  textsIn(...place("responseModalities"));
  textIn(...place("mediaResolution"));
  objectIn(...place("responseSchema"));
  objectIn(...place("responseJsonSchema"));
  if (booleanIn(...place("responseLogprobs"))) needs.logprobs = true;
  const format = textIn(...place("responseMimeType"));
  if (schemaOf(config) !== undefined) needs.jsonSchema = true;
  else if (format === "application/json") needs.jsonObject = true;
  readThinking(config, at, needs);
  return { maxOutputTokens: number("maxOutputTokens"), choices: number("candidateCount") ?? 1 };
}

function readThinking(config: JsonObject, above: string, needs: Needs): void {
  const name = nameIn(config, "thinkingConfig");
  const at = `${above}.${name}`;
  const thinking = objectIn(config, name, at);
  if (thinking === undefined) return;
  const [shown, budget, level] = [
    nameIn(thinking, "includeThoughts"),
    nameIn(thinking, "thinkingBudget"),
    nameIn(thinking, "thinkingLevel"),
  ];
  booleanIn(thinking, shown, `${at}.${shown}`);
  const tokens = numberIn(thinking, budget, { least: -1, whole: true }, `${at}.${budget}`);
  const word = textIn(thinking, level, `${at}.${level}`);
  if (word !== undefined && !levels.includes(word.toUpperCase()))
    throw wrong(`${at}.${level}`, word, `one of ${levels.slice(1).join(", ")}`);
  if (tokens !== undefined && word !== undefined) {
    throw new AppError(
      "invalid_value",
      `Cannot follow both "${budget}" and "${level}" of "${at}": one of them is needed`,
      { param: at },
    );
  }
  const effort = reasoningOf(config)?.effort;
  needs.reasoning =
    (tokens !== undefined && tokens !== 0) || (effort !== undefined && effort !== "none");
}

/** `thinkingConfig` in canonical words; a dynamic budget is a medium effort. */
export function reasoningOf(config: JsonObject): Reasoning | undefined {
  const thinking = memberOf(config, "thinkingConfig");
  if (!isObject(thinking)) return undefined;
  const budget = numberOf(memberOf(thinking, "thinkingBudget"));
  const word = stringOf(memberOf(thinking, "thinkingLevel"))?.toLowerCase();
  const level = (["minimal", "low", "medium", "high"] as const).find((one) => one === word);
  const exclude = memberOf(thinking, "includeThoughts") === false ? { exclude: true } : {};
  if (budget === 0) return { effort: "none", ...exclude };
  if (budget === -1) return { effort: "medium", ...exclude };
  if (budget !== undefined) return { budgetTokens: budget, ...exclude };
  return { ...(level ? { effort: level } : {}), ...exclude };
}

/** The schema that an answer must follow, in either of its two forms; undefined when there is none. */
export function schemaOf(config: JsonObject): { subset: Json } | { full: Json } | undefined {
  const full = memberOf(config, "responseJsonSchema") ?? config._responseJsonSchema;
  if (full !== undefined && full !== null) return { full };
  const subset = memberOf(config, "responseSchema");
  return subset === undefined ? undefined : { subset };
}
