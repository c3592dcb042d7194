import { pairedMessages } from "#src/dialect/paired-messages.ts";
import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { mergeJson, parseExact } from "#src/dialect/exact-json.ts";
import { isOpenaiTier, refuseLogprobs } from "#src/dialect/leftover.ts";
import { adapt, type Changes } from "#src/dialect/openai/openai-adapt.ts";
import { type Quirks, quirksOf } from "#src/dialect/openai/openai-quirks.ts";
import { writeCut } from "#src/dialect/cut-turn.ts";
import { cutJson, shellBody } from "#src/dialect/shell-write.ts";
import { edit } from "#src/dialect/splice.ts";
import { shareStops, type StopShare } from "#src/dialect/stop-share.ts";
import type {
  AssistantPart,
  Carry,
  FilePart,
  ImagePart,
  Message,
  TextPart,
  Tool,
  ToolResult,
  Turn,
  UserPart,
} from "#src/dialect/turn.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** What the wire promises; some of its providers take more. */
const mostStops = 4;

/** A canonical request as a chat completion request, with what the provider needs differently. */
export function writeChatRequest(turn: Turn, target: Target): UpstreamRequest {
  return writeCut(turn, (bare, long) => write(bare, target, long));
}

function write(turn: Turn, target: Target, cut: readonly string[]): UpstreamRequest {
  const quirks = quirksOf(target);
  if (quirks.noLogprobs) refuseLogprobs(turn);
  const stops = shareStops(turn.stop, quirks.refused.has("stop") ? 0 : mostStops);
  const body = bodyOf(turn, target, quirks, stops);
  const changes: Changes = { set: {}, add: {} };
  const told = (name: string) => {
    const value = body[name];
    return value === undefined ? undefined : JSON.stringify(value);
  };
  const dropped = [
    ...adapt({ parsed: body, dialect: "openai-chat" }, target, changes, told),
    ...foreignMembers(turn),
  ];
  const { text, long } = cutJson(body, cut);
  const bytes = shellBody({ text: withOverrides(edit(text, changes), target), long });
  return { path: "/chat/completions", body: bytes, dropped, stops };
}

function withOverrides(text: string, { overrides }: Target): string {
  if (overrides === undefined) return text;
  const body = parseExact(text);
  return isObject(body) ? JSON.stringify(mergeJson(body, overrides)) : text;
}

