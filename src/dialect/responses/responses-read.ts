import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import { without } from "#src/dialect/ask.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { reasoningOf } from "#src/dialect/openai/openai-reasoning.ts";
import { messagesOf } from "#src/dialect/responses/responses-items.ts";
import { idleTools, toolChoiceOf, toolsOf } from "#src/dialect/responses/responses-tools.ts";
import type { Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/**
 * A validated Responses request in canonical form. Throws `unsupported_feature` for what needs a provider
 * that speaks this wire: state that it keeps, and tools that it runs.
 */
export function readResponsesRequest(ask: Ask): Turn {
  const { parsed: body, stream, choices, maxOutputTokens, user } = ask;
  refuseKept(body);
  const instructions = stringOf(body.instructions) ?? "";
  const parallel = body.parallel_tool_calls;
  return {
    system: instructions === "" ? [] : [{ type: "text", text: instructions }],
    messages: messagesOf(body.input),
    tools: toolsOf(body),
    toolChoice: toolChoiceOf(body),
    parallelToolCalls: typeof parallel === "boolean" ? parallel : undefined,
    maxOutputTokens,
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    topK: numberOf(body.top_k),
    stop: [],
    choices,
    responseFormat: formatOf(isObject(body.text) ? body.text.format : undefined),
    reasoning: reasoningOf(body),
    stream,
    user,
    ...extrasOf(ask),
  };
}

/** What needs an upstream that keeps state, and how else it could be had. */
const kept: readonly [name: string, cannot: string, instead: string][] = [
  [
    "previous_response_id",
    'Cannot continue from "previous_response_id" with this model',
    "send the whole conversation in input",
  ],
  [
    "conversation",
    'Cannot continue the "conversation" with this model',
    "send the whole conversation in input",
  ],
  [
    "prompt",
    'Cannot look up the template named in "prompt" with this model',
    "send its text in instructions and input",
  ],
  ["background", 'Cannot answer in the "background" with this model', "leave it out"],
];

function refuseKept(body: JsonObject): void {
  for (const [name, cannot, instead] of kept) {
    const value = body[name];
    if (value === undefined || value === null || value === false) continue;
    throw new AppError(
      "unsupported_feature",
      `${cannot}: ${instead}, or call a model whose provider speaks Responses`,
      { param: name },
    );
  }
}

/** Log probabilities by the names of chat: included, or asked for by how many of them. */
function extrasOf({ parsed, needs }: Ask): Pick<Turn, "extra" | "ownNames"> {
  const extra = extraOf(parsed);
  const included = isIncluded(parsed);
  if (!included && !needs.logprobs) return { extra };
  const top = needs.logprobs ? { top_logprobs: parsed.top_logprobs } : {};
  return {
    extra: { ...extra, logprobs: true, ...top },
    ownNames: { logprobs: included ? "include" : "top_logprobs" },
  };
}

function isIncluded({ include }: JsonObject): boolean {
  return Array.isArray(include) && include.includes("message.output_text.logprobs");
}

function formatOf(format: Json | undefined): Turn["responseFormat"] {
  if (!isObject(format)) return undefined;
  if (format.type === "json_object") return { type: "json_object" };
  if (format.type !== "json_schema") return undefined;
  const { name, schema, strict, description } = format;
  return {
    type: "json_schema",
    name: stringOf(name) ?? "answer",
    schema: schema ?? { type: "object" },
    strict: typeof strict === "boolean" ? strict : undefined,
    description: stringOf(description),
  };
}

/** Members that the canonical form has words for, that are refused, or that a response of ours answers for. */
const known: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  ...kept.map(([name]) => name),
  ...["model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls"],
  ...["max_output_tokens", "temperature", "top_p", "top_k", "top_logprobs", "text", "reasoning"],
  ...["stream", "stream_options", "user"],
  // Nothing is stored, and the metadata is repeated, as the answer tells.
  ...["store", "metadata", "client_metadata", "include"],
]);

/** What other wires may have a word for, by the names of chat, and what they are told to have dropped. */
function extraOf(body: JsonObject): JsonObject {
  const text = isObject(body.text) ? body.text : {};
  const extra = { ...without(body, known), verbosity: text.verbosity, ...idleTools(body) };
  return Object.fromEntries(
    Object.entries(extra).filter(
      ([name, value]) =>
        value !== undefined && value !== null && !(name === "truncation" && value === "disabled"),
    ),
  );
}
