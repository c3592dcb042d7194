import {
  autoAllowedIn,
  booleanIn,
  gatewayMembers,
  includeUsageIn,
  noNeeds,
  numberIn,
  parseObject,
  providerIn,
  routeIn,
  stopIn,
  textIn,
  textsIn,
  without,
  wrong,
} from "#src/dialect/ask.ts";
import type {
  Ask,
  ClientDialect,
  SpliceDialect,
  StreamHead,
  StreamWriter,
  Summary,
} from "#src/dialect/dialect.ts";
import { done, event } from "#src/dialect/openai-chat-write.ts";
import { writeOpenaiError } from "#src/dialect/openai-errors.ts";
import { openaiSplice, summaryOf } from "#src/dialect/openai-splice.ts";
import { writeUsage } from "#src/dialect/openai-usage.ts";
import type { Reply, Turn } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What the wire's own documentation says an absent max_tokens means. */
const defaultMaxTokens = 16;
const object = "text_completion";

/** Text completions on both sides. */
export const openaiCompletionsSplice: SpliceDialect = openaiSplice({
  id: "openai-completions",
  path: "/completions",
  chunkObject: object,
});

/** Text completions as clients speak them. */
export const openaiCompletionsClient: ClientDialect = {
  id: "openai-completions",
  peek,
  readRequest,
  writeReply,
  writeStream,
  writeError: writeOpenaiError,
};

function peek(body: Uint8Array): Ask {
  const parsed = parseObject(body);
  const { prompt } = parsed;
  if (prompt === undefined || prompt === null)
    throw new AppError("missing_field", 'The field "prompt" is missing: a string is needed', {
      param: "prompt",
    });
  if (!isPrompt(prompt)) throw wrong("prompt", prompt, "a string, an array of strings, or tokens");
  const model = textIn(parsed, "model");
  const route = routeIn(parsed);
  numberIn(parsed, "temperature", 0, 2);
  numberIn(parsed, "top_p", 0, 1);
  numberIn(parsed, "frequency_penalty", -2, 2);
  numberIn(parsed, "presence_penalty", -2, 2);
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt.length : 1;
  stopIn(parsed);
  return {
    dialect: "openai-completions",
    parsed,
    model,
    models: textsIn(parsed, "models") ?? [],
    autoAllowed: autoAllowedIn(parsed),
    stream: booleanIn(parsed, "stream") === true,
    includeUsage: includeUsageIn(parsed),
    inputTokensAtMost: body.length,
    maxOutputTokens:
      numberIn(parsed, "max_tokens", 1, Number.MAX_SAFE_INTEGER, true) ?? defaultMaxTokens,
    choices:
      Math.max(
        numberIn(parsed, "n", 1, 128, true) ?? 1,
        numberIn(parsed, "best_of", 1, 128, true) ?? 1,
      ) * prompts,
    user: textIn(parsed, "user"),
    needs: { ...noNeeds },
    parameters: Object.keys(parsed).filter(
      (name) =>
        ![
          "model",
          "prompt",
          "models",
          "route",
          "provider",
          "plugins",
          "stream",
          "stream_options",
          "user",
        ].includes(name),
    ),
    route,
    provider: providerIn(parsed, route),
  };
}

function isPrompt(prompt: Json): boolean {
  if (typeof prompt === "string") return true;
  if (!Array.isArray(prompt) || prompt.length === 0) return false;
  return (
    prompt.every((entry) => typeof entry === "string") ||
    prompt.every((entry) => typeof entry === "number") ||
    prompt.every(
      (entry) => Array.isArray(entry) && entry.every((token) => typeof token === "number"),
    )
  );
}

const known: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  "model",
  "prompt",
  "max_tokens",
  "temperature",
  "top_p",
  "n",
  "stop",
  "stream",
  "stream_options",
  "frequency_penalty",
  "presence_penalty",
  "seed",
  "user",
  "echo",
  "suffix",
  "best_of",
  "logprobs",
]);

/** One user message that holds the prompt. Throws `unsupported_feature` for what a chat cannot say. */
function readRequest({ parsed: body, stream, maxOutputTokens, user }: Ask): Turn {
  const { prompt } = body;
  const text = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof text !== "string")
    throw unsupported("prompt", "several prompts, or tokens, in one request: send one string");
  if (body.echo === true) throw unsupported("echo", "an echo of the prompt");
  if (typeof body.suffix === "string" && body.suffix !== "")
    throw unsupported("suffix", "a suffix");
  if (typeof body.best_of === "number" && body.best_of > 1) throw unsupported("best_of", "best_of");
  if (typeof body.logprobs === "number")
    throw unsupported("logprobs", "log probabilities of text completions");
  return {
    system: [],
    messages: [{ role: "user", content: [{ type: "text", text }] }],
    tools: [],
    maxOutputTokens,
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    frequencyPenalty: numberOf(body.frequency_penalty),
    presencePenalty: numberOf(body.presence_penalty),
    seed: numberOf(body.seed),
    stop: stopIn(body),
    choices: numberOf(body.n) ?? 1,
    stream,
    user,
    extra: without(body, known),
  };
}

function unsupported(param: string, what: string): AppError {
  return new AppError(
    "unsupported_feature",
    `Cannot take ${what}: this model is served by a chat endpoint, which knows no such thing`,
    { param },
  );
}

function writeReply(reply: Reply, summary: Summary): Uint8Array<ArrayBuffer> {
  return encode(
    JSON.stringify({
      id: summary.completionId,
      object,
      created: summary.created,
      model: summary.model,
      choices: reply.choices.map((choice) => ({
        text: choice.parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
        index: choice.index,
        logprobs: null,
        finish_reason: choice.finish,
      })),
      ...(summary.usage === undefined ? {} : { usage: writeUsage(summary.usage, summary) }),
      lowrouter: summary.block,
    }),
  );
}

function writeStream(head: StreamHead): StreamWriter {
  const frame = (more: JsonObject): string =>
    event({ id: head.completionId, object, created: head.created, model: head.model, ...more });
  const chunk = (index: number, text: string, finish: string | null): string =>
    frame({ choices: [{ text, index, logprobs: null, finish_reason: finish }] });
  return {
    steps: (steps) =>
      steps
        .map((step) =>
          step.type === "text"
            ? chunk(step.choice, step.text, null)
            : step.type === "finish"
              ? chunk(step.choice, "", step.finish)
              : "",
        )
        .join(""),
    end(summary) {
      const asked =
        head.includeUsage && summary.usage !== undefined
          ? frame({ choices: [], usage: writeUsage(summary.usage, summary) })
          : "";
      return asked + summaryOf({ id: "openai-completions" }, summary) + done;
    },
    fail({ code, type, message }, summary) {
      const failed = frame({
        error: { code, type, message },
        choices: [{ text: "", index: 0, logprobs: null, finish_reason: "error" }],
      });
      return failed + summaryOf({ id: "openai-completions" }, summary) + done;
    },
  };
}
