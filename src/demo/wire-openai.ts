import type { Answer, Question } from "#src/demo/answer.ts";
import type { Render, Wire } from "#src/demo/provider.ts";
import type { Ids } from "#src/lib/id.ts";
import type { Clock } from "#src/lib/clock.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Text of a content that is a string or parts. */
function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (isObject(part) ? (stringOf(part.text) ?? "") : "")).join("");
}

function questionOf(body: JsonObject): Question | string {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : undefined;
  if (messages === undefined || messages.length === 0)
    return "Missing required parameter: 'messages'";
  const format = isObject(body.response_format) ? body.response_format : {};
  const schema = isObject(format.json_schema) ? format.json_schema.schema : undefined;
  const tools = (Array.isArray(body.tools) ? body.tools : []).flatMap((tool) => {
    const described = isObject(tool) && isObject(tool.function) ? tool.function : undefined;
    const name = stringOf(described?.name);
    return name === undefined ? [] : [{ name, schema: described?.parameters }];
  });
  const lastUser = messages.findLastIndex((message) => message.role === "user");
  return {
    text: textOf(messages[lastUser]?.content),
    promptBytes: messages.reduce((sum, message) => sum + textOf(message.content).length + 8, 0),
    maxTokens: numberOf(body.max_completion_tokens) ?? numberOf(body.max_tokens) ?? 4096,
    stop:
      typeof body.stop === "string"
        ? [body.stop]
        : Array.isArray(body.stop)
          ? body.stop.filter((stop) => typeof stop === "string")
          : [],
    tools,
    forced: body.tool_choice === "required" || isObject(body.tool_choice),
    forbidden: body.tool_choice === "none",
    results: messages
      .slice(lastUser + 1)
      .flatMap((message) => (message.role === "tool" ? [textOf(message.content)] : [])),
    json: format.type === "json_object",
    schema,
    reasons: typeof body.reasoning_effort === "string" && body.reasoning_effort !== "none",
  };
}

/** OpenAI's chat and text completions. */
export function openaiWire(clock: Clock, ids: Ids): Wire {
  return {
    base: "/v1",
    keyOf: (headers) => /^Bearer (.+)$/.exec(headers.get("authorization") ?? "")?.[1],
    error: (status, message) => ({
      error: {
        message,
        type:
          status === 429
            ? "rate_limit_error"
            : status < 500
              ? "invalid_request_error"
              : "server_error",
        param: null,
        code: null,
      },
    }),
    read(path, _headers, body) {
      const model = stringOf(body.model);
      if (model === undefined) return "Missing required parameter: 'model'";
      const isText = path === "/v1/completions";
      if (!isText && path !== "/v1/chat/completions") return `Nothing is at ${path}`;
      const asChat = isText
        ? { ...body, messages: [{ role: "user", content: body.prompt }] }
        : body;
      const question = questionOf(asChat);
      if (typeof question === "string") return question;
      const options = isObject(body.stream_options) ? body.stream_options : {};
      const frame = {
        model,
        created: Math.floor(clock.now() / 1000),
        includeUsage: options.include_usage === true,
      };
      const render = isText
        ? textRender({ ...frame, id: ids.next("cmpl").replace("_", "-") })
        : chatRender({ ...frame, id: ids.next("chatcmpl").replace("_", "-") }, ids);
      return { question, stream: body.stream === true, render };
    },
  };
}

interface Frame {
  id: string;
  model: string;
  created: number;
  includeUsage: boolean;
}

function usageOf(answer: Answer): JsonObject {
  const completion = answer.visibleTokens + answer.reasoningTokens;
  return {
    prompt_tokens: answer.promptTokens,
    completion_tokens: completion,
    total_tokens: answer.promptTokens + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: answer.reasoningTokens, audio_tokens: 0 },
  };
}

const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const end = "data: [DONE]\n\n";
const errorEvent = sse({
  error: { message: "This failure is simulated", type: "server_error", code: null, param: null },
});

function chatRender({ id, model, created, includeUsage }: Frame, ids: Ids): Render {
  const callsOf = (answer: Answer) =>
    answer.calls.map((call) => ({
      id: ids.next("call"),
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.arguments) },
    }));
  return {
    whole(answer, behaviour) {
      const calls = callsOf(answer);
      const text = JSON.stringify({
        id,
        object: "chat.completion",
        created,
        model,
        choices: [
          {
            index: 0,
            message: {
              role: "assistant",
              content: calls.length > 0 ? null : answer.words.join(""),
              refusal: null,
              annotations: [],
              ...(calls.length > 0 ? { tool_calls: calls } : {}),
            },
            logprobs: null,
            finish_reason: answer.finish,
          },
        ],
        ...(behaviour.fault === "no_usage" ? {} : { usage: usageOf(answer) }),
        service_tier: "default",
      });
      return behaviour.unknownMembers
        ? `${text.slice(0, -1)},"unknown_number":12345678901234567890,"unknown":{"nested":[1.50,{"b":1e400}]}}`
        : text;
    },
    events(answer, behaviour) {
      const chunk = (delta: JsonObject, finish: string | null) =>
        sse({
          id,
          object: "chat.completion.chunk",
          created,
          model,
          choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
          ...(includeUsage ? { usage: null } : {}),
        });
      const body = [
        chunk({ role: "assistant", content: "" }, null),
        ...answer.words.map((word) => chunk({ content: word }, null)),
      ];
      for (const [index, call] of callsOf(answer).entries()) {
        const half = Math.ceil(call.function.arguments.length / 2);
        body.push(
          chunk(
            {
              tool_calls: [
                {
                  index,
                  id: call.id,
                  type: "function",
                  function: { name: call.function.name, arguments: "" },
                },
              ],
            },
            null,
          ),
        );
        for (const part of [
          call.function.arguments.slice(0, half),
          call.function.arguments.slice(half),
        ])
          body.push(chunk({ tool_calls: [{ index, function: { arguments: part } }] }, null));
      }
      const usage =
        includeUsage && behaviour.fault !== "no_usage"
          ? [
              sse({
                id,
                object: "chat.completion.chunk",
                created,
                model,
                choices: [],
                usage: usageOf(answer),
              }),
            ]
          : [];
      return { body, terminal: [chunk({}, answer.finish), ...usage, end] };
    },
    errorEvent: () => errorEvent,
  };
}

function textRender({ id, model, created, includeUsage }: Frame): Render {
  const choice = (text: string, finish: string | null) => ({
    text,
    index: 0,
    logprobs: null,
    finish_reason: finish,
  });
  const frame = { id, object: "text_completion", created, model };
  return {
    whole: (answer) =>
      JSON.stringify({
        ...frame,
        choices: [choice(answer.words.join(""), answer.finish)],
        usage: usageOf(answer),
      }),
    events: (answer) => ({
      body: answer.words.map((word) => sse({ ...frame, choices: [choice(word, null)] })),
      terminal: [
        sse({ ...frame, choices: [choice("", answer.finish)] }),
        ...(includeUsage ? [sse({ ...frame, choices: [], usage: usageOf(answer) })] : []),
        end,
      ],
    }),
    errorEvent: () => errorEvent,
  };
}