/** The request in the wire's own words, before any provider's. */
function bodyOf(turn: Turn, target: Target, quirks: Quirks, { sent }: StopShare): JsonObject {
  const { effort, budgetTokens, exclude } = turn.reasoning ?? {};
  const paired = pairedMessages(turn.messages);
  const messages = paired.flatMap((message, at) =>
    writeMessage(message, quirks, () => takesReasoning(paired, at, quirks)),
  );
  return defined({
    model: target.model,
    messages: [...writeSystem(turn.system, quirks), ...messages],
    ...sayable(turn.extra),
    tools: turn.tools.length === 0 ? undefined : turn.tools.map((tool) => writeTool(tool, quirks)),
    tool_choice: toolChoiceOf(turn),
    parallel_tool_calls: turn.tools.length === 0 ? undefined : turn.parallelToolCalls,
    [quirks.outputLimit ?? "max_tokens"]:
      turn.maxOutputTokens && Math.min(turn.maxOutputTokens, target.maxOutputTokens ?? Infinity),
    temperature: turn.temperature,
    top_p: turn.topP,
    top_k: turn.topK,
    frequency_penalty: turn.frequencyPenalty,
    presence_penalty: turn.presencePenalty,
    seed: turn.seed,
    user: turn.user,
    n: turn.choices === 1 ? undefined : turn.choices,
    stop: sent.length === 0 ? undefined : [...sent],
    response_format: formatOf(turn),
    reasoning: turn.reasoning && defined({ effort, max_tokens: budgetTokens, exclude }),
    ...(turn.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** Members beyond the canonical form that this wire knows; those of other wires may mean another thing here. */
const members: ReadonlySet<string> = new Set([
  ...["logit_bias", "logprobs", "top_logprobs", "min_p", "top_a", "repetition_penalty"],
  ...["modalities", "audio", "prediction", "verbosity", "web_search_options", "moderation"],
  ...["prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"],
  ...["store", "metadata", "safety_identifier", "service_tier"],
  ...["thinking", "enable_thinking", "chat_template_kwargs", "guided_json"],
]);

function isSayable(name: string, value: Json | undefined): boolean {
  return members.has(name) && (name !== "service_tier" || isOpenaiTier(value));
}

function sayable(extra: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(extra).filter(([name, value]) => isSayable(name, value)),
  );
}

function foreignMembers({ extra }: Turn): string[] {
  return Object.entries(extra).flatMap(([name, value]) => {
    const absent = value === undefined || value === null || name === "cache_control";
    return absent || isSayable(name, value) ? [] : [name];
  });
}

function defined(all: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function writeTool({ name, description, parameters, strict, carry }: Tool, quirks: Quirks): Json {
  const described = defined({ name, description, parameters, strict });
  return { type: "function", function: described, ...markOf(carry, quirks) };
}

function toolChoiceOf({ toolChoice: choice, tools }: Turn): Json | undefined {
  if (choice === undefined || tools.length === 0) return undefined;
  if (typeof choice === "string") return choice;
  return { type: "function", function: { name: choice.name } };
}

function formatOf({ responseFormat: format }: Turn): Json | undefined {
  if (format === undefined) return undefined;
  if (format.type === "json_object") return { type: "json_object" };
  const { name, schema, strict, description } = format;
  return { type: "json_schema", json_schema: defined({ name, schema, strict, description }) };
}

/** A mark for a prompt cache, where the provider knows any. */
function markOf(carry: Carry | undefined, { cacheMarks }: Quirks): JsonObject {
  const mark = carry?.["anthropic-messages"]?.cache_control;
  const known = cacheMarks === "cache_control" || cacheMarks === "prompt_cache_breakpoint";
  return known && isObject(mark) ? { cache_control: mark } : {};
}

/** Instructions as one message: chat templates of many servers take no second one. */
function writeSystem(parts: TextPart[], quirks: Quirks): Json[] {
  return parts.length === 0 ? [] : [{ role: "system", content: joined(parts, quirks) }];
}

/** Texts as one, or as parts where one bears a mark. */
function joined(parts: TextPart[], quirks: Quirks): Json {
  if (parts.some(({ carry }) => isMarked(carry, quirks)))
    return parts.map((part) => writePart(part, quirks));
  return parts.map((part) => part.text).join("\n\n");
}

function isMarked(carry: Carry | undefined, quirks: Quirks): boolean {
  return "cache_control" in markOf(carry, quirks);
}

function writeMessage(message: Message, quirks: Quirks, takesBack: () => boolean): Json[] {
  if (message.role === "system")
    return [{ role: "system", content: joined(message.content, quirks) }];
  if (message.role === "user")
    return [{ role: "user", content: userContent(message.content, quirks) }];
  if (message.role === "tool") return writeResults(message.results, quirks);
  return [writeAssistant(message.content, takesBack)];
}

/** Whether the provider wants the reasoning of this message: of every turn, or of those in which tools were called. */
function takesReasoning(messages: Message[], at: number, { reasoningBack }: Quirks): boolean {
  if (reasoningBack !== "calls") return reasoningBack === "always";
  const isUser = ({ role }: Message) => role === "user";
  const begin = messages.slice(0, at).findLastIndex(isUser) + 1;
  const next = messages.slice(at).findIndex(isUser);
  const turn = messages.slice(begin, next === -1 ? undefined : at + next);
  return turn.some(({ role }) => role === "tool");
}

/** Results as tool messages. This wire has no pictures in results: they follow in a message of the user. */
function writeResults(results: ToolResult[], quirks: Quirks): Json[] {
  const pictures = results.flatMap(({ content }) =>
    content.filter((part) => part.type === "image"),
  );
  const messages = results.map(({ callId, content }): Json => {
    const texts = content.filter((part) => part.type === "text");
    const marked = texts.some(({ carry }) => isMarked(carry, quirks));
    return {
      role: "tool",
      tool_call_id: callId,
      content: marked
        ? texts.map((part) => writePart(part, quirks))
        : texts.map((part) => part.text).join("\n"),
    };
  });
  if (pictures.length > 0) messages.push({ role: "user", content: userContent(pictures, quirks) });
  return messages;
}

function writeAssistant(parts: AssistantPart[], takesBack: () => boolean): Json {
  const said = (type: "text" | "refusal" | "reasoning") =>
    parts.map((part) => (part.type === type ? part.text : "")).join("");
  const calls = parts.flatMap((part) => {
    if (part.type !== "tool_call") return [];
    const { id, name, arguments: words } = part;
    return [{ id, type: "function", function: { name, arguments: argumentsOf(words) } }];
  });
  const [text, refusal, reasoning] = [said("text"), said("refusal"), said("reasoning")];
  return {
    role: "assistant",
    content: text === "" && (calls.length > 0 || refusal !== "") ? null : text,
    ...(refusal === "" ? {} : { refusal }),
    ...(reasoning !== "" && takesBack() ? { reasoning_content: reasoning } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

/** Arguments as they came; none at all are an empty object. */
export function argumentsOf(words: string): string {
  const bare = words.trim();
  return bare === "" || bare === "null" ? "{}" : words;
}

function userContent(parts: UserPart[], quirks: Quirks): Json {
  const [only] = parts;
  if (only === undefined) return "";
  const plain = parts.length === 1 && only.type === "text" && !isMarked(only.carry, quirks);
  return plain ? only.text : parts.map((part) => writePart(part, quirks));
}

function writePart(part: UserPart, quirks: Quirks): JsonObject {
  if (part.type === "audio")
    return { type: "input_audio", input_audio: { data: part.base64, format: part.format } };
  return { ...writeUnmarked(part), ...markOf(part.carry, quirks) };
}

function writeUnmarked(part: TextPart | ImagePart | FilePart): JsonObject {
  if (part.type === "text") return { type: "text", text: part.text };
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
