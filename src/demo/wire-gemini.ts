import type { Answer, Question } from "#src/demo/answer.ts";
import type { Render, Wire } from "#src/demo/provider.ts";
import type { Ids } from "#src/lib/id.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const statuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  429: "RESOURCE_EXHAUSTED",
  503: "UNAVAILABLE",
};

function partsOf(content: Json | undefined): JsonObject[] {
  return isObject(content) && Array.isArray(content.parts) ? content.parts.filter(isObject) : [];
}

function textOf(content: Json | undefined): string {
  return partsOf(content)
    .map((part) => stringOf(part.text) ?? "")
    .join("");
}

function questionOf(body: JsonObject): Question | string {
  const contents = Array.isArray(body.contents) ? body.contents.filter(isObject) : [];
  if (contents.length === 0) return "contents is not specified";
  for (const [index, content] of contents.entries()) {
    if (content.role !== undefined && content.role !== "user" && content.role !== "model")
      return "Please use a valid role: user, model.";
    for (const part of partsOf(content)) {
      if (!isObject(part.functionResponse)) continue;
      if (!isObject(part.functionResponse.response))
        return `contents[${index}]: functionResponse.response must be an object`;
      const before = partsOf(contents[index - 1]);
      if (!before.some((one) => isObject(one.functionCall)))
        return "Please ensure that function response turn comes immediately after a function call turn.";
    }
  }
  const config = isObject(body.generationConfig) ? body.generationConfig : {};
  const declared = (Array.isArray(body.tools) ? body.tools : []).flatMap((tool) =>
    isObject(tool) && Array.isArray(tool.functionDeclarations)
      ? tool.functionDeclarations.filter(isObject)
      : [],
  );
  const calling =
    isObject(body.toolConfig) && isObject(body.toolConfig.functionCallingConfig)
      ? body.toolConfig.functionCallingConfig.mode
      : undefined;
  const user = contents.findLast((content) => content.role !== "model" && textOf(content) !== "");
  const responses = partsOf(contents.at(-1)).flatMap((part) =>
    isObject(part.functionResponse) ? [JSON.stringify(part.functionResponse.response)] : [],
  );
  const thinking = isObject(config.thinkingConfig) ? config.thinkingConfig : undefined;
  return {
    text: textOf(user),
    promptBytes: contents.reduce(
      (sum, content) => sum + textOf(content).length + 8,
      textOf(body.systemInstruction).length,
    ),
    maxTokens: numberOf(config.maxOutputTokens) ?? 8192,
    stop: Array.isArray(config.stopSequences)
      ? config.stopSequences.filter((stop) => typeof stop === "string")
      : [],
    tools: declared.map((tool) => ({
      name: stringOf(tool.name) ?? "",
      schema: tool.parametersJsonSchema ?? tool.parameters,
    })),
    forced: calling === "ANY",
    forbidden: calling === "NONE",
    results: responses,
    json: config.responseMimeType === "application/json",
    schema: config.responseJsonSchema ?? config.responseSchema,
    reasons: thinking !== undefined && thinking.thinkingBudget !== 0,
  };
}

/** Gemini's generateContent and streamGenerateContent. */
export function geminiWire(ids: Ids): Wire {
  return {
    base: "/v1beta",
    keyOf: (headers) => headers.get("x-goog-api-key") ?? undefined,
    error: (status, message) => ({
      error: { code: status, message, status: statuses[status] ?? "INTERNAL" },
    }),
    read(path, _headers, body) {
      const match = /^\/v1beta\/models\/([^:]+):(generateContent|streamGenerateContent)$/.exec(
        path,
      );
      const model = match?.[1];
      if (model === undefined) return `Nothing is at ${path}`;
      const question = questionOf(body);
      return typeof question === "string"
        ? question
        : {
            question,
            stream: match?.[2] === "streamGenerateContent",
            render: render(ids.next("resp"), model),
          };
    },
  };
}

const finishes = { stop: "STOP", length: "MAX_TOKENS", tool_calls: "STOP" } as const;
const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\r\n\r\n`;

function render(responseId: string, model: string): Render {
  const usage = (answer: Answer) => ({
    promptTokenCount: answer.promptTokens,
    candidatesTokenCount: answer.visibleTokens,
    ...(answer.reasoningTokens > 0 ? { thoughtsTokenCount: answer.reasoningTokens } : {}),
    totalTokenCount: answer.promptTokens + answer.visibleTokens + answer.reasoningTokens,
  });
  const frame = (
    parts: JsonObject[],
    finish: string | undefined,
    counted: JsonObject | undefined,
  ) => ({
    candidates: [
      {
        content: { role: "model", parts },
        ...(finish === undefined ? {} : { finishReason: finish }),
        index: 0,
      },
    ],
    ...(counted === undefined ? {} : { usageMetadata: counted }),
    modelVersion: model,
    responseId,
  });
  const callParts = (answer: Answer) =>
    answer.calls.map((call, index) => ({
      functionCall: { name: call.name, args: call.arguments },
      ...(index === 0 && model.startsWith("gemini-3") ? { thoughtSignature: "c2ltdWxhdGVk" } : {}),
    }));
  const thought = (answer: Answer) =>
    answer.reasoning === undefined ? [] : [{ text: answer.reasoning, thought: true }];
  return {
    whole(answer, behaviour) {
      const text = answer.words.length === 0 ? [] : [{ text: answer.words.join("") }];
      return JSON.stringify(
        frame(
          [...thought(answer), ...text, ...callParts(answer)],
          finishes[answer.finish],
          behaviour.fault === "no_usage" ? undefined : usage(answer),
        ),
      );
    },
    events(answer) {
      const lead = thought(answer).map((part) => sse(frame([part], undefined, usage(answer))));
      const words = answer.words.map((word) =>
        sse(frame([{ text: word }], undefined, usage(answer))),
      );
      const calls =
        answer.calls.length === 0 ? [] : [sse(frame(callParts(answer), undefined, usage(answer)))];
      return {
        body: [...lead, ...words, ...calls],
        terminal: [sse(frame([{ text: "" }], finishes[answer.finish], usage(answer)))],
      };
    },
    errorEvent: () =>
      sse({ error: { code: 503, message: "This failure is simulated", status: "UNAVAILABLE" } }),
  };
}
