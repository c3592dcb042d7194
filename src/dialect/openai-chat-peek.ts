import {
  autoAllowedIn,
  booleanIn,
  includeUsageIn,
  numberIn,
  objectIn,
  parseObject,
  providerIn,
  routeIn,
  stopIn,
  textIn,
  textsIn,
  wrong,
} from "#src/dialect/ask.ts";
import type { Ask, Needs } from "#src/dialect/dialect.ts";
import { readMessages } from "#src/dialect/openai-chat-messages.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

const efforts: ReadonlySet<string> = new Set([
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
]);

/** Validates a chat request and reads what routing needs. */
export function peekChat(body: Uint8Array): Ask {
  const parsed = parseObject(body);
  const needs: Needs = {
    tools: false,
    vision: false,
    pdf: false,
    audio: false,
    jsonObject: false,
    jsonSchema: false,
    reasoning: false,
    logprobs: false,
  };
  const weight = { inline: 0, tokens: 0 };
  refuseAnthropic(parsed);
  readMessages(parsed.messages, needs, weight);
  readTools(parsed, needs);
  readFormat(parsed, needs);
  readSampling(parsed);
  needs.reasoning = readReasoning(parsed);
  needs.logprobs = booleanIn(parsed, "logprobs") === true;
  const model = textIn(parsed, "model");
  if (model === "") throw wrong("model", model, "a model id such as openai/gpt-4o-mini");
  const route = routeIn(parsed);
  const maxOutputTokens =
    numberIn(parsed, "max_completion_tokens", 1, Number.MAX_SAFE_INTEGER, true) ??
    numberIn(parsed, "max_tokens", 1, Number.MAX_SAFE_INTEGER, true);
  numberIn(parsed, "max_tokens", 1, Number.MAX_SAFE_INTEGER, true);
  return {
    dialect: "openai-chat",
    parsed,
    model,
    models: textsIn(parsed, "models") ?? [],
    autoAllowed: autoAllowedIn(parsed),
    stream: booleanIn(parsed, "stream") === true,
    includeUsage: includeUsageIn(parsed),
    // A token is at least one byte of text; what is inline as base64 is counted by its kind.
    inputTokensAtMost: body.length - weight.inline + weight.tokens,
    maxOutputTokens,
    choices: numberIn(parsed, "n", 1, 128, true) ?? 1,
    user: textIn(parsed, "user"),
    needs,
    parameters: Object.keys(parsed).filter((name) => !plumbing.has(name)),
    route,
    provider: providerIn(parsed, route),
  };
}

const plumbing: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "models",
  "route",
  "provider",
  "plugins",
  "stream",
  "stream_options",
  "user",
]);

/** Bodies for Anthropic's endpoint would lose their system prompt here without a word. */
function refuseAnthropic(body: JsonObject): void {
  if (body.system === undefined) return;
  throw new AppError(
    "invalid_value",
    'Cannot use a top-level "system": send a message of role "system"; bodies in Anthropic\'s shape belong to /v1/messages',
    { param: "system" },
  );
}

function readTools(body: JsonObject, needs: Needs): void {
  for (const name of ["tools", "functions"]) {
    const tools = body[name];
    if (tools === undefined || tools === null) continue;
    if (!Array.isArray(tools)) throw wrong(name, tools, "an array of tools");
    if (tools.length > 0) needs.tools = true;
    for (const [index, tool] of tools.entries()) {
      if (!isObject(tool)) throw wrong(`${name}[${index}]`, tool, "an object");
      if (name === "tools" && tool.input_schema !== undefined && tool.function === undefined) {
        throw new AppError(
          "invalid_value",
          `Cannot use "${name}[${index}]": this is Anthropic's shape, which belongs to /v1/messages`,
          { param: `${name}[${index}]` },
        );
      }
      const described = name === "functions" ? tool : (tool.function ?? tool.custom);
      if (tool.type === "function" || name === "functions") {
        if (!isObject(described) || typeof described.name !== "string" || described.name === "") {
          throw wrong(
            `${name}[${index}].function.name`,
            isObject(described) ? described.name : described,
            "a name",
          );
        }
      }
    }
  }
  const choice = body.tool_choice;
  if (choice === undefined || choice === null || isObject(choice)) return;
  if (choice !== "auto" && choice !== "none" && choice !== "required")
    throw wrong("tool_choice", choice, '"auto", "none", "required" or an object');
}

function readFormat(body: JsonObject, needs: Needs): void {
  const format = objectIn(body, "response_format");
  if (format === undefined) return;
  switch (format.type) {
    case "text":
      return;
    case "json_object":
      needs.jsonObject = true;
      return;
    case "json_schema":
      if (!isObject(format.json_schema) || typeof format.json_schema.name !== "string") {
        throw wrong(
          "response_format.json_schema.name",
          isObject(format.json_schema) ? format.json_schema.name : format.json_schema,
          "a name",
        );
      }
      needs.jsonSchema = true;
      return;
    default:
      throw wrong("response_format.type", format.type, "text, json_object or json_schema");
  }
}

/** Ranges of the contract, section 4. */
function readSampling(body: JsonObject): void {
  numberIn(body, "temperature", 0, 2);
  numberIn(body, "top_p", 0, 1);
  numberIn(body, "top_k", 0, Number.MAX_SAFE_INTEGER, true);
  numberIn(body, "frequency_penalty", -2, 2);
  numberIn(body, "presence_penalty", -2, 2);
  numberIn(body, "repetition_penalty", 0, 2);
  numberIn(body, "min_p", 0, 1);
  numberIn(body, "top_a", 0, 1);
  numberIn(body, "seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true);
  numberIn(body, "top_logprobs", 0, 20, true);
  stopIn(body);
}

function readReasoning(body: JsonObject): boolean {
  const reasoning = objectIn(body, "reasoning");
  for (const [value, at] of [
    [body.reasoning_effort, "reasoning_effort"],
    [reasoning?.effort, "reasoning.effort"],
  ] as const) {
    if (value === undefined || value === null) continue;
    if (typeof value !== "string" || !efforts.has(value))
      throw wrong(at, value, `one of ${[...efforts].join(", ")}`);
  }
  if (reasoning) numberIn(reasoning, "max_tokens", 0, Number.MAX_SAFE_INTEGER, true);
  const effort = body.reasoning_effort ?? reasoning?.effort;
  if (typeof effort === "string") return effort !== "none";
  return reasoning !== undefined && reasoning.enabled !== false && reasoning.exclude !== true;
}
