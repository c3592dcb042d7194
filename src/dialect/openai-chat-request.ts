import type { Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import { clampEffort, effortOfBudget } from "#src/dialect/effort.ts";
import type { FilePart, ImagePart, Message, Turn, UserPart } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/** A canonical request as a chat completion request. */
export function writeChatRequest(turn: Turn, target: Target): UpstreamRequest {
  const dropped: string[] = [];
  const body: JsonObject = {
    model: target.model,
    messages: [
      ...turn.system.map((part) => ({ role: "system", content: part.text })),
      ...turn.messages.flatMap(messageOf),
    ],
    ...turn.extra,
  };
  if (turn.tools.length > 0)
    body.tools = turn.tools.map(({ name, description, parameters, strict }) => ({
      type: "function",
      function: defined({ name, description, parameters, strict }),
    }));
  if (turn.toolChoice !== undefined)
    body.tool_choice =
      typeof turn.toolChoice === "string"
        ? turn.toolChoice
        : { type: "function", function: { name: turn.toolChoice.name } };
  Object.assign(
    body,
    defined({
      parallel_tool_calls: turn.parallelToolCalls,
      [target.reasoning ? "max_completion_tokens" : "max_tokens"]: turn.maxOutputTokens,
      frequency_penalty: turn.frequencyPenalty,
      presence_penalty: turn.presencePenalty,
      seed: turn.seed,
      user: turn.user,
      n: turn.choices === 1 ? undefined : turn.choices,
      stop: turn.stop.length === 0 ? undefined : turn.stop,
      response_format: formatOf(turn),
      reasoning_effort: effortOf(turn, target),
    }),
  );
  const sampling = defined({ temperature: turn.temperature, top_p: turn.topP, top_k: turn.topK });
  if (target.samplingParams) Object.assign(body, sampling);
  else dropped.push(...Object.keys(sampling));
  if (turn.stream) Object.assign(body, { stream: true, stream_options: { include_usage: true } });
  Object.assign(body, target.overrides);
  return { path: "/chat/completions", body: encode(JSON.stringify(body)), dropped };
}

function defined(members: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function effortOf({ reasoning }: Turn, target: Target): string | undefined {
  if (reasoning === undefined || target.reasoning === undefined) return undefined;
  const wanted =
    reasoning.effort ??
    (reasoning.budgetTokens === undefined ? undefined : effortOfBudget(reasoning.budgetTokens));
  if (wanted === undefined) return undefined;
  return target.reasoning.efforts ? clampEffort(wanted, target.reasoning.efforts) : wanted;
}

function formatOf({ responseFormat: format }: Turn): Json | undefined {
  if (format === undefined || format.type === "json_object")
    return format && { type: "json_object" };
  const { name, schema, strict, description } = format;
  return { type: "json_schema", json_schema: defined({ name, schema, strict, description }) };
}

function messageOf(message: Message): Json[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content.map((part) => part.text).join("\n\n") }];
    case "user":
      return [{ role: "user", content: userContent(message.content) }];
    case "tool":
      return message.results.map((result) => ({
        role: "tool",
        tool_call_id: result.callId,
        content: result.content.map((part) => (part.type === "text" ? part.text : "")).join(""),
      }));
    case "assistant": {
      const text = message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
      const calls = message.content.flatMap((part) =>
        part.type === "tool_call"
          ? [
              {
                id: part.id,
                type: "function",
                function: { name: part.name, arguments: part.arguments || "{}" },
              },
            ]
          : [],
      );
      return [
        {
          role: "assistant",
          content: text === "" && calls.length > 0 ? null : text,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        },
      ];
    }
  }
}

function userContent(parts: UserPart[]): Json {
  const [only] = parts;
  if (parts.length === 1 && only?.type === "text") return only.text;
  return parts.map((part): JsonObject => {
    switch (part.type) {
      case "text":
        return { type: "text", text: part.text };
      case "image":
        return {
          type: "image_url",
          image_url: defined({ url: urlOf(part.source), detail: part.detail }),
        };
      case "file":
        return {
          type: "file",
          file:
            "fileId" in part.source
              ? { file_id: part.source.fileId }
              : defined({ filename: part.filename, file_data: urlOf(part.source) }),
        };
      case "audio":
        return { type: "input_audio", input_audio: { format: part.format, data: part.base64 } };
    }
  });
}

function urlOf(
  source: ImagePart["source"] | Exclude<FilePart["source"], { fileId: string }>,
): string {
  return "url" in source ? source.url : `data:${source.mediaType};base64,${source.base64}`;
}
