import type { Question, Tool } from "#src/demo/answer.ts";
import { brokenOrder, brokenValue } from "#src/demo/openai-rules.ts";
import { refuse, type Refusal } from "#src/demo/wire.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const thinking: Readonly<Record<string, number>> = {
  minimal: 16,
  low: 64,
  medium: 128,
  high: 256,
  xhigh: 512,
  max: 1024,
};
const toolWords: Readonly<Record<string, "auto" | "forced" | "forbidden">> = {
  auto: "auto",
  required: "forced",
  none: "forbidden",
};

/** Text of a content that is a string or parts. */
export function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (isObject(part) ? (stringOf(part.text) ?? "") : "")).join("");
}

/** The question in a chat request, or why the real endpoint would refuse it. */
export function chatQuestion(body: JsonObject): Question | { refusal: Refusal } {
  if (!Array.isArray(body.messages))
    return refuse(
      "Missing required parameter: 'messages'",
      "messages",
      "missing_required_parameter",
    );
  const messages = body.messages.filter(isObject);
  const broken = brokenValue(body) ?? brokenOrder(messages);
  if (broken) return broken;
  const format = isObject(body.response_format) ? body.response_format : {};
  const wantsSchema = format.type === "json_schema";
  const schema = isObject(format.json_schema) ? (format.json_schema.schema ?? {}) : undefined;
  const isJson = format.type === "json_object";
  const prompt = promptOf(body, messages);
  if (isJson && !/json/i.test(prompt))
    return refuse(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'",
      "messages",
    );
  const lastUser = messages.findLastIndex((message) => message.role === "user");
  return {
    text: textOf(messages[lastUser]?.content),
    prompt,
    media: messages.reduce((sum, { content }) => sum + mediaIn(content), 0),
    maxTokens: numberOf(body.max_completion_tokens) ?? numberOf(body.max_tokens),
    stop: stopsOf(body.stop),
    tools: toolsOf(body),
    calling: callingOf(body.tool_choice),
    parallelCalls: body.parallel_tool_calls !== false,
    results: messages
      .slice(lastUser + 1)
      .flatMap((message) => (message.role === "tool" ? [textOf(message.content)] : [])),
    json: isJson,
    schema: wantsSchema ? schema : undefined,
    thinkingTokens: thinking[stringOf(body.reasoning_effort) ?? ""] ?? 0,
    caching: "automatic",
  };
}

/** The question in a text completion; its default length is 16 tokens. */
export function completionQuestion(body: JsonObject): Question | { refusal: Refusal } {
  const prompts = Array.isArray(body.prompt) ? body.prompt : [body.prompt ?? ""];
  const isTokens = typeof prompts[0] === "number";
  const texts = isTokens ? [] : prompts.map((prompt) => stringOf(prompt) ?? "");
  const broken = brokenValue(body);
  if (broken) return broken;
  return {
    text: texts.at(-1) ?? "",
    prompt: isTokens ? "1234".repeat(prompts.length) : texts.join("\n"),
    media: 0,
    maxTokens: numberOf(body.max_tokens) ?? 16,
    stop: stopsOf(body.stop),
    tools: [],
    calling: "forbidden",
    parallelCalls: false,
    results: [],
    json: false,
    schema: undefined,
    thinkingTokens: 0,
    caching: "automatic",
  };
}

function promptOf(body: JsonObject, messages: JsonObject[]): string {
  const lines = messages.map((message) => {
    const calls = message.tool_calls === undefined ? "" : JSON.stringify(message.tool_calls);
    return `${stringOf(message.role) ?? ""}: ${textOf(message.content)}${calls}\n`;
  });
  return (body.tools === undefined ? "" : JSON.stringify(body.tools)) + lines.join("");
}

function mediaIn(content: Json | undefined): number {
  if (!Array.isArray(content)) return 0;
  return content.filter((part) => isObject(part) && part.text === undefined).length;
}

function stopsOf(stop: Json | undefined): string[] {
  if (typeof stop === "string") return [stop];
  return Array.isArray(stop) ? stop.filter((one) => typeof one === "string") : [];
}

function toolsOf(body: JsonObject): Tool[] {
  return (Array.isArray(body.tools) ? body.tools : []).flatMap((tool) => {
    const described = isObject(tool) && isObject(tool.function) ? tool.function : undefined;
    const name = stringOf(described?.name);
    return name === undefined ? [] : [{ name, schema: described?.parameters }];
  });
}

function callingOf(choice: Json | undefined): Question["calling"] {
  if (typeof choice === "string") return toolWords[choice] ?? "auto";
  if (!isObject(choice)) return "auto";
  const name = isObject(choice.function) ? stringOf(choice.function.name) : undefined;
  if (name !== undefined) return { name };
  const allowed = isObject(choice.allowed_tools) ? choice.allowed_tools.mode : undefined;
  return allowed === "auto" ? "auto" : "forced";
}
