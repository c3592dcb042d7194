import type { Question, Tool } from "#src/demo/answer.ts";
import { brokenContents, partsOf } from "#src/demo/gemini-rules.ts";
import { type Refusal, refuse } from "#src/demo/wire.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const levels: Readonly<Record<string, number>> = { MINIMAL: 16, LOW: 64, MEDIUM: 128, HIGH: 256 };
const dynamicThinking = 128;
const modes: Readonly<Record<string, "auto" | "forced" | "forbidden">> = {
  ANY: "forced",
  NONE: "forbidden",
};

/** The question in a generateContent request, or why the real endpoint would refuse it. */
export function contentQuestion(body: JsonObject, model: string): Question | { refusal: Refusal } {
  const contents = Array.isArray(body.contents) ? body.contents.filter(isObject) : [];
  const config = isObject(body.generationConfig) ? body.generationConfig : {};
  const broken = brokenContents(contents, model) ?? brokenConfig(config);
  if (broken !== undefined) return refuse(broken);
  const lastUser = contents.findLastIndex((one) => one.role !== "model" && textOf(one) !== "");
  const parts = contents.flatMap(partsOf);
  const isJson = config.responseMimeType === "application/json";
  return {
    text: textOf(contents[lastUser]),
    prompt: promptOf(body, contents),
    media: parts.filter((part) => isObject(part.inlineData) || isObject(part.fileData)).length,
    maxTokens: numberOf(config.maxOutputTokens),
    stop: Array.isArray(config.stopSequences)
      ? config.stopSequences.filter((stop) => typeof stop === "string")
      : [],
    tools: toolsOf(body),
    calling: callingOf(body),
    parallelCalls: true,
    results: contents
      .slice(lastUser + 1)
      .flatMap(partsOf)
      .flatMap(({ functionResponse: one }) =>
        isObject(one) ? [JSON.stringify(one.response)] : [],
      ),
    json: isJson,
    schema: isJson ? (config.responseJsonSchema ?? config.responseSchema) : undefined,
    thinkingTokens: thinkingOf(config),
    caching: "automatic",
  };
}

function brokenConfig(config: JsonObject): string | undefined {
  if (Array.isArray(config.stopSequences) && config.stopSequences.length > 5)
    return "The maximum number of stop sequences supported is 5";
  const temperature = numberOf(config.temperature);
  if (temperature !== undefined && (temperature < 0 || temperature > 2))
    return "temperature must be in the range [0.0, 2.0]";
  const thinking = isObject(config.thinkingConfig) ? config.thinkingConfig : {};
  return thinking.thinkingBudget !== undefined && thinking.thinkingLevel !== undefined
    ? "You can only set only one of thinking budget and thinking level"
    : undefined;
}

function thinkingOf(config: JsonObject): number {
  if (!isObject(config.thinkingConfig)) return 0;
  const { thinkingBudget, thinkingLevel } = config.thinkingConfig;
  const level = levels[stringOf(thinkingLevel)?.toUpperCase() ?? ""];
  if (level !== undefined) return level;
  const budget = numberOf(thinkingBudget) ?? -1;
  return budget < 0 ? dynamicThinking : Math.min(budget, dynamicThinking);
}

function textOf(content: Json | undefined): string {
  return partsOf(content)
    .map((part) => (part.thought === true ? "" : (stringOf(part.text) ?? "")))
    .join("");
}

function promptOf(body: JsonObject, contents: JsonObject[]): string {
  const lines = contents.map((content) => {
    const parts = partsOf(content).map(({ text, functionCall, functionResponse }) =>
      typeof text === "string" ? text : JSON.stringify(functionCall ?? functionResponse ?? ""),
    );
    return `${stringOf(content.role) ?? "user"}: ${parts.join("")}\n`;
  });
  const tools = body.tools === undefined ? "" : JSON.stringify(body.tools);
  return tools + textOf(body.systemInstruction ?? body.system_instruction) + lines.join("");
}

function toolsOf({ tools }: JsonObject): Tool[] {
  return (Array.isArray(tools) ? tools : [])
    .flatMap((tool) => (isObject(tool) ? (tool.functionDeclarations ?? []) : []))
    .flatMap((tool) =>
      isObject(tool) && typeof tool.name === "string"
        ? [{ name: tool.name, schema: tool.parametersJsonSchema ?? tool.parameters }]
        : [],
    );
}

function callingOf({ toolConfig }: JsonObject): Question["calling"] {
  const config = isObject(toolConfig) ? toolConfig.functionCallingConfig : undefined;
  if (!isObject(config)) return "auto";
  const calling = modes[stringOf(config.mode) ?? ""] ?? "auto";
  const names = Array.isArray(config.allowedFunctionNames) ? config.allowedFunctionNames : [];
  const [name] = names;
  return calling === "forced" && names.length === 1 && typeof name === "string"
    ? { name }
    : calling;
}
