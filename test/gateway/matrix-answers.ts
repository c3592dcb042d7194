/*
 * One answer in the words of every upstream wire, whole and streamed. All six stand here, side by side, so that a
 * test says once what a model answers: that is why the file is longer than 300 lines.
 */
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { eventFrame } from "#test/dialect/bedrock/bedrock-frames.ts";

export const wires = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
  "cohere-v2",
  "bedrock-converse",
] as const;
export type Wire = (typeof wires)[number];

/** What a model answers. A wire leaves out what it has no word for. */
export interface Answer {
  text?: string;
  /** Texts of several choices, instead of `text`. */
  texts?: string[];
  reasoning?: { text: string; proof: string };
  calls?: { id: string; name: string; words: string }[];
  refusal?: string;
  finish?: "stop" | "length" | "tool_calls" | "content_filter";
  tokens?: Tokens;
  /** A page that all of the text leans on. */
  page?: { url: string; title: string };
  /** Tokens of the text with their log probabilities. */
  logprobs?: [token: string, logprob: number][];
}

/** Counts in classes that do not overlap. */
export interface Tokens {
  fresh: number;
  cacheRead: number;
  cacheWrite: number;
  visible: number;
  reasoning: number;
}

const someTokens: Tokens = { fresh: 20, cacheRead: 0, cacheWrite: 0, visible: 5, reasoning: 0 };

/** A response of an upstream of this wire. */
export function answerOf(wire: Wire, answer: Answer, streamed: boolean): Response {
  if (!streamed) return Response.json(whole[wire](answer));
  const type =
    wire === "bedrock-converse" ? "application/vnd.amazon.eventstream" : "text/event-stream";
  return new Response(stream[wire](answer), { headers: { "content-type": type } });
}

/** The text in two pieces. */
function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== "");
}

const data = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const named = (value: JsonObject) => `event: ${String(value.type)}\n${data(value)}`;
const events = (...all: string[]) => encode(all.join(""));
const textsOf = ({ texts, text }: Answer) => texts ?? [text ?? ""];
const given = (name: string, value: Json | undefined): JsonObject =>
  value === undefined ? {} : { [name]: value };

const whole: Record<Wire, (answer: Answer) => JsonObject> = {
  "openai-chat": (answer) => ({
    id: "chatcmpl-up",
    object: "chat.completion",
    created: 1,
    model: "up",
    choices: textsOf(answer).map((text, index) => ({
      index,
      message: {
        role: "assistant",
        content: text === "" ? null : text,
        refusal: answer.refusal ?? null,
        ...given("reasoning", answer.reasoning?.text),
        ...given("annotations", chatPages(answer)),
        ...given("tool_calls", answer.calls?.map(chatCall)),
      },
      logprobs: chatLogprobs(answer.logprobs),
      finish_reason: answer.finish ?? "stop",
    })),
    usage: chatUsage(answer.tokens),
  }),
  "openai-responses": (answer) => responseOf(answer),
  "anthropic-messages": (answer) => ({
    ...anthropicHead,
    content: anthropicBlocks(answer),
    ...anthropicEnd(answer),
    usage: anthropicUsage(answer.tokens),
  }),
  gemini: (answer) => ({
    candidates: textsOf(answer).map((text, index) => ({
      index,
      content: { role: "model", parts: geminiParts(answer, text) },
      finishReason: geminiFinish[answer.finish ?? "stop"],
      ...geminiMore(answer),
    })),
    usageMetadata: geminiUsage(answer.tokens),
    modelVersion: "up",
    responseId: "r1",
  }),
  "cohere-v2": (answer) => ({
    id: "co1",
    finish_reason: cohereFinish[answer.finish ?? "stop"],
    message: {
      role: "assistant",
      content: [
        ...(answer.reasoning ? [{ type: "thinking", thinking: answer.reasoning.text }] : []),
        ...(answer.text ? [{ type: "text", text: answer.text }] : []),
      ],
      ...given("tool_calls", answer.calls?.map(chatCall)),
    },
    ...given(
      "logprobs",
      answer.logprobs?.map(([text, logprob]) => ({ token_ids: [1], text, logprobs: [logprob] })),
    ),
    usage: cohereUsage(answer.tokens),
  }),
  "bedrock-converse": (answer) => ({
    output: { message: { role: "assistant", content: bedrockBlocks(answer) } },
    stopReason: bedrockFinish[answer.finish ?? "stop"],
    usage: bedrockUsage(answer.tokens),
  }),
};

