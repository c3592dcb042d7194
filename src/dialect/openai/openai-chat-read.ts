import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import { stopIn, without } from "#src/dialect/ask.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import {
  assistantParts,
  cacheMark,
  markLast,
  resultParts,
  textParts,
  userParts,
} from "#src/dialect/openai/openai-chat-parts.ts";
import { reasoningOf } from "#src/dialect/openai/openai-reasoning.ts";
import type { AssistantPart, Message, Tool, ToolResult, Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Members that the canonical form has words for. */
const known: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  "model",
  "messages",
  "tools",
  "functions",
  "tool_choice",
  "function_call",
  "parallel_tool_calls",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "top_k",
  "frequency_penalty",
  "presence_penalty",
  "seed",
  "stop",
  "n",
  "response_format",
  "reasoning",
  "reasoning_effort",
  "stream",
  "stream_options",
  "user",
]);

/** A validated chat request in canonical form. Throws `unsupported_feature` for what only its own wire can say. */
export function readChatRequest(ask: Ask): Turn {
  const { parsed: body, stream, choices, maxOutputTokens, user } = ask;
  const parallel = body.parallel_tool_calls;
  return {
    system: [],
    messages: messagesOf(Array.isArray(body.messages) ? body.messages : []),
    tools: toolsOf(body),
    toolChoice: toolChoiceOf(body),
    parallelToolCalls: typeof parallel === "boolean" ? parallel : undefined,
    maxOutputTokens,
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    topK: numberOf(body.top_k),
    frequencyPenalty: numberOf(body.frequency_penalty),
    presencePenalty: numberOf(body.presence_penalty),
    seed: numberOf(body.seed),
    stop: stopIn(body),
    choices,
    responseFormat: formatOf(body.response_format),
    reasoning: reasoningOf(body),
    stream,
    user,
    extra: { ...without(body, known), ...speakers(body.messages) },
  };
}

/** That speakers have names, which other wires have no place for; a tool's is known by its call. */
function speakers(messages: Json | undefined): JsonObject {
  const given = Array.isArray(messages) ? messages : [];
  const isNamed = (message: Json) =>
    isObject(message) &&
    message.role !== "tool" &&
    message.role !== "function" &&
    typeof message.name === "string";
  return given.some(isNamed) ? { "messages.name": true } : {};
}

function messagesOf(messages: Json[]): Message[] {
  const out: Message[] = [];
  /** Calls of the deprecated function form, which have no ids of their own. */
  let functionCalls = 0;
  for (const [at, message] of messages.entries()) {
    if (!isObject(message)) continue;
    const { role, content } = message;
    refuseParts(content, role, `messages[${at}]`);
    if (role === "system" || role === "developer") {
      out.push({ role: "system", content: markLast(textParts(content), message) });
    } else if (role === "user") {
      out.push({ role, content: markLast(userParts(content), message) });
    } else if (role === "assistant") {
      const parts = markLast(assistantParts(message), message);
      const call = isObject(message.function_call) ? message.function_call : undefined;
      if (call) parts.push(functionCall(call, functionCalls++));
      out.push({ role, content: parts });
    } else if (role === "tool") {
      const callId = stringOf(message.tool_call_id) ?? "";
      addResult(out, { callId, content: resultParts(content), ...cacheMark(message) });
    } else if (role === "function") {
      addResult(out, { callId: functionCallId(functionCalls - 1), content: resultParts(content) });
    }
  }
  return out;
}

/** What a role can say; anything else would be lost without a word. */
const sayable: Readonly<Record<string, readonly string[]>> = {
  system: ["text"],
  developer: ["text"],
  assistant: ["text", "refusal", "thinking"],
  tool: ["text", "image_url"],
  function: ["text"],
};

function refuseParts(content: Json | undefined, role: Json | undefined, at: string): void {
  const taken = typeof role === "string" && sayable[role];
  if (!Array.isArray(content) || !taken) return;
  const place = content.findIndex((part) => isObject(part) && !taken.includes(String(part.type)));
  if (place === -1) return;
  const param = `${at}.content[${place}]`;
  throw new AppError(
    "unsupported_feature",
    `Cannot send "${param}" to this model: there it takes ${taken.join(" and ")} only`,
    { param },
  );
}

function functionCallId(number: number): string {
  return `call_function_${number}`;
}

function functionCall(call: JsonObject, number: number): AssistantPart {
  const name = stringOf(call.name) ?? "";
  const id = functionCallId(number);
  return { type: "tool_call", id, name, arguments: stringOf(call.arguments) ?? "" };
}

/** Results that follow one another answer one assistant turn. */
function addResult(out: Message[], result: ToolResult): void {
  const last = out.at(-1);
  if (last?.role === "tool") last.results.push(result);
  else out.push({ role: "tool", results: [result] });
}

function toolsOf(body: JsonObject): Tool[] {
  const functions = Array.isArray(body.functions) ? body.functions.filter(isObject) : [];
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const allowed = allowedNames(body.tool_choice);
  return [
    ...tools.map((tool, index) => toolOf(tool, `tools[${index}]`)),
    ...functions.map((one) => describedTool(one, {})),
  ].filter(({ name }) => allowed === undefined || allowed.has(name));
}

function toolOf(tool: JsonObject, param: string): Tool {
  if (isObject(tool.function)) return describedTool(tool.function, tool);
  throw new AppError(
    "unsupported_feature",
    `Cannot send "${param}" to this model: it takes tools of type "function" only`,
    { param },
  );
}

function describedTool(described: JsonObject, tool: JsonObject): Tool {
  return {
    name: stringOf(described.name) ?? "",
    description: stringOf(described.description),
    parameters: described.parameters ?? undefined,
    strict: typeof described.strict === "boolean" ? described.strict : undefined,
    ...cacheMark(tool),
  };
}

/** Names of the tools that a choice of `allowed_tools` leaves. */
function allowedNames(choice: Json | undefined): ReadonlySet<string> | undefined {
  const allowed = isObject(choice) && isObject(choice.allowed_tools) ? choice.allowed_tools : {};
  if (!Array.isArray(allowed.tools)) return undefined;
  return new Set(
    allowed.tools.filter(isObject).flatMap((tool) => {
      const name = isObject(tool.function) ? tool.function.name : tool.name;
      return typeof name === "string" ? [name] : [];
    }),
  );
}

function toolChoiceOf(body: JsonObject): Turn["toolChoice"] {
  const choice = body.tool_choice ?? body.function_call;
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (!isObject(choice)) return undefined;
  if (isObject(choice.allowed_tools))
    return choice.allowed_tools.mode === "required" ? "required" : "auto";
  const name = stringOf(isObject(choice.function) ? choice.function.name : choice.name);
  return name === undefined ? undefined : { name };
}

function formatOf(format: Json | undefined): Turn["responseFormat"] {
  if (!isObject(format)) return undefined;
  if (format.type === "json_object") return { type: "json_object" };
  if (format.type !== "json_schema" || !isObject(format.json_schema)) return undefined;
  const { name, schema, strict, description } = format.json_schema;
  return {
    type: "json_schema",
    name: stringOf(name) ?? "answer",
    schema: schema ?? { type: "object" },
    strict: typeof strict === "boolean" ? strict : undefined,
    description: stringOf(description),
  };
}
