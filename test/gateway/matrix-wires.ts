/*
 * What a strict upstream of each wire takes: every member by its name in its place, and no other. The providers that
 * are asked here refuse strange members, or read them as something else. Six wires stand side by side, member by
 * member: that is why the file is longer than 300 lines.
 */
import * as v from "valibot";
import type { Wire } from "#test/gateway/matrix-answers.ts";

const o = v.optional;
const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const schema = v.looseObject({});
const mark = o(v.strictObject({ type: v.literal("ephemeral"), ttl: o(text) }));
const only = <const T extends readonly string[]>(...words: T) => v.picklist(words);
const nonEmpty = v.pipe(text, v.minLength(1));
const some = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.minLength(1));

const chatText = v.strictObject({ type: v.literal("text"), text: nonEmpty, cache_control: mark });
const chatPart = v.union([
  chatText,
  v.strictObject({
    type: v.literal("image_url"),
    image_url: v.strictObject({ url: text, detail: o(text) }),
    cache_control: mark,
  }),
  v.strictObject({
    type: v.literal("file"),
    file: v.strictObject({ filename: o(text), file_data: text }),
    cache_control: mark,
  }),
]);
const chatCall = v.strictObject({
  id: text,
  type: v.literal("function"),
  function: v.strictObject({ name: text, arguments: jsonText() }),
});
const texts = v.union([text, some(chatText)]);
const openaiChat = v.strictObject({
  model: text,
  messages: some(
    v.variant("role", [
      v.strictObject({ role: only("system", "developer"), content: texts }),
      v.strictObject({ role: v.literal("user"), content: v.union([text, some(chatPart)]) }),
      v.strictObject({
        role: v.literal("assistant"),
        content: v.nullable(texts),
        reasoning: o(text),
        tool_calls: o(some(chatCall)),
      }),
      v.strictObject({
        role: v.literal("tool"),
        tool_call_id: text,
        // Pictures are the client's own words: a translated result has none.
        content: v.union([text, some(chatPart)]),
      }),
    ]),
  ),
  tools: o(
    some(
      v.strictObject({
        type: v.literal("function"),
        function: v.strictObject({
          name: text,
          description: o(text),
          parameters: o(schema),
          strict: o(v.boolean()),
        }),
        cache_control: mark,
      }),
    ),
  ),
  tool_choice: o(
    v.union([
      only("auto", "none", "required"),
      v.strictObject({ type: v.literal("function"), function: v.strictObject({ name: text }) }),
    ]),
  ),
  parallel_tool_calls: o(v.boolean()),
  max_tokens: o(count),
  max_completion_tokens: o(count),
  temperature: o(v.number()),
  top_p: o(v.number()),
  top_k: o(count),
  stop: o(v.union([text, some(text)])),
  n: o(count),
  logprobs: o(v.boolean()),
  top_logprobs: o(count),
  response_format: o(
    v.variant("type", [
      v.strictObject({ type: v.literal("json_object") }),
      v.strictObject({
        type: v.literal("json_schema"),
        json_schema: v.strictObject({ name: text, schema, strict: o(v.boolean()) }),
      }),
    ]),
  ),
  reasoning: o(v.strictObject({ effort: o(text), max_tokens: o(count), exclude: o(v.boolean()) })),
  reasoning_effort: o(text),
  stream: o(v.boolean()),
  stream_options: o(v.strictObject({ include_usage: v.boolean() })),
});