const stream: Record<Wire, (answer: Answer) => Uint8Array<ArrayBuffer>> = {
  "openai-chat"(answer) {
    const chunk = (index: number, delta: JsonObject, more: JsonObject = {}) =>
      data({
        ...{ id: "chatcmpl-up", object: "chat.completion.chunk", created: 1, model: "up" },
        choices: [{ index, delta, finish_reason: null, ...more }],
        usage: null,
      });
    const { reasoning, refusal, calls = [] } = answer;
    const finish_reason = answer.finish ?? "stop";
    const pages = given("annotations", chatPages(answer));
    return events(
      ...textsOf(answer).flatMap((text, index) => [
        chunk(index, { role: "assistant", content: "" }),
        ...(reasoning ? [chunk(index, { reasoning: reasoning.text })] : []),
        ...(answer.logprobs?.map((entry) =>
          chunk(index, { content: entry[0] }, { logprobs: chatLogprobs([entry]) }),
        ) ?? halves(text).map((content) => chunk(index, { content }))),
        ...(answer.page ? [chunk(index, pages)] : []),
        ...(refusal ? [chunk(index, { refusal })] : []),
      ]),
      ...calls.flatMap((call, index) => {
        const begun = { ...chatCall(call), function: { name: call.name, arguments: "" } };
        return [
          chunk(0, { tool_calls: [{ index, ...begun }] }),
          ...halves(call.words).map((words) =>
            chunk(0, { tool_calls: [{ index, function: { arguments: words } }] }),
          ),
        ];
      }),
      ...textsOf(answer).map((_, index) => chunk(index, {}, { finish_reason })),
      data({
        ...{ id: "chatcmpl-up", object: "chat.completion.chunk", created: 1, model: "up" },
        choices: [],
        usage: chatUsage(answer.tokens),
      }),
      "data: [DONE]\n\n",
    );
  },
  "openai-responses"(answer) {
    let sequence_number = 0;
    const event = (type: string, more: JsonObject) =>
      named({ type, sequence_number: sequence_number++, ...more });
    const response = responseOf(answer);
    const begun = { ...response, status: "in_progress", output: [], usage: null };
    return events(
      event("response.created", { response: begun }),
      event("response.in_progress", { response: begun }),
      ...responseItems(answer).flatMap((item, output_index) => {
        const at = { item_id: String(item.id), output_index };
        return [
          event("response.output_item.added", { output_index, item: emptied(item) }),
          ...itemEvents(item).map(([type, more]) => event(type, { ...at, ...more })),
          event("response.output_item.done", { output_index, item }),
        ];
      }),
      event(`response.${String(response.status)}`, { response }),
    );
  },
  "anthropic-messages"(answer) {
    const usage = anthropicUsage(answer.tokens);
    return events(
      named({
        type: "message_start",
        message: {
          ...anthropicHead,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...usage, output_tokens: 1 },
        },
      }),
      named({ type: "ping" }),
      ...anthropicBlocks(answer).flatMap((block, index) => [
        named({ type: "content_block_start", index, content_block: anthropicEmpty(block) }),
        ...anthropicDeltas(block).map((delta) =>
          named({ type: "content_block_delta", index, delta }),
        ),
        named({ type: "content_block_stop", index }),
      ]),
      named({ type: "message_delta", delta: anthropicEnd(answer), usage }),
      named({ type: "message_stop" }),
    );
  },
  gemini(answer) {
    const chunk = (candidates: JsonObject[]) =>
      data({
        candidates,
        usageMetadata: geminiUsage(answer.tokens),
        modelVersion: "up",
        responseId: "r1",
      });
    return events(
      ...textsOf(answer).flatMap((text, index) => [
        ...geminiParts(answer, text).map((part) =>
          chunk([{ index, content: { role: "model", parts: [part] } }]),
        ),
        chunk([
          {
            index,
            content: { role: "model", parts: [{ text: "" }] },
            finishReason: geminiFinish[answer.finish ?? "stop"],
            ...geminiMore(answer),
          },
        ]),
      ]),
    );
  },
  "cohere-v2"(answer) {
    const event = (type: string, message: JsonObject, more: JsonObject = {}) =>
      named({ type, index: 0, delta: { message }, ...more });
    const { reasoning, calls = [], text = "", logprobs } = answer;
    const pieces = logprobs ?? halves(text).map((piece) => [piece, undefined] as const);
    const end = {
      finish_reason: cohereFinish[answer.finish ?? "stop"],
      usage: cohereUsage(answer.tokens),
    };
    return events(
      named({ type: "message-start", id: "co1", delta: { message: { role: "assistant" } } }),
      ...(reasoning ? [event("content-delta", { content: { thinking: reasoning.text } })] : []),
      ...pieces.map(([piece, logprob]) =>
        event(
          "content-delta",
          { content: { text: piece } },
          logprob === undefined
            ? {}
            : { logprobs: { token_ids: [1], text: piece, logprobs: [logprob] } },
        ),
      ),
      ...calls.flatMap((call) => [
        event("tool-call-start", {
          tool_calls: { ...chatCall(call), function: { name: call.name, arguments: "" } },
        }),
        ...halves(call.words).map((words) =>
          event("tool-call-delta", { tool_calls: { function: { arguments: words } } }),
        ),
        named({ type: "tool-call-end", index: 0 }),
      ]),
      named({ type: "message-end", delta: end }),
      "data: [DONE]\n\n",
    );
  },
  "bedrock-converse"(answer) {
    const frames = [
      eventFrame("messageStart", { role: "assistant" }),
      ...bedrockBlocks(answer).flatMap((block, contentBlockIndex) => [
        ...bedrockPieces(block).map(([type, more]) =>
          eventFrame(type, { contentBlockIndex, ...more }),
        ),
        eventFrame("contentBlockStop", { contentBlockIndex }),
      ]),
      eventFrame("messageStop", { stopReason: bedrockFinish[answer.finish ?? "stop"] }),
      eventFrame("metadata", { usage: bedrockUsage(answer.tokens), metrics: { latencyMs: 1 } }),
    ];
    return new Uint8Array(Buffer.concat(frames));
  },
};

