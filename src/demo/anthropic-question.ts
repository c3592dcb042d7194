import type { Question, Tool } from "#src/demo/answer.ts";
import { blocksOf, brokenOrder, brokenValue } from "#src/demo/anthropic-rules.ts";
import { type Refusal, refuse } from "#src/demo/wire.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const efforts: Readonly<Record<string, number>> = {
  low: 64,
  medium: 128,
  high: 256,
  xhigh: 512,
  max: 1024,
};

/** The question in a Messages request, or why the real endpoint would refuse it. `counts`: it only counts tokens. */
export function messageQuestion(
  body: JsonObject,
  { counts }: { counts: boolean },
): Question | { refusal: Refusal } {
  const maxTokens = numberOf(body.max_tokens);
  if (maxTokens === undefined && !counts) return refuse("max_tokens: Field required");
  const broken = brokenValue(body) ?? brokenOrder(body);
  if (broken !== undefined) return refuse(broken);
  const messages = oneTurnEach(Array.isArray(body.messages) ? body.messages.filter(isObject) : []);
  const user = messages.findLast(({ role, content }) => role === "user" && textOf(content) !== "");
  const choice = isObject(body.tool_choice) ? body.tool_choice : {};
  const output = isObject(body.output_config) ? body.output_config : {};
  const format = isObject(output.format) ? output.format : {};
  const pieces = piecesOf(body, messages);
  return {
    text: textOf(user?.content),
    prompt: pieces.map(({ text }) => text).join(""),
    media: messages.flatMap(({ content }) => blocksOf(content)).filter(isMedium).length,
    maxTokens,
    stop: Array.isArray(body.stop_sequences)
      ? body.stop_sequences.filter((stop) => typeof stop === "string")
      : [],
    tools: toolsOf(body),
    calling: callingOf(choice),
    parallelCalls: choice.disable_parallel_tool_use !== true,
    results: blocksOf(messages.at(-1)?.content)
      .filter((block) => block.type === "tool_result")
      .map((block) => textOf(block.content)),
    json: false,
    schema: format.type === "json_schema" ? (format.schema ?? {}) : undefined,
    thinkingTokens: thinks(body) ? (efforts[stringOf(output.effort) ?? ""] ?? 128) : 0,
    caching: cachingOf(body, pieces),
  };
}

/** Messages of the user that follow each other are one turn. */
function oneTurnEach(messages: JsonObject[]): JsonObject[] {
  const turns: JsonObject[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    if (last?.role !== "user" || message.role !== "user") {
      turns.push(message);
      continue;
    }
    const content = [...blocksOf(last.content), ...blocksOf(message.content)];
    turns.splice(-1, 1, { ...last, content });
  }
  return turns;
}

function thinks({ thinking }: JsonObject): boolean {
  return isObject(thinking) && thinking.type !== "disabled";
}

function textOf(content: Json | undefined): string {
  return blocksOf(content)
    .map((block) => stringOf(block.text) ?? "")
    .join("");
}

function isMedium({ type }: JsonObject): boolean {
  return type === "image" || type === "document";
}

interface Piece {
  text: string;
  /** How long its cached start lives, when the cached prompt may end here. */
  ttl: "5m" | "1h" | undefined;
}

/** The prompt in the order that is cached: tools, system, messages. */
function piecesOf(body: JsonObject, messages: JsonObject[]): Piece[] {
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const piece = (block: JsonObject, text: string): Piece => ({ text, ttl: ttlOf(block) });
  return [
    ...tools.map(({ cache_control, ...tool }) => piece({ cache_control }, JSON.stringify(tool))),
    ...blocksOf(body.system).map((block) => piece(block, stringOf(block.text) ?? "")),
    ...messages.flatMap(({ role, content }) => [
      { text: `\n${stringOf(role) ?? ""}: `, ttl: undefined },
      ...blocksOf(content).map((block) => piece(block, written(block))),
    ]),
  ];
}

function written(block: JsonObject): string {
  if (block.type === "tool_use") return JSON.stringify([block.name, block.input]);
  if (block.type === "tool_result") return textOf(block.content);
  return stringOf(block.text) ?? stringOf(block.thinking) ?? "";
}

function ttlOf({ cache_control }: JsonObject): Piece["ttl"] {
  if (!isObject(cache_control)) return undefined;
  return cache_control.ttl === "1h" ? "1h" : "5m";
}

/** The last breakpoint; one on the request itself is one at its end. */
function cachingOf(body: JsonObject, pieces: Piece[]): Question["caching"] {
  const whole = ttlOf(body);
  const last = whole === undefined ? pieces.findLastIndex(({ ttl }) => ttl) : pieces.length - 1;
  const ttl = whole ?? pieces[last]?.ttl;
  if (ttl === undefined) return undefined;
  return { upTo: pieces.slice(0, last + 1).reduce((sum, { text }) => sum + text.length, 0), ttl };
}

function toolsOf({ tools }: JsonObject): Tool[] {
  return (Array.isArray(tools) ? tools : []).flatMap((tool) =>
    isObject(tool) && typeof tool.name === "string" && tool.input_schema !== undefined
      ? [{ name: tool.name, schema: tool.input_schema }]
      : [],
  );
}

function callingOf({ type, name }: JsonObject): Question["calling"] {
  if (type === "tool" && typeof name === "string") return { name };
  if (type === "any") return "forced";
  return type === "none" ? "forbidden" : "auto";
}
