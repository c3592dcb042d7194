import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What this simulation signs its thinking with; another signature is refused when it comes back. */
export const signature = "c2ltdWxhdGVkLXRoaW5raW5n";

const mostBreakpoints = 4;
const leastBudget = 1024;

/** Blocks of a content; a string is one block of text. */
export function blocksOf(content: Json | undefined): JsonObject[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isObject) : [];
}

/** The first value, or pair of values, that the real endpoint refuses; the text says which. */
export function brokenValue(body: JsonObject): string | undefined {
  const maxTokens = numberOf(body.max_tokens);
  if (maxTokens !== undefined && (!Number.isInteger(maxTokens) || maxTokens < 1))
    return "max_tokens: Input should be greater than or equal to 1";
  const temperature = numberOf(body.temperature);
  if (temperature !== undefined && (temperature < 0 || temperature > 1))
    return "temperature: range: 0..1";
  const stops = Array.isArray(body.stop_sequences) ? body.stop_sequences : [];
  if (stops.some((stop) => typeof stop !== "string" || stop.trim() === ""))
    return "stop_sequences: each stop sequence must contain non-whitespace";
  for (const [index, tool] of (Array.isArray(body.tools) ? body.tools : []).entries()) {
    if (!isObject(tool) || /_\d{8}$/.test(stringOf(tool.type) ?? "")) continue;
    if (!/^[\w-]{1,128}$/.test(stringOf(tool.name) ?? ""))
      return `tools.${index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
    if (!isObject(tool.input_schema) || tool.input_schema.type !== "object")
      return `tools.${index}.custom.input_schema.type: Field required`;
  }
  return brokenThinking(body) ?? brokenCaching(body);
}

function brokenThinking(body: JsonObject): string | undefined {
  const thinking = isObject(body.thinking) ? body.thinking : {};
  if (thinking.type !== "enabled") return undefined;
  const budget = numberOf(thinking.budget_tokens) ?? 0;
  if (budget < leastBudget)
    return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
  if (budget >= (numberOf(body.max_tokens) ?? Infinity))
    return "`max_tokens` must be greater than `thinking.budget_tokens`";
  if (body.temperature !== undefined && body.temperature !== 1)
    return "`temperature` may only be set to 1 when thinking is enabled";
  const choice = isObject(body.tool_choice) ? body.tool_choice.type : undefined;
  if (choice === "any" || choice === "tool")
    return "Thinking may not be enabled when tool_choice forces tool use";
  return undefined;
}

function brokenCaching(body: JsonObject): string | undefined {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : [];
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const blocks = [...blocksOf(body.system), ...messages.flatMap((one) => blocksOf(one.content))];
  const count = [...tools, ...blocks].filter((one) => isObject(one.cache_control)).length;
  return count > mostBreakpoints
    ? `A maximum of 4 blocks with cache_control may be provided. Found ${count}`
    : undefined;
}

/** The first rule about the order of messages and blocks that is broken; the text says which. */
export function brokenOrder(body: JsonObject): string | undefined {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : [];
  const [first] = messages;
  if (first === undefined) return "messages: at least one message is required";
  if (first.role !== "user") return `messages: first message must use the "user" role`;
  let pending: string[] = [];
  for (const [index, message] of messages.entries()) {
    const { role } = message;
    if (role !== "user" && role !== "assistant" && role !== "system")
      return `messages.${index}.role: Input should be 'user' or 'assistant'`;
    const blocks = blocksOf(message.content);
    const broken = brokenBlocks(blocks, index) ?? brokenPairs(blocks, index, pending);
    if (broken !== undefined) return broken;
    pending = idsIn(blocks, "tool_use", "id");
  }
  if (pending.length > 0) return missing(messages.length - 1, pending);
  const loop = messages.at(-2);
  const answers = blocksOf(messages.at(-1)?.content).some(({ type }) => type === "tool_result");
  const lead = blocksOf(loop?.content)[0]?.type;
  const thinks = isObject(body.thinking) && body.thinking.type === "enabled";
  return thinks && answers && lead !== "thinking" && lead !== "redacted_thinking"
    ? `messages.${messages.length - 2}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${stringOf(lead)}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block`
    : undefined;
}

function brokenBlocks(blocks: JsonObject[], index: number): string | undefined {
  if (blocks.length === 0) return `messages.${index}: all messages must have non-empty content`;
  for (const block of blocks) {
    if (block.type === "text" && !stringOf(block.text))
      return "messages: text content blocks must be non-empty";
    if (block.type === "tool_use" && !isObject(block.input))
      return `messages.${index}.content: tool_use.input: Input should be a valid dictionary`;
    if (block.type === "thinking" && block.signature !== signature)
      return `messages.${index}.content: Invalid \`signature\` in \`thinking\` block`;
  }
  return undefined;
}

/** Every call of one message is answered in the next, before any text, and nothing else is answered. */
function brokenPairs(blocks: JsonObject[], index: number, pending: string[]): string | undefined {
  const results = idsIn(blocks, "tool_result", "tool_use_id");
  const open = pending.filter((id) => !results.includes(id));
  if (open.length > 0) return missing(index - 1, open);
  const unknown = results.filter((id) => !pending.includes(id));
  if (unknown.length > 0)
    return `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unknown.join(", ")}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message`;
  const lastResult = blocks.findLastIndex(({ type }) => type === "tool_result");
  const text = blocks.findIndex(({ type }) => type === "text");
  return text >= 0 && text < lastResult
    ? `messages.${index}: \`tool_result\` blocks must come before text`
    : undefined;
}

function missing(index: number, ids: string[]): string {
  return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message`;
}

function idsIn(blocks: JsonObject[], type: string, member: string): string[] {
  return blocks
    .filter((block) => block.type === type)
    .map((block) => stringOf(block[member]) ?? "");
}