type Call = NonNullable<Answer["calls"]>[number];

function chatCall({ id, name, words }: Call): JsonObject {
  return { id, type: "function", function: { name, arguments: words } };
}

function chatPages({ page, text = "" }: Answer): Json | undefined {
  if (page === undefined) return undefined;
  const cited = { ...page, start_index: 0, end_index: text.length };
  return [{ type: "url_citation", url_citation: cited }];
}

function chatLogprobs(entries: Answer["logprobs"]): Json {
  if (entries === undefined) return null;
  const content = entries.map(([token, logprob]) => ({
    ...{ token, logprob, bytes: null },
    top_logprobs: [{ token, logprob, bytes: null }],
  }));
  return { content, refusal: null };
}

function chatUsage({ fresh, cacheRead, cacheWrite, visible, reasoning } = someTokens): JsonObject {
  const [prompt, completion] = [fresh + cacheRead + cacheWrite, visible + reasoning];
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function responseOf(answer: Answer): JsonObject {
  const { prompt_tokens, completion_tokens, total_tokens, ...details } = chatUsage(answer.tokens);
  const reason = answer.finish === "length" ? "max_output_tokens" : "content_filter";
  const incomplete = answer.finish === "length" || answer.finish === "content_filter";
  return {
    ...{ id: "resp_up", object: "response", created_at: 1, model: "up", error: null },
    status: incomplete ? "incomplete" : "completed",
    incomplete_details: incomplete ? { reason } : null,
    output: responseItems(answer),
    ...{ parallel_tool_calls: true, tool_choice: "auto", tools: [], store: false },
    usage: {
      input_tokens: prompt_tokens,
      output_tokens: completion_tokens,
      total_tokens,
      input_tokens_details: details.prompt_tokens_details,
      output_tokens_details: details.completion_tokens_details,
    },
  };
}

function responseItems({ text, reasoning, refusal, calls = [], page }: Answer): JsonObject[] {
  const annotations = page
    ? [{ type: "url_citation", ...page, start_index: 0, end_index: text?.length ?? 0 }]
    : [];
  const content = [
    ...(text ? [{ type: "output_text", text, annotations, logprobs: [] }] : []),
    ...(refusal ? [{ type: "refusal", refusal }] : []),
  ];
  const summary = reasoning ? [{ type: "summary_text", text: reasoning.text }] : [];
  return [
    ...(reasoning
      ? [{ type: "reasoning", id: "rs_up", summary, encrypted_content: reasoning.proof }]
      : []),
    ...(content.length > 0
      ? [{ type: "message", id: "msg_up", role: "assistant", status: "completed", content }]
      : []),
    ...calls.map(({ id, name, words }, index) => ({
      ...{ type: "function_call", id: `fc_up${index}`, status: "completed" },
      ...{ call_id: id, name, arguments: words },
    })),
  ];
}

/** An item as it is announced. */
function emptied(item: JsonObject): JsonObject {
  if (item.type === "reasoning") return { ...item, summary: [], encrypted_content: "" };
  if (item.type === "message") return { ...item, status: "in_progress", content: [] };
  return { ...item, status: "in_progress", arguments: "" };
}

function itemEvents(item: JsonObject): [type: string, more: JsonObject][] {
  if (item.type === "function_call") {
    const words = String(item.arguments);
    return [
      ...halves(words).map((delta): [string, JsonObject] => [
        "response.function_call_arguments.delta",
        { delta },
      ]),
      ["response.function_call_arguments.done", { arguments: words, name: item.name }],
    ];
  }
  const isReasoning = item.type === "reasoning";
  const parts: Json = (isReasoning ? item.summary : item.content) ?? [];
  const list: JsonObject[] = JSON.parse(JSON.stringify(parts));
  return list.flatMap((part, place): [string, JsonObject][] => {
    const at = isReasoning ? { summary_index: place } : { content_index: place };
    const kind = isReasoning ? "reasoning_summary_part" : "content_part";
    const isText = part.type !== "refusal";
    const text = String(isText ? part.text : part.refusal);
    const told = isReasoning ? "reasoning_summary_text" : isText ? "output_text" : "refusal";
    const none = isReasoning || !isText ? {} : { logprobs: [] };
    const empty = isText
      ? { ...part, text: "", ...(isReasoning ? {} : { annotations: [] }) }
      : { ...part, refusal: "" };
    const pages: JsonObject[] = Array.isArray(part.annotations)
      ? JSON.parse(JSON.stringify(part.annotations))
      : [];
    return [
      [`response.${kind}.added`, { ...at, part: empty }],
      ...halves(text).map((delta): [string, JsonObject] => [
        `response.${told}.delta`,
        { ...at, delta, ...none },
      ]),
      ...pages.map((annotation, annotation_index): [string, JsonObject] => [
        "response.output_text.annotation.added",
        { ...at, annotation_index, annotation },
      ]),
      [`response.${told}.done`, { ...at, ...(isText ? { text } : { refusal: text }), ...none }],
      [`response.${kind}.done`, { ...at, part }],
    ];
  });
}

const anthropicHead = { id: "msg_up", type: "message", role: "assistant", model: "up" } as const;

function anthropicBlocks({ text, reasoning, calls = [], page }: Answer): JsonObject[] {
  const { text: thinking, proof: signature } = reasoning ?? {};
  const cited = page && {
    ...{ type: "web_search_result_location", ...page, encrypted_index: "x" },
    cited_text: "…",
  };
  return [
    ...(reasoning ? [{ type: "thinking", thinking, signature }] : []),
    ...(text ? [{ type: "text", text, ...(cited ? { citations: [cited] } : {}) }] : []),
    ...calls.map(({ id, name, words }) => ({
      ...{ type: "tool_use", id, name },
      input: words === "" ? {} : JSON.parse(words),
    })),
  ];
}

function anthropicEnd({ finish = "stop", refusal }: Answer): JsonObject {
  const details = { type: "refusal", category: null, explanation: refusal ?? null };
  return {
    stop_reason: anthropicFinish[finish],
    stop_sequence: null,
    ...(finish === "content_filter" ? { stop_details: details } : {}),
  };
}

const anthropicFinish = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
} as const;

