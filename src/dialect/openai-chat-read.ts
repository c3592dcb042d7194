import { gatewayMembers, stopIn, without } from "#src/dialect/ask.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type {
  AssistantPart,
  FilePart,
  ImagePart,
  Message,
  Reasoning,
  TextPart,
  Tool,
  ToolResult,
  Turn,
  UserPart,
} from "#src/dialect/turn.ts";
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

/** A validated chat request in canonical form. */
export function readChatRequest({
  parsed: body,
  stream,
  choices,
  maxOutputTokens,
  user,
}: Ask): Turn {
  return {
    system: [],
    messages: messagesOf(Array.isArray(body.messages) ? body.messages : []),
    tools: toolsOf(body),
    toolChoice: toolChoiceOf(body),
    parallelToolCalls:
      typeof body.parallel_tool_calls === "boolean" ? body.parallel_tool_calls : undefined,
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
    extra: without(body, known),
  };
}

function messagesOf(messages: Json[]): Message[] {
  const out: Message[] = [];
  /** Calls of the deprecated function form, which have no ids of their own. */
  let functionCalls = 0;
  for (const message of messages) {
    if (!isObject(message)) continue;
    switch (message.role) {
      case "system":
      case "developer":
        out.push({ role: "system", content: textsOf(message.content) });
        break;
      case "user":
        out.push({ role: "user", content: userParts(message.content) });
        break;
      case "assistant": {
        const content = assistantParts(message);
        const call = isObject(message.function_call) ? message.function_call : undefined;
        if (call) {
          content.push({
            type: "tool_call",
            id: `call_function_${functionCalls++}`,
            name: stringOf(call.name) ?? "",
            arguments: stringOf(call.arguments) ?? "",
          });
        }
        out.push({ role: "assistant", content });
        break;
      }
      case "tool":
        addResult(out, {
          callId: stringOf(message.tool_call_id) ?? "",
          content: resultParts(message.content),
        });
        break;
      case "function":
        addResult(out, {
          callId: `call_function_${functionCalls - 1}`,
          content: resultParts(message.content),
        });
        break;
    }
  }
  return out;
}

/** Results that follow one another answer one assistant turn. */
function addResult(out: Message[], result: ToolResult): void {
  const last = out.at(-1);
  if (last?.role === "tool") last.results.push(result);
  else out.push({ role: "tool", results: [result] });
}

function textsOf(content: Json | undefined): TextPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part) => {
    const text = isObject(part) ? stringOf(part.text) : undefined;
    return text === undefined || text === ""
      ? []
      : [withCache({ type: "text" as const, text }, part)];
  });
}

function resultParts(content: Json | undefined): (TextPart | ImagePart)[] {
  if (!Array.isArray(content)) return textsOf(content);
  return userParts(content).filter((part) => part.type === "text" || part.type === "image");
}

/** A cache mark rides along for wires that have one. */
function withCache<T extends TextPart | ImagePart | FilePart>(part: T, raw: Json): T {
  if (!isObject(raw) || !isObject(raw.cache_control)) return part;
  return { ...part, carry: { "anthropic-messages": { cache_control: raw.cache_control } } };
}

function userParts(content: Json | undefined): UserPart[] {
  if (!Array.isArray(content)) return textsOf(content);
  return content.flatMap((part): UserPart[] => {
    if (!isObject(part)) return [];
    switch (part.type) {
      case "text":
        return textsOf([part]);
      case "image_url": {
        const image = isObject(part.image_url) ? part.image_url : {};
        return [
          withCache(
            {
              type: "image",
              source: sourceOf(stringOf(image.url) ?? "", "image/png"),
              detail: stringOf(image.detail),
            },
            part,
          ),
        ];
      }
      case "file": {
        const file = isObject(part.file) ? part.file : {};
        const id = stringOf(file.file_id);
        const data = stringOf(file.file_data);
        const source =
          data === undefined ? { fileId: id ?? "" } : sourceOf(data, "application/pdf");
        return [withCache({ type: "file", source, filename: stringOf(file.filename) }, part)];
      }
      case "input_audio": {
        const audio = isObject(part.input_audio) ? part.input_audio : {};
        return [
          {
            type: "audio",
            format: stringOf(audio.format) ?? "wav",
            base64: stringOf(audio.data) ?? "",
          },
        ];
      }
      default:
        return [];
    }
  });
}

/** A data URI as its bytes, an address as itself, anything else as bytes of the expected type. */
function sourceOf(
  text: string,
  fallback: string,
): { url: string } | { mediaType: string; base64: string } {
  if (/^https?:/i.test(text)) return { url: text };
  const comma = text.startsWith("data:") ? text.indexOf(",") : -1;
  if (comma < 0) return { mediaType: fallback, base64: text };
  return {
    mediaType: text.slice("data:".length, comma).split(";")[0] || fallback,
    base64: text.slice(comma + 1),
  };
}

function assistantParts(message: JsonObject): AssistantPart[] {
  const parts: AssistantPart[] = [];
  const reasoning = stringOf(message.reasoning_content) ?? stringOf(message.reasoning);
  if (reasoning) parts.push({ type: "reasoning", text: reasoning });
  parts.push(...textsOf(message.content));
  const refusal = stringOf(message.refusal);
  if (refusal) parts.push({ type: "refusal", text: refusal });
  for (const call of Array.isArray(message.tool_calls) ? message.tool_calls : []) {
    if (!isObject(call)) continue;
    const body = isObject(call.function) ? call.function : isObject(call.custom) ? call.custom : {};
    parts.push({
      type: "tool_call",
      id: stringOf(call.id) ?? "",
      name: stringOf(body.name) ?? "",
      arguments: stringOf(body.arguments) ?? stringOf(body.input) ?? "",
    });
  }
  return parts;
}

function toolsOf(body: JsonObject): Tool[] {
  const tools = Array.isArray(body.tools)
    ? body.tools
    : Array.isArray(body.functions)
      ? body.functions
      : [];
  return tools.flatMap((tool) => {
    const described = isObject(tool) ? (isObject(tool.function) ? tool.function : tool) : {};
    const name = stringOf(described.name);
    if (name === undefined) return [];
    return [
      {
        name,
        description: stringOf(described.description),
        parameters: described.parameters,
        strict: typeof described.strict === "boolean" ? described.strict : undefined,
        carry:
          isObject(tool) && isObject(tool.cache_control)
            ? { "anthropic-messages": { cache_control: tool.cache_control } }
            : undefined,
      },
    ];
  });
}

function toolChoiceOf(body: JsonObject): Turn["toolChoice"] {
  const choice = body.tool_choice ?? body.function_call;
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (!isObject(choice)) return undefined;
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

const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

function reasoningOf(body: JsonObject): Reasoning | undefined {
  const wish = isObject(body.reasoning) ? body.reasoning : {};
  const named = body.reasoning_effort ?? wish.effort;
  const effort = wish.enabled === false ? "none" : efforts.find((one) => one === named);
  const budgetTokens = numberOf(wish.max_tokens);
  const exclude = wish.exclude === true ? true : undefined;
  const enabled =
    wish.enabled === true && effort === undefined && budgetTokens === undefined
      ? ("medium" as const)
      : effort;
  if (enabled === undefined && budgetTokens === undefined && exclude === undefined)
    return undefined;
  return { effort: enabled, budgetTokens, exclude };
}
