import {
  booleanIn,
  countable,
  missing,
  numberIn,
  objectIn,
  parseBody,
  textIn,
  textsIn,
  wrong,
} from "#src/dialect/ask.ts";
import { parametersIn, routingIn } from "#src/dialect/ask-routing.ts";
import type { Ask, Needs } from "#src/dialect/dialect.ts";
import { efforts, needsReasoning } from "#src/dialect/openai/openai-reasoning.ts";
import { type InputRead, readInput } from "#src/dialect/responses/responses-input.ts";
import { readResponsesTools } from "#src/dialect/responses/responses-tools.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** Tokens of the instructions that some providers put around tools. */
const toolPromptTokens = 600;
/** Tokens that a conversation kept by the provider may add to the prompt: nobody here can count them. */
const keptTokens = 100_000;

/** Members that stand for input which is kept elsewhere. */
export const keptMembers = ["previous_response_id", "conversation", "prompt"] as const;

/** Validates a Responses request and reads what routing needs. */
export function peekResponses(body: Uint8Array): Ask {
  const { parsed, ascii, raw } = parseBody(body);
  const { needs, weight, refers } = inputOf(parsed);
  if (readResponsesTools(parsed)) needs.tools = true;
  readFormat(parsed, needs);
  readSettings(parsed);
  needs.reasoning = needsReasoning(parsed);
  needs.logprobs = (numberIn(parsed, "top_logprobs", { least: 0, most: 20, whole: true }) ?? 0) > 0;
  const kept = refers || keptMembers.some((name) => isGiven(parsed[name]));
  return {
    dialect: "openai-responses",
    kind: "chat",
    parsed,
    ascii,
    raw,
    ...routingIn(parsed),
    stream: booleanIn(parsed, "stream") === true,
    // The last event tells the usage to everyone.
    includeUsage: true,
    // A token is at least one byte of text; what is inline as base64 is counted by its kind.
    inputTokensAtMost:
      body.length -
      weight.inline +
      weight.tokens +
      (needs.tools ? toolPromptTokens : 0) +
      (kept ? keptTokens : 0),
    maxOutputTokens: numberIn(parsed, "max_output_tokens", countable),
    choices: 1,
    needs,
    parameters: parameterNames(parsed),
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function inputOf(body: JsonObject): InputRead {
  if (isGiven(body.input)) return readInput(body.input);
  if (keptMembers.some((name) => isGiven(body[name]))) return readInput("");
  const elsewhere =
    body.messages === undefined ? "" : '; "messages" belong to /v1/chat/completions; here it';
  throw missing("input", `a string or an array of items${elsewhere}`);
}

function readFormat(body: JsonObject, needs: Needs): void {
  const text = objectIn(body, "text");
  if (text === undefined) return;
  textIn(text, "verbosity", "text.verbosity");
  const format = objectIn(text, "format", "text.format");
  if (format === undefined || format.type === "text") return;
  if (format.type === "json_object") {
    needs.jsonObject = true;
    return;
  }
  if (format.type !== "json_schema")
    throw wrong("text.format.type", format.type, "text, json_object or json_schema");
  if (typeof format.name !== "string" || format.name === "")
    throw wrong("text.format.name", format.name, "a name");
  if (!isObject(format.schema)) throw wrong("text.format.schema", format.schema, "an object");
  needs.jsonSchema = true;
}

function readSettings(body: JsonObject): void {
  textIn(body, "instructions");
  numberIn(body, "temperature", { least: 0, most: 2 });
  numberIn(body, "top_p", { above: 0, most: 1 });
  numberIn(body, "top_k", countable);
  textsIn(body, "include");
  for (const name of ["service_tier", "truncation", "previous_response_id", "prompt_cache_key"])
    textIn(body, name);
  for (const name of ["store", "background", "parallel_tool_calls"]) booleanIn(body, name);
  for (const name of ["metadata", "prompt", "stream_options"]) objectIn(body, name);
  const reasoning = objectIn(body, "reasoning");
  if (reasoning === undefined) return;
  textIn(reasoning, "summary", "reasoning.summary");
  const { effort } = reasoning;
  if (isGiven(effort) && !efforts.some((one) => one === effort))
    throw wrong("reasoning.effort", effort, `one of ${efforts.join(", ")}`);
}

/** Members that are no parameter of the model. */
const plumbing: ReadonlySet<string> = new Set([
  ...keptMembers,
  "input",
  "instructions",
  "include",
  "store",
  "background",
  "metadata",
  "truncation",
  "prompt_cache_key",
  "safety_identifier",
  "text",
]);

/** Parameters by the names under which the catalogue lists them, which are those of chat. */
function parameterNames(body: JsonObject): string[] {
  const names = parametersIn(body)
    .filter((name) => !plumbing.has(name))
    .map((name) => (name === "max_output_tokens" ? "max_tokens" : name));
  const text = isObject(body.text) ? body.text : {};
  if (isObject(text.format) && text.format.type !== "text") names.push("response_format");
  if (isGiven(text.verbosity)) names.push("verbosity");
  return names;
}
