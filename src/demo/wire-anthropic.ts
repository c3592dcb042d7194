import type { Answer, Question } from "#src/demo/answer.ts";
import type { Render, Wire } from "#src/demo/provider.ts";
import type { Ids } from "#src/lib/id.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function blocks(content: Json | undefined): JsonObject[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isObject) : [];
}

function textOf(content: Json | undefined): string {
  return blocks(content)
    .map((block) => stringOf(block.text) ?? "")
    .join("");
}

/** The rules that the real endpoint enforces on the order of messages; a string says which was broken. */
function brokenRule(messages: JsonObject[]): string | undefined {
  if (messages[0]?.role !== "user") return "messages: first message must use the user role";
  let pending: string[] = [];
  for (const [index, message] of messages.entries()) {
    const content = blocks(message.content);
    if (content.length === 0) return `messages.${index}: content must not be empty`;
    if (content.some((block) => block.type === "text" && !stringOf(block.text)))
      return "text content blocks must be non-empty";
    const results = content
      .filter((block) => block.type === "tool_result")
      .map((block) => stringOf(block.tool_use_id) ?? "");
    const missing = pending.filter((id) => !results.includes(id));
    if (missing.length > 0)
      return `tool_use ids were found without tool_result blocks: ${missing.join(", ")}`;
    const unknown = results.filter((id) => !pending.includes(id));
    if (unknown.length > 0)
      return `unexpected tool_use_id found in tool_result blocks: ${unknown.join(", ")}`;
    pending = content
      .filter((block) => block.type === "tool_use")
      .map((block) => stringOf(block.id) ?? "");
  }
  return pending.length > 0 ? "tool_use ids were found without tool_result blocks" : undefined;
}

function questionOf(body: JsonObject): Question | string {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : [];
  const maxTokens = numberOf(body.max_tokens);
  if (maxTokens === undefined) return "max_tokens: Field required";
  const broken = brokenRule(messages);
  if (broken !== undefined) return broken;
  const last = messages.at(-1);
  const results = blocks(last?.content).filter((block) => block.type === "tool_result");
  const user = messages.findLast(
    (message) => message.role === "user" && textOf(message.content) !== "",
  );
  const choice = isObject(body.tool_choice) ? body.tool_choice.type : undefined;
  const output =
    isObject(body.output_config) && isObject(body.output_config.format)
      ? body.output_config.format
      : {};
  return {
    text: textOf(user?.content),
    promptBytes: messages.reduce(
      (sum, message) => sum + textOf(message.content).length + 8,
      textOf(body.system).length,
    ),
    maxTokens,
    stop: Array.isArray(body.stop_sequences)
      ? body.stop_sequences.filter((stop) => typeof stop === "string")
      : [],
    tools: (Array.isArray(body.tools) ? body.tools : []).flatMap((tool) =>
      isObject(tool) && typeof tool.name === "string"
        ? [{ name: tool.name, schema: tool.input_schema }]
        : [],
    ),
    forced: choice === "any" || choice === "tool",
    forbidden: choice === "none",
    results: results.map((block) => textOf(block.content)),
    json: false,
    schema: output.type === "json_schema" ? output.schema : undefined,
    reasons: isObject(body.thinking) && body.thinking.type !== "disabled",
  };
}

/** Anthropic's Messages. */
export function anthropicWire(ids: Ids): Wire {
  return {
    base: "/v1",
    keyOf: (headers) => headers.get("x-api-key") ?? undefined,
    error: (status, message) => ({
      type: "error",
      error: { type: errorTypes[status] ?? "api_error", message },
      request_id: ids.next("req"),
    }),
    read(path, headers, body) {
      if (path !== "/v1/messages") return `Nothing is at ${path}`;
      if (!headers.has("anthropic-version")) return "anthropic-version: header is required";
      const model = stringOf(body.model);
      if (model === undefined) return "model: Field required";
      const question = questionOf(body);
      return typeof question === "string"
        ? question
        : { question, stream: body.stream === true, render: render(ids.next("msg"), model, ids) };
    },
  };
}

function contentOf(answer: Answer, ids: Ids): JsonObject[] {
  return [
    ...(answer.reasoning === undefined
      ? []
      : [{ type: "thinking", thinking: answer.reasoning, signature: "c2ltdWxhdGVk" }]),
    ...(answer.words.length === 0 ? [] : [{ type: "text", text: answer.words.join("") }]),
    ...answer.calls.map((call) => ({
      type: "tool_use",
      id: ids.next("toolu"),
      name: call.name,
      input: call.arguments,
    })),
  ];
}

const stops = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use" } as const;
const sse = (value: { type: string } & JsonObject): string =>
  `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

function render(id: string, model: string, ids: Ids): Render {
  const usage = (answer: Answer, output: number) => ({
    input_tokens: answer.promptTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: output,
  });
  const message = (answer: Answer, content: JsonObject[], stop: string | null, output: number) => ({
    id,
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: stop,
    stop_sequence: null,
    usage: usage(answer, output),
  });
  const output = (answer: Answer) => answer.visibleTokens + answer.reasoningTokens;
  return {
    whole(answer, behaviour) {
      const { usage: counted, ...rest } = message(
        answer,
        contentOf(answer, ids),
        stops[answer.finish],
        output(answer),
      );
      return JSON.stringify(behaviour.fault === "no_usage" ? rest : { ...rest, usage: counted });
    },
    events(answer) {
      const body = [
        sse({ type: "message_start", message: message(answer, [], null, 1) }),
        sse({ type: "ping" }),
      ];
      for (const [index, block] of contentOf(answer, ids).entries())
        body.push(...blockEvents(index, block, answer));
      return {
        body,
        terminal: [
          sse({
            type: "message_delta",
            delta: { stop_reason: stops[answer.finish], stop_sequence: null },
            usage: { output_tokens: output(answer) },
          }),
          sse({ type: "message_stop" }),
        ],
      };
    },
    errorEvent: () =>
      sse({
        type: "error",
        error: { type: "overloaded_error", message: "This failure is simulated" },
      }),
  };
}

function blockEvents(index: number, block: JsonObject, answer: Answer): string[] {
  const delta = (value: JsonObject) => sse({ type: "content_block_delta", index, delta: value });
  const stop = sse({ type: "content_block_stop", index });
  if (block.type === "thinking") {
    const start = sse({
      type: "content_block_start",
      index,
      content_block: { type: "thinking", thinking: "", signature: "" },
    });
    return [
      start,
      delta({ type: "thinking_delta", thinking: block.thinking }),
      delta({ type: "signature_delta", signature: block.signature }),
      stop,
    ];
  }
  if (block.type === "text") {
    const start = sse({
      type: "content_block_start",
      index,
      content_block: { type: "text", text: "" },
    });
    return [start, ...answer.words.map((word) => delta({ type: "text_delta", text: word })), stop];
  }
  const start = sse({ type: "content_block_start", index, content_block: { ...block, input: {} } });
  return [
    start,
    delta({ type: "input_json_delta", partial_json: JSON.stringify(block.input) }),
    stop,
  ];
}
