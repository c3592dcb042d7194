import { refuse, type Refusal } from "#src/demo/wire.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const roles = new Set(["developer", "system", "user", "assistant", "tool", "function"]);
/** Least and greatest value of the numbers; those in `whole` have to be integers. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  temperature: [0, 2],
  top_p: [0, 1],
  n: [1, 128],
  max_tokens: [1, Infinity],
  max_completion_tokens: [1, Infinity],
  frequency_penalty: [-2, 2],
  presence_penalty: [-2, 2],
  top_logprobs: [0, 20],
};
const whole = new Set(["n", "max_tokens", "max_completion_tokens", "top_logprobs"]);

/** The first value that the real endpoint refuses. */
export function brokenValue(body: JsonObject): { refusal: Refusal } | undefined {
  for (const [name, [least, most]] of Object.entries(ranges)) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "number" || (whole.has(name) && !Number.isInteger(value)))
      return refuse(`Invalid type for '${name}': expected a number`, name, "invalid_type");
    if (value < least || value > most)
      return refuse(`Invalid '${name}': ${value} is not in range`, name, "invalid_value");
  }
  if (isSet(body.max_tokens) && isSet(body.max_completion_tokens))
    return refuse(
      "Setting 'max_tokens' and 'max_completion_tokens' at once is not supported",
      "max_tokens",
    );
  if (Array.isArray(body.stop) && body.stop.length > 4)
    return refuse("Invalid 'stop': array too long, at most 4", "stop", "array_above_max_length");
  if (isSet(body.stream_options) && body.stream !== true)
    return refuse("'stream_options' is only allowed when 'stream' is enabled", "stream_options");
  if (isSet(body.tool_choice) && body.tool_choice !== "none" && !isSet(body.tools))
    return refuse("'tool_choice' is only allowed when 'tools' are specified", "tool_choice");
  const format = isObject(body.response_format) ? body.response_format : undefined;
  const named = isObject(format?.json_schema) ? stringOf(format.json_schema.name) : undefined;
  if (format?.type === "json_schema" && !/^[\w-]{1,64}$/.test(named ?? ""))
    return refuse(
      "Missing required parameter: 'response_format.json_schema.name'",
      "response_format.json_schema.name",
      "missing_required_parameter",
    );
  return undefined;
}

/** The first rule about messages that is broken: known roles, content, and each tool call answered directly after it. */
export function brokenOrder(messages: JsonObject[]): { refusal: Refusal } | undefined {
  if (messages.length === 0)
    return refuse("Invalid 'messages': empty array", "messages", "empty_array");
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const role = stringOf(message.role) ?? "";
    const at = `messages.[${index}]`;
    if (!roles.has(role)) return refuse(`Invalid value: '${role}'`, `${at}.role`, "invalid_value");
    if (role === "tool") {
      if (!open.delete(stringOf(message.tool_call_id) ?? ""))
        return refuse(
          "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
          `${at}.role`,
        );
      continue;
    }
    if (open.size > 0) return unanswered(open, at);
    const calls = idsOf(message.tool_calls);
    if (!isSet(message.content) && (role !== "assistant" || !hasSubstitute(message)))
      return refuse("Invalid value for 'content': expected a string, got null", `${at}.content`);
    open = new Set(calls);
  }
  return open.size > 0 ? unanswered(open, "messages") : undefined;
}

function unanswered(open: Set<string>, param: string): { refusal: Refusal } {
  return refuse(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id': ${[...open].join(", ")}`,
    param,
  );
}

function hasSubstitute(message: JsonObject): boolean {
  return [message.tool_calls, message.refusal, message.audio, message.function_call].some(isSet);
}

function idsOf(calls: Json | undefined): string[] {
  return (Array.isArray(calls) ? calls : []).map((call) =>
    isObject(call) ? (stringOf(call.id) ?? "") : "",
  );
}

function isSet(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}