const breakpoint = o(v.strictObject({ mode: v.literal("explicit") }));
const inputPart = v.variant("type", [
  v.strictObject({
    type: v.literal("input_text"),
    text: nonEmpty,
    prompt_cache_breakpoint: breakpoint,
  }),
  v.strictObject({ type: v.literal("input_image"), image_url: text, detail: o(text) }),
  v.strictObject({
    type: v.literal("input_file"),
    filename: o(text),
    file_data: o(text),
    file_url: o(text),
  }),
]);
const outputPart = v.variant("type", [
  v.strictObject({ type: v.literal("output_text"), text }),
  v.strictObject({ type: v.literal("refusal"), refusal: text }),
]);
const responses = v.strictObject({
  model: text,
  instructions: o(text),
  input: v.union([
    text,
    some(
      v.union([
        v.strictObject({
          type: o(v.literal("message")),
          role: only("user", "system", "developer"),
          content: v.union([text, some(inputPart)]),
        }),
        v.strictObject({
          type: v.literal("message"),
          role: v.literal("assistant"),
          content: some(outputPart),
        }),
        // An output item given back as it came.
        v.looseObject({ type: only("message", "reasoning", "function_call"), id: text }),
        v.strictObject({
          type: v.literal("reasoning"),
          summary: v.array(v.strictObject({ type: v.literal("summary_text"), text })),
          encrypted_content: text,
        }),
        v.strictObject({
          type: v.literal("function_call"),
          call_id: text,
          name: text,
          arguments: jsonText(),
        }),
        v.strictObject({
          type: v.literal("function_call_output"),
          call_id: text,
          output: v.union([text, some(inputPart)]),
        }),
      ]),
    ),
  ]),
  tools: o(
    some(
      v.strictObject({
        type: v.literal("function"),
        name: text,
        description: o(text),
        parameters: schema,
        strict: v.boolean(),
      }),
    ),
  ),
  tool_choice: o(
    v.union([
      only("auto", "none", "required"),
      v.strictObject({ type: v.literal("function"), name: text }),
    ]),
  ),
  parallel_tool_calls: o(v.boolean()),
  max_output_tokens: o(v.pipe(count, v.minValue(16))),
  temperature: o(v.number()),
  top_p: o(v.number()),
  text: o(
    v.strictObject({
      format: v.variant("type", [
        v.strictObject({ type: v.literal("json_object") }),
        v.strictObject({
          type: v.literal("json_schema"),
          name: text,
          schema,
          strict: o(v.boolean()),
        }),
      ]),
    }),
  ),
  reasoning: o(v.strictObject({ effort: o(text), summary: o(text) })),
  include: o(v.array(text)),
  store: v.literal(false),
  stream: o(v.boolean()),
});

const source = v.variant("type", [
  v.strictObject({ type: v.literal("base64"), media_type: text, data: text }),
  v.strictObject({ type: v.literal("url"), url: text }),
]);
const saidText = v.strictObject({ type: v.literal("text"), text: nonEmpty, cache_control: mark });
const picture = v.strictObject({ type: v.literal("image"), source, cache_control: mark });
const anthropicTool = { name: text, description: o(text), cache_control: mark };
const anthropic = v.strictObject({
  model: text,
  max_tokens: count,
  system: o(v.union([nonEmpty, some(saidText)])),
  messages: some(
    v.variant("role", [
      v.strictObject({
        role: v.literal("user"),
        content: v.union([
          nonEmpty,
          some(
            v.variant("type", [
              saidText,
              picture,
              v.strictObject({
                type: v.literal("document"),
                source,
                title: o(text),
                cache_control: mark,
              }),
              v.strictObject({
                type: v.literal("tool_result"),
                tool_use_id: text,
                content: o(v.union([text, v.array(v.variant("type", [saidText, picture]))])),
                is_error: o(v.boolean()),
                cache_control: mark,
              }),
            ]),
          ),
        ]),
      }),
      v.strictObject({
        role: v.literal("assistant"),
        content: v.union([
          nonEmpty,
          some(
            v.variant("type", [
              saidText,
              v.strictObject({ type: v.literal("thinking"), thinking: text, signature: nonEmpty }),
              v.strictObject({
                type: v.literal("tool_use"),
                id: v.pipe(text, v.regex(/^[a-zA-Z0-9_-]+$/)),
                name: text,
                input: schema,
                cache_control: mark,
              }),
            ]),
          ),
        ]),
      }),
    ]),
  ),
  tools: o(
    some(
      v.strictObject({
        ...anthropicTool,
        input_schema: v.looseObject({ type: v.literal("object") }),
        strict: o(v.boolean()),
      }),
    ),
  ),
  tool_choice: o(
    v.variant("type", [
      v.strictObject({ type: only("auto", "any"), disable_parallel_tool_use: o(v.boolean()) }),
      v.strictObject({ type: v.literal("none") }),
      v.strictObject({
        type: v.literal("tool"),
        name: text,
        disable_parallel_tool_use: o(v.boolean()),
      }),
    ]),
  ),
  thinking: o(
    v.variant("type", [
      v.strictObject({
        type: v.literal("enabled"),
        budget_tokens: v.pipe(count, v.minValue(1024)),
        display: o(text),
      }),
      v.strictObject({ type: v.literal("disabled") }),
    ]),
  ),
  output_config: o(
    v.strictObject({
      effort: o(text),
      format: o(v.strictObject({ type: v.literal("json_schema"), schema })),
    }),
  ),
  temperature: o(v.pipe(v.number(), v.maxValue(1))),
  top_p: o(v.number()),
  top_k: o(count),
  stop_sequences: o(some(text)),
  cache_control: mark,
  stream: o(v.boolean()),
});

