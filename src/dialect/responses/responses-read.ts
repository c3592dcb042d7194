import type { Ask } from "#src/dialect/dialect.ts";
import { reasoningOf } from "#src/dialect/openai/openai-reasoning.ts";
import { messagesOf } from "#src/dialect/responses/responses-items.ts";
import { toolChoiceOf, toolsOf } from "#src/dialect/responses/responses-tools.ts";
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
  refuseLogprobs(ask);
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
    extra: extraOf(body),
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

function refuseLogprobs({ parsed: { include }, needs }: Ask): void {
  const included = Array.isArray(include) && include.includes("message.output_text.logprobs");
  if (!included && !needs.logprobs) return;
  throw new AppError(
    "unsupported_feature",
    "Cannot give log probabilities with this model: leave them out, or call a model whose provider speaks Responses",
    { param: included ? "include" : "top_logprobs" },
  );
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

/**
 * What other wires may have a word for, by the names of chat. Everything else is of this wire alone: sent on,
 * it would be refused by strict servers, and none of it changes the answer.
 */
function extraOf(body: JsonObject): JsonObject {
  const text = isObject(body.text) ? body.text : {};
  return Object.fromEntries(
    Object.entries({ verbosity: text.verbosity, service_tier: body.service_tier }).filter(
      ([, value]) => value !== undefined && value !== null,
    ),
  );
}
