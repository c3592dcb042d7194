import { resultParts, userParts } from "#src/dialect/openai/openai-chat-parts.ts";
import { isMessage } from "#src/dialect/responses/responses-input.ts";
import { flatName } from "#src/dialect/responses/responses-namespaces.ts";
import type {
  AssistantPart,
  Message,
  ReasoningPart,
  TextPart,
  ToolResult,
} from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** This wire's key in `carry`. */
export const dialectId = "openai-responses";

/** Items of tools that a provider ran itself: another provider gets the conversation without them. */
const served: ReadonlySet<string> = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_list_tools",
  "mcp_call",
]);

/** Input items in canonical form. Throws `unsupported_feature` for what only a provider of this wire can resolve. */
export function messagesOf(input: Json | undefined): Message[] {
  if (typeof input === "string") return [{ role: "user", content: userParts(input) }];
  const out: Message[] = [];
  if (!Array.isArray(input)) return out;
  for (const [index, item] of input.entries())
    if (isObject(item)) addItem(out, item, `input[${index}]`);
  return out;
}

function addItem(out: Message[], item: JsonObject, at: string): void {
  if (isMessage(item)) return addMessage(out, item, at);
  const type = stringOf(item.type) ?? "";
  if (type === "function_call" || type === "custom_tool_call") {
    addSaid(out, [callOf(item)]);
  } else if (type === "function_call_output" || type === "custom_tool_call_output") {
    addResult(out, {
      callId: stringOf(item.call_id) ?? "",
      content: resultParts(plain(item.output, `${at}.output`)),
    });
  } else if (type === "reasoning") {
    addSaid(out, reasoningOf(item));
  } else if (type === "item_reference") {
    throw new AppError(
      "unsupported_feature",
      `Cannot look up "${at}" by its id, as nothing is kept for this model: send the item itself (clients do where "store" is false), or call a model whose provider speaks Responses`,
      { param: at },
    );
  } else if (!served.has(type)) {
    throw new AppError(
      "unsupported_feature",
      `Cannot send "${at}" to this model: an item of its type needs a provider that speaks Responses`,
      { param: `${at}.type` },
    );
  }
}

function addMessage(out: Message[], item: JsonObject, at: string): void {
  const content = plain(item.content, `${at}.content`);
  if (item.role === "assistant") return addSaid(out, saidParts(content));
  if (item.role === "user") out.push({ role: "user", content: userParts(content) });
  else
    out.push({
      role: "system",
      content: userParts(content).filter((part) => part.type === "text"),
    });
}

/** What the assistant said, called and thought between two words of others is one message. */
function addSaid(out: Message[], parts: AssistantPart[]): void {
  if (parts.length === 0) return;
  const last = out.at(-1);
  if (last?.role === "assistant") last.content.push(...parts);
  else out.push({ role: "assistant", content: parts });
}

function addResult(out: Message[], result: ToolResult): void {
  const last = out.at(-1);
  if (last?.role === "tool") last.results.push(result);
  else out.push({ role: "tool", results: [result] });
}

function callOf(item: JsonObject): AssistantPart {
  const id = stringOf(item.call_id) ?? "";
  const name = flatName(stringOf(item.name) ?? "", stringOf(item.namespace));
  const words =
    item.type === "custom_tool_call"
      ? JSON.stringify({ input: stringOf(item.input) ?? "" })
      : stringOf(item.arguments);
  return { type: "tool_call", id, name, arguments: words ?? "" };
}

/** A reasoning item in canonical form: its summary, else its text, and what is encrypted; none where it holds neither. */
export function reasoningOf(item: JsonObject): ReasoningPart[] {
  const text = textsOf(item.summary) || textsOf(item.content);
  const redacted = stringOf(item.encrypted_content) || undefined;
  if (text === "" && redacted === undefined) return [];
  const id = stringOf(item.id);
  return [
    {
      type: "reasoning",
      text,
      ...(redacted === undefined ? {} : { redacted }),
      carry: { [dialectId]: id === undefined ? {} : { id } },
    },
  ];
}

function textsOf(parts: Json | undefined): string {
  if (!Array.isArray(parts)) return "";
  return parts
    .filter(isObject)
    .map((part) => stringOf(part.text) ?? "")
    .join("\n\n");
}

function saidParts(content: Json): AssistantPart[] {
  if (!Array.isArray(content)) return userParts(content).filter((part) => part.type === "text");
  return content.filter(isObject).flatMap((part): (TextPart | AssistantPart)[] => {
    if (part.type !== "refusal") return userParts([part]).filter((one) => one.type === "text");
    const text = stringOf(part.refusal) ?? "";
    return text === "" ? [] : [{ type: "refusal", text }];
  });
}

/** Parts under the names that chat has for them. */
function plain(content: Json | undefined, at: string): Json {
  if (!Array.isArray(content)) return content ?? "";
  return content
    .filter(isObject)
    .map((part, index): JsonObject => plainPart(part, `${at}[${index}]`));
}

function plainPart(part: JsonObject, at: string): JsonObject {
  const { type, prompt_cache_breakpoint: point } = part;
  const mark = isObject(point) ? { prompt_cache_breakpoint: point } : {};
  if (type === "input_text" || type === "output_text")
    return { type: "text", text: part.text, ...mark };
  if (type === "refusal") return part;
  if (type === "input_image" && typeof part.image_url === "string") {
    return { type: "image_url", image_url: { url: part.image_url, detail: part.detail }, ...mark };
  }
  if (type === "input_image") {
    throw new AppError(
      "unsupported_feature",
      `Cannot send the picture "${at}" by its file id: send an https or data URL`,
      { param: at },
    );
  }
  if (type === "input_file" && !at.includes(".output[")) {
    const { file_data: data, file_url: url, file_id, filename } = part;
    return { type: "file", file: { file_data: data ?? url, file_id, filename }, ...mark };
  }
  throw new AppError(
    "unsupported_feature",
    `Cannot send the part "${at}" to this model: it takes text and pictures there`,
    { param: at },
  );
}
