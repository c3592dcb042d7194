import { valueFor } from "#src/demo/schema-value.ts";
import { countTokens, cutToTokens, textAbout } from "#src/demo/words.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A function that the model may call. */
export interface Tool {
  name: string;
  schema: Json | undefined;
}

/** What a simulated model was asked, whatever the wire. */
export interface Question {
  /** Text of the last user message. */
  text: string;
  /** All text of the prompt in a fixed order: what is counted and cached. */
  prompt: string;
  /** Images, files and sounds beside the text. */
  media: number;
  maxTokens: number | undefined;
  stop: string[];
  tools: Tool[];
  /** `forced`: one has to be called; a name forces that one. */
  calling: "auto" | "forced" | "forbidden" | { name: string };
  parallelCalls: boolean;
  /** Results of tools after the last user text: the model answers them instead of calling again. */
  results: string[];
  json: boolean;
  schema: Json | undefined;
  /** Tokens to think before answering; 0 for none. */
  thinkingTokens: number;
  /** Where a cached prompt start may end, in characters: everywhere, or up to a breakpoint that is also written. */
  caching: "automatic" | { upTo: number; ttl: "5m" | "1h" } | undefined;
}

/** What a simulated model says. */
export interface Answer {
  text: string;
  calls: { name: string; arguments: JsonObject }[];
  /** The text of its thinking, undefined when it did not think. */
  thinking: string | undefined;
  ending: "stop" | "stop_sequence" | "length" | "tool_calls";
  stopSequence: string | undefined;
  tokens: TokenCounts;
}

/** `prompt` is the total, with `cached` and `written` in it; the outputs are disjoint. */
export interface TokenCounts {
  prompt: number;
  cached: number;
  written: { tokens: number; ttl: "5m" | "1h" };
  visible: number;
  thinking: number;
}

const tokensPerMedium = 258;
const thoughts = "The question is a demo question, so a simulated answer will do.";

/** The answer to a question: the same question, the same answer. `cachedCharacters` of the prompt were seen before. */
export function answerTo(
  question: Question,
  options: { cachedCharacters?: number; tokens?: number } = {},
): Answer {
  const limit = question.maxTokens ?? Infinity;
  const thinkingTokens = Math.min(question.thinkingTokens, Math.floor(limit / 2));
  const shared = {
    thinking: question.thinkingTokens > 0 ? thoughts : undefined,
    stopSequence: undefined,
  };
  const counts = promptCounts(question, options.cachedCharacters ?? 0);
  const calls = callsFor(question);
  if (calls.length > 0) {
    const written = calls.map((call) => call.name + JSON.stringify(call.arguments)).join("");
    const tokens = { ...counts, visible: countTokens(written), thinking: thinkingTokens };
    return { ...shared, text: "", calls, ending: "tool_calls", tokens };
  }
  const { text: stopped, stopSequence } = stopAt(textFor(question, options.tokens), question.stop);
  const text = cutToTokens(stopped, limit - thinkingTokens);
  return {
    ...shared,
    text,
    calls: [],
    ending: text !== stopped ? "length" : stopSequence === undefined ? "stop" : "stop_sequence",
    stopSequence: text === stopped ? stopSequence : undefined,
    tokens: { ...counts, visible: countTokens(text), thinking: thinkingTokens },
  };
}

/** Tokens of the prompt, with media. */
export function promptTokens(question: Question): number {
  return Math.max(1, countTokens(question.prompt) + question.media * tokensPerMedium);
}

function promptCounts(question: Question, cachedCharacters: number) {
  const total = promptTokens(question);
  const { caching } = question;
  const cached = caching === undefined ? 0 : Math.min(total, Math.floor(cachedCharacters / 4));
  const written = { tokens: 0, ttl: "5m" as const };
  if (caching === undefined || caching === "automatic") return { prompt: total, cached, written };
  const cacheable = Math.floor(caching.upTo / 512) * 128;
  const tokens = cacheable < 1024 ? 0 : Math.max(0, Math.min(total, cacheable) - cached);
  return { prompt: total, cached, written: { tokens, ttl: caching.ttl } };
}

function textFor(question: Question, tokens: number | undefined): string {
  if (question.schema !== undefined) return JSON.stringify(valueFor(question.schema));
  if (question.json) return JSON.stringify({ simulated: true, topic: question.text.slice(0, 60) });
  const echo = question.text.indexOf("echo:");
  if (echo >= 0) return question.text.slice(echo + "echo:".length).trimStart();
  if (question.results.length > 0)
    return `${textAbout("", undefined)} The tools answered: ${question.results.join("; ")}`;
  return textAbout(question.text, tokens);
}

function stopAt(text: string, stops: string[]): { text: string; stopSequence?: string } {
  let first: { text: string; stopSequence?: string } = { text };
  for (const stop of stops) {
    const at = stop === "" ? -1 : text.indexOf(stop);
    if (at >= 0 && at < first.text.length) first = { text: text.slice(0, at), stopSequence: stop };
  }
  return first;
}

function callsFor(question: Question): Answer["calls"] {
  const { calling, tools } = question;
  if (tools.length === 0 || calling === "forbidden") return [];
  const wanted =
    calling !== "auto" || (question.results.length === 0 && /weather|tool/i.test(question.text));
  if (!wanted) return [];
  const named = typeof calling === "object" ? calling.name : undefined;
  const first = tools.find((tool) => tool.name === named) ?? tools[0];
  if (first === undefined) return [];
  const second = named === undefined ? (tools[1] ?? first) : first;
  const two = question.parallelCalls && /\btwo\b/i.test(question.text);
  return (two ? [first, second] : [first]).map(({ name, schema }) => {
    const value = valueFor(schema ?? {});
    return { name, arguments: isObject(value) ? value : {} };
  });
}
