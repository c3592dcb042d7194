import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What a simulated model was asked, whatever the wire. */
export interface Question {
  /** Text of the last user message. */
  text: string;
  /** All text of the prompt, for counting. */
  promptBytes: number;
  maxTokens: number;
  stop: string[];
  tools: { name: string; schema: Json | undefined }[];
  /** A tool that must be called, or any of them. */
  forced: boolean;
  forbidden: boolean;
  /** Results of tools in the prompt: the model answers them instead of calling again. */
  results: string[];
  json: boolean;
  schema: Json | undefined;
  reasons: boolean;
}

/** What a simulated model says. */
export interface Answer {
  words: string[];
  calls: { name: string; arguments: JsonObject }[];
  reasoning: string | undefined;
  finish: "stop" | "length" | "tool_calls";
  promptTokens: number;
  visibleTokens: number;
  reasoningTokens: number;
}

const preface = "This is a simulated answer from a demo provider; no model was asked.";
const filler = [
  "Every answer names the provider and the region that served it.",
  "The estimate beside it says how much energy the request used and how much carbon that emitted.",
  "Change the model or the region in the request and compare the figures.",
];

/** Tokens of a text, as this simulation counts: four bytes each. */
export function countTokens(bytes: number): number {
  return Math.ceil(bytes / 4);
}

/** The answer to a question: the same question, the same answer. */
export function answerTo(question: Question): Answer {
  const promptTokens = Math.max(1, countTokens(question.promptBytes));
  const reasoning = question.reasons
    ? "The question is short, so the answer can be short."
    : undefined;
  const reasoningTokens = reasoning === undefined ? 0 : countTokens(reasoning.length);
  const calls = callsFor(question);
  if (calls.length > 0) {
    const bytes = calls.reduce(
      (sum, call) => sum + call.name.length + JSON.stringify(call.arguments).length,
      0,
    );
    return {
      words: [],
      calls,
      reasoning,
      finish: "tool_calls",
      promptTokens,
      visibleTokens: countTokens(bytes),
      reasoningTokens,
    };
  }
  const full = stopped(textFor(question), question.stop);
  const words = full.split(/(?<=\s)/).filter((word) => word !== "");
  const kept = words.slice(0, Math.max(1, question.maxTokens));
  const cut = kept.length < words.length;
  return {
    words: kept,
    calls: [],
    reasoning,
    finish: cut ? "length" : "stop",
    promptTokens,
    visibleTokens: kept.length,
    reasoningTokens,
  };
}

function textFor(question: Question): string {
  if (question.schema !== undefined) return JSON.stringify(sample(question.schema));
  if (question.json) return JSON.stringify({ simulated: true, answer: preface });
  const echo = /echo:\s*([\s\S]*)$/.exec(question.text)?.[1];
  if (echo !== undefined) return echo;
  if (question.results.length > 0)
    return `${preface} The tools answered: ${question.results.join("; ")}`;
  const topic = question.text.slice(0, 60).replace(/\s+/g, " ").trim();
  return `${preface} You asked about "${topic}". ${filler.join(" ")}`;
}

function stopped(text: string, stops: string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

function callsFor(question: Question): Answer["calls"] {
  const [first] = question.tools;
  if (first === undefined || question.forbidden) return [];
  const wanted =
    question.forced || (question.results.length === 0 && /weather|tool/i.test(question.text));
  if (!wanted || (question.results.length > 0 && !question.forced)) return [];
  const chosen = /\btwo\b/i.test(question.text) ? [first, question.tools[1] ?? first] : [first];
  return chosen.map(({ name, schema }) => {
    const value = sample(schema ?? {});
    return { name, arguments: isObject(value) ? value : {} };
  });
}

/** A small value that fits a JSON Schema. */
export function sample(schema: Json): Json {
  if (!isObject(schema)) return {};
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (schema.const !== undefined) return schema.const;
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "string":
      return stringOf(schema.default) ?? "Paris";
    case "integer":
    case "number":
      return typeof schema.minimum === "number" ? schema.minimum : 1;
    case "boolean":
      return true;
    case "array":
      return schema.items === undefined ? [] : [sample(schema.items)];
    case "null":
      return null;
    default: {
      const properties = isObject(schema.properties) ? schema.properties : {};
      return Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, sample(inner ?? {})]),
      );
    }
  }
}