function anthropicEmpty(block: JsonObject): JsonObject {
  if (block.type === "thinking") return { type: "thinking", thinking: "", signature: "" };
  return block.type === "text" ? { type: "text", text: "" } : { ...block, input: {} };
}

function anthropicDeltas(block: JsonObject): JsonObject[] {
  if (block.type === "thinking") {
    const { thinking, signature } = block;
    return [
      { type: "thinking_delta", thinking },
      { type: "signature_delta", signature },
    ];
  }
  if (block.type === "text") {
    const pages = Array.isArray(block.citations) ? block.citations : [];
    return [
      ...halves(String(block.text)).map((text) => ({ type: "text_delta", text })),
      ...pages.map((citation) => ({ type: "citations_delta", citation })),
    ];
  }
  const words = JSON.stringify(block.input);
  const told = words === "{}" ? [""] : halves(words);
  return told.map((partial_json) => ({ type: "input_json_delta", partial_json }));
}

function anthropicUsage(tokens: Tokens = someTokens): JsonObject {
  const { fresh, cacheRead, cacheWrite, visible, reasoning } = tokens;
  return {
    input_tokens: fresh,
    cache_read_input_tokens: cacheRead,
    cache_creation_input_tokens: cacheWrite,
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite, ephemeral_1h_input_tokens: 0 },
    output_tokens: visible + reasoning,
    output_tokens_details: { thinking_tokens: reasoning },
  };
}

