import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { mergeJson } from "#src/dialect/exact-json.ts";
import { effortFor } from "#src/dialect/openai-adapt.ts";
import { type Quirks, quirksOf } from "#src/dialect/openai-quirks.ts";
import type {
  AssistantPart,
  FilePart,
  ImagePart,
  Message,
  ToolResult,
  Turn,
  UserPart,
} from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/** A canonical request as a chat completion request. */
export function writeChatRequest(turn: Turn, target: Target): UpstreamRequest {
  const quirks = quirksOf(target);
  const effort = effortFor(turn.reasoning, target);
  const sampling = defined({ temperature: turn.temperature, top_p: turn.topP, top_k: turn.topK });
  const system = turn.system.map((part) => ({ role: "system", content: part.text }));
  const body = defined({
    model: target.model,
    messages: [...system, ...turn.messages.flatMap((message) => writeMessage(message, quirks))],
    ...turn.extra,
    tools: turn.tools.length === 0 ? undefined : toolsOf(turn),
    tool_choice: toolChoiceOf(turn),
    parallel_tool_calls: turn.parallelToolCalls,
    [quirks.outputLimit ?? "max_tokens"]: turn.maxOutputTokens,
    ...(target.samplingParams ? sampling : {}),
    frequency_penalty: turn.frequencyPenalty,
    presence_penalty: turn.presencePenalty,
    [quirks.seed]: turn.seed,
    user: turn.user,
    n: turn.choices === 1 ? undefined : turn.choices,
    stop: turn.stop.length === 0 ? undefined : turn.stop,
    response_format: formatOf(turn),
    ...(quirks.reasoningObject
      ? { reasoning: effort && { effort } }
      : { reasoning_effort: effort }),
    ...(turn.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
  const dropped = target.samplingParams ? [] : Object.keys(sampling);
  const bytes = encode(JSON.stringify(mergeJson(body, target.overrides)));
  return { path: "/chat/completions", body: bytes, dropped };
}

function defined(members: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function toolsOf({ tools }: Turn): Json[] {
  return tools.map(({ name, description, parameters, strict }) => ({
    type: "function",
    function: defined({ name, description, parameters, strict }),
  }));
}

function toolChoiceOf({ toolChoice: choice }: Turn): Json | undefined {
  if (choice === undefined || typeof choice === "string") return choice;
  return { type: "function", function: { name: choice.name } };
}

function formatOf({ responseFormat: format }: Turn): Json | undefined {
  if (format === undefined) return undefined;
  if (format.type === "json_object") return { type: "json_object" };
  const { name, schema, strict, description } = format;
  return { type: "json_schema", json_schema: defined({ name, schema, strict, description }) };
}

function writeMessage(message: Message, quirks: Quirks): Json[] {
  if (message.role === "system")
    return [{ role: "system", content: message.content.map((part) => part.text).join("\n\n") }];
  if (message.role === "user") return [{ role: "user", content: userContent(message.content) }];
  if (message.role === "tool") return writeResults(message.results);
  return [writeAssistant(message.content, quirks)];
}

/** Results as tool messages. This wire has no pictures in results: they follow in a message of the user. */
function writeResults(results: ToolResult[]): Json[] {
  const pictures = results.flatMap(({ content }) =>
    content.filter((part) => part.type === "image"),
  );
  const messages: Json[] = results.map(({ callId, content }) => ({
    role: "tool",
    tool_call_id: callId,
    content: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
  }));
  if (pictures.length > 0) messages.push({ role: "user", content: userContent(pictures) });
  return messages;
}

function writeAssistant(parts: AssistantPart[], { reasoningBack }: Quirks): Json {
  const said = (type: "text" | "refusal" | "reasoning") =>
    parts.map((part) => (part.type === type ? part.text : "")).join("");
  const calls = parts.flatMap((part) => {
    if (part.type !== "tool_call") return [];
    const { id, name, arguments: words } = part;
    return [{ id, type: "function", function: { name, arguments: words || "{}" } }];
  });
  const [text, refusal, reasoning] = [said("text"), said("refusal"), said("reasoning")];
  return {
    role: "assistant",
    content: text === "" && (calls.length > 0 || refusal !== "") ? null : text,
    ...(refusal === "" ? {} : { refusal }),
    ...(reasoning !== "" && reasoningBack ? { reasoning_content: reasoning } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

function userContent(parts: UserPart[]): Json {
  const [only] = parts;
  if (only === undefined) return "";
  return parts.length === 1 && only.type === "text" ? only.text : parts.map(writePart);
}

function writePart(part: UserPart): JsonObject {
  if (part.type === "text") return { type: "text", text: part.text };
  if (part.type === "audio")
    return { type: "input_audio", input_audio: { data: part.base64, format: part.format } };
  if (part.type === "image") {
    const { detail, source } = part;
    return { type: "image_url", image_url: defined({ url: urlOf(source), detail }) };
  }
  const { filename, source } = part;
  if ("fileId" in source) return { type: "file", file: { file_id: source.fileId } };
  return { type: "file", file: defined({ filename, file_data: urlOf(source) }) };
}

type Source = ImagePart["source"] | Exclude<FilePart["source"], { fileId: string }>;

function urlOf(source: Source): string {
  return "url" in source ? source.url : `data:${source.mediaType};base64,${source.base64}`;
}