const signature = { thoughtSignature: o(text) };
const geminiPart = v.union([
  v.strictObject({ text, thought: o(v.boolean()), ...signature }),
  v.strictObject({ inlineData: v.strictObject({ mimeType: text, data: text }) }),
  v.strictObject({ fileData: v.strictObject({ mimeType: text, fileUri: text }) }),
  v.strictObject({
    functionCall: v.strictObject({ id: o(text), name: text, args: schema }),
    ...signature,
  }),
  v.strictObject({
    functionResponse: v.strictObject({
      id: o(text),
      name: text,
      response: schema,
      // Pictures of a result, in the client's own words.
      parts: o(v.array(schema)),
    }),
  }),
]);
const gemini = v.strictObject({
  systemInstruction: o(v.strictObject({ parts: some(v.strictObject({ text: nonEmpty })) })),
  contents: some(v.strictObject({ role: only("user", "model"), parts: some(geminiPart) })),
  tools: o(
    some(
      v.strictObject({
        functionDeclarations: some(
          v.strictObject({ name: text, description: o(text), parametersJsonSchema: o(schema) }),
        ),
      }),
    ),
  ),
  toolConfig: o(
    v.strictObject({
      functionCallingConfig: v.strictObject({
        mode: only("AUTO", "ANY", "NONE"),
        allowedFunctionNames: o(some(text)),
      }),
    }),
  ),
  generationConfig: o(
    v.strictObject({
      temperature: o(v.number()),
      topP: o(v.number()),
      topK: o(count),
      candidateCount: o(count),
      maxOutputTokens: o(count),
      stopSequences: o(some(text)),
      responseMimeType: o(v.literal("application/json")),
      responseJsonSchema: o(schema),
      responseLogprobs: o(v.boolean()),
      logprobs: o(count),
      thinkingConfig: o(
        v.strictObject({
          includeThoughts: o(v.boolean()),
          thinkingLevel: o(only("MINIMAL", "LOW", "MEDIUM", "HIGH")),
          thinkingBudget: o(count),
        }),
      ),
    }),
  ),
});

const cohereText = v.strictObject({ type: v.literal("text"), text: nonEmpty });
const cohere = v.strictObject({
  model: text,
  messages: some(
    v.variant("role", [
      v.strictObject({ role: v.literal("system"), content: nonEmpty }),
      v.strictObject({
        role: v.literal("user"),
        content: v.union([
          nonEmpty,
          some(
            v.variant("type", [
              cohereText,
              v.strictObject({
                type: v.literal("image_url"),
                image_url: v.strictObject({ url: text, detail: o(text) }),
              }),
            ]),
          ),
        ]),
      }),
      v.strictObject({
        role: v.literal("assistant"),
        content: o(
          some(
            v.variant("type", [
              cohereText,
              v.strictObject({ type: v.literal("thinking"), thinking: nonEmpty }),
            ]),
          ),
        ),
        tool_plan: o(nonEmpty),
        tool_calls: o(some(chatCall)),
      }),
      v.strictObject({ role: v.literal("tool"), tool_call_id: text, content: text }),
    ]),
  ),
  tools: o(
    some(
      v.strictObject({
        type: v.literal("function"),
        function: v.strictObject({ name: text, description: o(text), parameters: schema }),
      }),
    ),
  ),
  tool_choice: o(only("REQUIRED", "NONE")),
  max_tokens: o(count),
  stop_sequences: o(v.pipe(v.array(text), v.maxLength(5))),
  temperature: o(v.pipe(v.number(), v.maxValue(1))),
  p: o(v.pipe(v.number(), v.maxValue(0.99))),
  k: o(v.pipe(count, v.maxValue(500))),
  response_format: o(v.strictObject({ type: v.literal("json_object"), json_schema: o(schema) })),
  thinking: o(
    v.variant("type", [
      v.strictObject({ type: v.literal("enabled"), token_budget: o(count) }),
      v.strictObject({ type: v.literal("disabled") }),
    ]),
  ),
  logprobs: o(v.literal(true)),
  stream: v.boolean(),
});