const geminiFinish = {
  stop: "STOP",
  length: "MAX_TOKENS",
  tool_calls: "STOP",
  content_filter: "SAFETY",
} as const;

function geminiParts({ reasoning, calls = [] }: Answer, text: string): JsonObject[] {
  return [
    ...(reasoning ? [{ text: reasoning.text, thought: true }] : []),
    ...(calls.length === 0 || text !== "" ? [{ text }] : []),
    ...calls.map(({ name, words }, index) => ({
      functionCall: { name, args: words === "" ? {} : JSON.parse(words) },
      // Of parallel calls only the first one is signed.
      ...(reasoning && index === 0 ? { thoughtSignature: reasoning.proof } : {}),
    })),
  ];
}

function geminiMore({ page, text = "", logprobs }: Answer): JsonObject {
  const groundingMetadata = page && {
    groundingChunks: [{ web: { uri: page.url, title: page.title } }],
    groundingSupports: [
      { segment: { endIndex: Buffer.byteLength(text), text }, groundingChunkIndices: [0] },
    ],
  };
  const chosenCandidates = logprobs?.map(([token, logProbability]) => ({ token, logProbability }));
  const topCandidates = chosenCandidates?.map((one) => ({ candidates: [one] }));
  return {
    ...(groundingMetadata ? { groundingMetadata } : {}),
    ...(chosenCandidates ? { logprobsResult: { chosenCandidates, topCandidates } } : {}),
  };
}

function geminiUsage(tokens: Tokens = someTokens): JsonObject {
  const { fresh, cacheRead, cacheWrite, visible, reasoning } = tokens;
  const prompt = fresh + cacheRead + cacheWrite;
  return {
    promptTokenCount: prompt,
    cachedContentTokenCount: cacheRead,
    candidatesTokenCount: visible,
    thoughtsTokenCount: reasoning,
    totalTokenCount: prompt + visible + reasoning,
  };
}

const cohereFinish = {
  stop: "COMPLETE",
  length: "MAX_TOKENS",
  tool_calls: "TOOL_CALL",
  // It has no word for a filter.
  content_filter: "COMPLETE",
} as const;

function cohereUsage(tokens: Tokens = someTokens): JsonObject {
  const input_tokens = tokens.fresh + tokens.cacheRead + tokens.cacheWrite;
  const billed = { input_tokens, output_tokens: tokens.visible + tokens.reasoning };
  return { billed_units: billed, tokens: billed, cached_tokens: tokens.cacheRead };
}

const bedrockFinish = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "content_filtered",
} as const;

function bedrockBlocks({ text, reasoning, calls = [] }: Answer): JsonObject[] {
  const { text: said, proof: signature } = reasoning ?? {};
  return [
    ...(reasoning ? [{ reasoningContent: { reasoningText: { text: said, signature } } }] : []),
    ...(text ? [{ text }] : []),
    ...calls.map(({ id, name, words }) => ({
      toolUse: { toolUseId: id, name, input: words === "" ? {} : JSON.parse(words) },
    })),
  ];
}

function bedrockPieces(block: JsonObject): [type: string, more: JsonObject][] {
  const delta = (one: JsonObject): [string, JsonObject] => ["contentBlockDelta", { delta: one }];
  if (typeof block.text === "string") return halves(block.text).map((text) => delta({ text }));
  const copy = JSON.parse(JSON.stringify(block));
  if (copy.reasoningContent) {
    const { text, signature } = copy.reasoningContent.reasoningText;
    return [delta({ reasoningContent: { text } }), delta({ reasoningContent: { signature } })];
  }
  const { toolUseId, name, input } = copy.toolUse;
  const words = JSON.stringify(input);
  return [
    ["contentBlockStart", { start: { toolUse: { toolUseId, name } } }],
    ...(words === "{}" ? [] : halves(words).map((piece) => delta({ toolUse: { input: piece } }))),
  ];
}

function bedrockUsage(tokens: Tokens = someTokens): JsonObject {
  const { fresh, cacheRead, cacheWrite, visible, reasoning } = tokens;
  const output = visible + reasoning;
  return {
    inputTokens: fresh,
    outputTokens: output,
    totalTokens: fresh + cacheRead + cacheWrite + output,
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: cacheWrite,
  };
}
