import {
  assistantParts,
  textParts,
  userMessages,
} from "#src/dialect/anthropic/anthropic-client-parts.ts";
import { toolChoiceOf, toolsOf } from "#src/dialect/anthropic/anthropic-client-tools.ts";
import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import { textsIn, without } from "#src/dialect/ask.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { efforts } from "#src/dialect/openai/openai-reasoning.ts";
import type { Message, Reasoning, ResponseFormat, Turn } from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Members that the canonical form has words for. */
const known: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  "model",
  "messages",
  "system",
  "max_tokens",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "output_format",
  "stop_sequences",
  "temperature",
  "top_p",
  "top_k",
  "stream",
  "metadata",
  "user",
]);

/** Members whose value asks for nothing beyond what happens anyway. */
const idle: Readonly<Record<string, Json>> = { service_tier: "auto", inference_geo: "global" };

/** Longer names of users are refused by some providers. */
const longestUser = 64;

/** A validated Messages request in canonical form. Throws `unsupported_feature` for what only its own wire can say. */
export function readMessagesRequest(ask: Ask): Turn {
  const { parsed: body, stream, maxOutputTokens, user } = ask;
  refuseForeign(body);
  return {
    system: textParts(body.system),
    messages: messagesOf(body.messages),
    tools: toolsOf(body),
    ...toolChoiceOf(body),
    maxOutputTokens,
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    topK: numberOf(body.top_k),
    stop: textsIn(body, "stop_sequences") ?? [],
    choices: 1,
    responseFormat: formatOf(body),
    reasoning: reasoningOf(body),
    stream,
    user: user !== undefined && user.length > longestUser ? sha256Hex(user) : user,
    extra: Object.fromEntries(
      Object.entries(without(body, known)).filter(([name, value]) => !isIdle(name, value)),
    ),
  };
}

function isIdle(name: string, value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (Object.hasOwn(idle, name) && idle[name] === value) return true;
  return Array.isArray(value) && value.length === 0;
}

/** What would change the answer, or where it is made, if it were left out. */
function refuseForeign(body: JsonObject): void {
  const { container, mcp_servers: servers, inference_geo: place } = body;
  if (body.max_tokens === 0)
    throw foreign("max_tokens", "0 warms the cache of Anthropic itself, so ask for at least 1");
  if (container !== undefined && container !== null)
    throw foreign("container", "Anthropic runs containers, so ask a Claude model without a route");
  if (Array.isArray(servers) && servers.length > 0)
    throw foreign("mcp_servers", "Anthropic calls these servers, so ask a Claude model");
  if (typeof place === "string" && place !== idle.inference_geo)
    throw foreign("inference_geo", 'pin the place with "route": {"region": …} instead');
}

function foreign(param: string, instead: string): AppError {
  const message = `Cannot send "${param}" to this model: ${instead}`;
  return new AppError("unsupported_feature", message, { param });
}

function messagesOf(messages: Json | undefined): Message[] {
  if (!Array.isArray(messages)) return [];
  return joined(messages.filter(isObject)).flatMap(({ message, index }): Message[] => {
    const { role, content } = message;
    if (role === "system") return [{ role, content: textParts(content) }];
    if (role === "assistant") return [{ role, content: assistantParts(content) }];
    return userMessages(content, `messages[${index}].content`);
  });
}

interface Placed {
  message: JsonObject;
  /** Where its first part stood. */
  index: number;
}

/** Neighbours of one role as the one message that this wire takes them for; an instruction waits for the results before it. */
function joined(messages: readonly JsonObject[]): Placed[] {
  const placed: Placed[] = [];
  for (const [index, message] of messages.entries()) {
    const at = placed.findLastIndex(({ message: one }) => one.role !== "system");
    const last = placed[at];
    const isResult = blocks(message.content).some(
      (block) => isObject(block) && block.type === "tool_result",
    );
    const isNext = at === placed.length - 1;
    if (last !== undefined && isNext && last.message.role === message.role) {
      const content = [...blocks(last.message.content), ...blocks(message.content)];
      placed[at] = { ...last, message: { ...last.message, content } };
    } else if (isResult && last?.message.role === "assistant")
      placed.splice(at + 1, 0, { message, index });
    else placed.push({ message, index });
  }
  return placed;
}

function blocks(content: Json | undefined): Json[] {
  if (Array.isArray(content)) return content;
  return typeof content === "string" ? [{ type: "text", text: content }] : [];
}

function reasoningOf({ thinking, output_config: output }: JsonObject): Reasoning | undefined {
  const named = isObject(output) ? output.effort : undefined;
  const told = efforts.find((effort) => effort === named);
  const effort = told === undefined ? {} : { effort: told };
  if (!isObject(thinking)) return told === undefined ? undefined : effort;
  if (thinking.type === "disabled") return { effort: "none" };
  const hidden = thinking.display === "omitted" ? { exclude: true } : {};
  const budgetTokens = numberOf(thinking.budget_tokens);
  if (thinking.type === "enabled" && budgetTokens !== undefined)
    return { ...effort, budgetTokens, ...hidden };
  // This wire's own default, which other wires do not share.
  return { effort: told ?? "high", ...hidden };
}

function formatOf(body: JsonObject): ResponseFormat | undefined {
  const newer = isObject(body.output_config) ? body.output_config.format : undefined;
  const format = newer ?? body.output_format;
  if (!isObject(format) || format.schema === undefined) return undefined;
  const { schema } = format;
  return {
    type: "json_schema",
    name: "answer",
    schema,
    // This wire enforces every schema; OpenAI's takes only such as these when it has to.
    ...(isClosed(schema) ? { strict: true } : {}),
  };
}

/** Whether every object of a schema demands all its properties and allows no other. */
function isClosed(schema: Json | undefined): boolean {
  if (Array.isArray(schema)) return schema.every(isClosed);
  if (!isObject(schema)) return true;
  const { properties, required, additionalProperties } = schema;
  if (schema.type === "object" || isObject(properties)) {
    const names = Object.keys(isObject(properties) ? properties : {});
    const demanded = Array.isArray(required) ? required : [];
    if (additionalProperties !== false || !names.every((name) => demanded.includes(name)))
      return false;
  }
  return Object.values(schema).every(isClosed);
}