const point = v.strictObject({ cachePoint: v.strictObject({ type: v.literal("default") }) });
const bytes = v.strictObject({ bytes: text });
const converseText = v.strictObject({ text: nonEmpty });
const converseImage = v.strictObject({
  image: v.strictObject({ format: only("png", "jpeg", "gif", "webp"), source: bytes }),
});
const converse = v.strictObject({
  messages: some(
    v.variant("role", [
      v.strictObject({
        role: v.literal("user"),
        content: some(
          v.union([
            converseText,
            converseImage,
            point,
            v.strictObject({
              toolResult: v.strictObject({
                toolUseId: v.pipe(text, v.maxLength(64)),
                content: v.array(v.union([converseText, converseImage])),
                status: o(v.literal("error")),
              }),
            }),
          ]),
        ),
      }),
      v.strictObject({
        role: v.literal("assistant"),
        content: some(
          v.union([
            converseText,
            point,
            v.strictObject({
              toolUse: v.strictObject({
                toolUseId: v.pipe(text, v.maxLength(64)),
                name: text,
                input: schema,
              }),
            }),
          ]),
        ),
      }),
    ]),
  ),
  system: o(some(v.union([converseText, point]))),
  inferenceConfig: o(
    v.strictObject({
      maxTokens: o(count),
      temperature: o(v.pipe(v.number(), v.maxValue(1))),
      topP: o(v.number()),
      stopSequences: o(some(text)),
    }),
  ),
  toolConfig: o(
    v.strictObject({
      tools: some(
        v.strictObject({
          toolSpec: v.strictObject({
            name: text,
            description: o(text),
            inputSchema: v.strictObject({ json: v.looseObject({ type: v.literal("object") }) }),
          }),
        }),
      ),
      toolChoice: o(
        v.union([
          v.strictObject({ auto: v.strictObject({}) }),
          v.strictObject({ any: v.strictObject({}) }),
          v.strictObject({ tool: v.strictObject({ name: text }) }),
        ]),
      ),
    }),
  ),
  additionalModelRequestFields: o(
    v.strictObject({
      inferenceConfig: o(v.strictObject({ topK: count })),
      reasoningConfig: o(v.strictObject({ type: v.literal("enabled"), maxReasoningEffort: text })),
    }),
  ),
});

/** Arguments of a call: JSON text of an object. */
function jsonText() {
  return v.pipe(
    v.string(),
    v.check((words) => words.startsWith("{") && JSON.parse(words) !== null, "not JSON"),
  );
}

const strict: Record<Wire, v.GenericSchema> = {
  "openai-chat": openaiChat,
  "openai-responses": responses,
  "anthropic-messages": anthropic,
  gemini,
  "cohere-v2": cohere,
  "bedrock-converse": converse,
};

/** Wires that want the two roles to take turns, user first; the name of their member and of the assistant's role. */
const alternating: Partial<Record<Wire, "messages" | "contents">> = {
  "anthropic-messages": "messages",
  gemini: "contents",
  "bedrock-converse": "messages",
};

/** What a strict upstream has against a request; empty where it takes it. */
export function faultsOf(wire: Wire, body: Record<string, unknown>, isOwn: boolean): string[] {
  const checked = v.safeParse(strict[wire], body);
  const faults = (checked.issues ?? []).map(
    (issue) => `${v.getDotPath(issue) ?? "body"}: ${issue.message}`,
  );
  const holder = alternating[wire];
  // A client's own words go on as they are, neighbours of one role included.
  if (holder === undefined || isOwn) return faults;
  const messages: { role: string }[] = JSON.parse(JSON.stringify(body[holder] ?? []));
  const wrong = messages.findIndex(({ role }, at) => (role === "user") !== (at % 2 === 0));
  return wrong === -1 ? faults : [...faults, `${holder}.${wrong}: roles do not take turns`];
}
