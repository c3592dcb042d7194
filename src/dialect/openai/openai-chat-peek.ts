import {
  booleanIn,
  countable,
  includeUsageIn,
  numberIn,
  objectIn,
  parseBody,
  stopIn,
  textIn,
  wrong,
} from "#src/dialect/ask.ts";
import { parametersIn, routingIn } from "#src/dialect/ask-routing.ts";
import type { Ask, Needs } from "#src/dialect/dialect.ts";
import { readMessages } from "#src/dialect/openai/openai-chat-messages.ts";
import { readTools } from "#src/dialect/openai/openai-chat-tools.ts";
import { efforts, needsReasoning } from "#src/dialect/openai/openai-reasoning.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** Tokens of the instructions that some providers put around tools. */
const toolPromptTokens = 600;

/** Validates a chat request and reads what routing needs. */
export function peekChat(body: Uint8Array): Ask {
  const { parsed, ascii, raw } = parseBody(body);
  refuseAnthropic(parsed);
  const { needs, weight } = readMessages(parsed.messages);
  if (readTools(parsed)) needs.tools = true;
  readFormat(parsed, needs);
  readSampling(parsed);
  readReasoning(parsed);
  needs.reasoning = needsReasoning(parsed);
  needs.logprobs = booleanIn(parsed, "logprobs") === true;
  const newer = numberIn(parsed, "max_completion_tokens", countable);
  const older = numberIn(parsed, "max_tokens", countable);
  return {
    dialect: "openai-chat",
    kind: "chat",
    parsed,
    ascii,
    raw,
    ...routingIn(parsed),
    stream: booleanIn(parsed, "stream") === true,
    includeUsage: includeUsageIn(parsed),
    // A token is at least one byte of text; what is inline as base64 is counted by its kind.
    inputTokensAtMost:
      body.length - weight.inline + weight.tokens + (needs.tools ? toolPromptTokens : 0),
    maxOutputTokens: newer ?? older,
    choices: numberIn(parsed, "n", { least: 1, most: 128, whole: true }) ?? 1,
    needs,
    parameters: parametersIn(parsed),
  };
}

/** Bodies for Anthropic's endpoint would lose their system prompt here without a word. */
function refuseAnthropic({ system }: JsonObject): void {
  if (system === undefined) return;
  throw new AppError(
    "invalid_value",
    'Cannot use a top-level "system": send a message of role "system"; bodies in Anthropic\'s shape belong to /v1/messages',
    { param: "system" },
  );
}

function readFormat(body: JsonObject, needs: Needs): void {
  const format = objectIn(body, "response_format");
  if (format === undefined || format.type === "text") return;
  if (format.type === "json_object") {
    needs.jsonObject = true;
    return;
  }
  if (format.type !== "json_schema")
    throw wrong("response_format.type", format.type, "text, json_object or json_schema");
  const at = "response_format.json_schema";
  const { json_schema: told } = format;
  if (!isObject(told)) throw wrong(at, told, "an object");
  if (typeof told.name !== "string" || told.name === "")
    throw wrong(`${at}.name`, told.name, "a name");
  objectIn(told, "schema", `${at}.schema`);
  needs.jsonSchema = true;
}

/** Ranges of the contract, section 4. */
function readSampling(body: JsonObject): void {
  numberIn(body, "temperature", { least: 0, most: 2 });
  numberIn(body, "top_p", { above: 0, most: 1 });
  numberIn(body, "top_k", countable);
  numberIn(body, "frequency_penalty", { least: -2, most: 2 });
  numberIn(body, "presence_penalty", { least: -2, most: 2 });
  numberIn(body, "repetition_penalty", { above: 0, most: 2 });
  numberIn(body, "min_p", { least: 0, most: 1 });
  numberIn(body, "top_a", { least: 0, most: 1 });
  numberIn(body, "seed", { whole: true });
  numberIn(body, "top_logprobs", { least: 0, most: 20, whole: true });
  objectIn(body, "logit_bias");
  textIn(body, "service_tier");
  stopIn(body);
}

function readReasoning(body: JsonObject): void {
  const effortIn = (holder: JsonObject, name: string, path: string) => {
    const value = holder[name];
    if (value === undefined || value === null) return;
    if (!efforts.some((effort) => effort === value))
      throw wrong(path, value, `one of ${efforts.join(", ")}`);
  };
  effortIn(body, "reasoning_effort", "reasoning_effort");
  const wish = objectIn(body, "reasoning");
  if (wish === undefined) return;
  effortIn(wish, "effort", "reasoning.effort");
  numberIn(wish, "max_tokens", { least: 0, whole: true }, "reasoning.max_tokens");
  booleanIn(wish, "enabled", "reasoning.enabled");
  booleanIn(wish, "exclude", "reasoning.exclude");
}
