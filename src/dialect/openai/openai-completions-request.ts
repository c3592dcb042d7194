import {
  booleanIn,
  countable,
  includeUsageIn,
  missing,
  numberIn,
  objectIn,
  parseBody,
  stopIn,
  textIn,
  without,
  wrong,
} from "#src/dialect/ask.ts";
import { gatewayMembers, parametersIn, routingIn } from "#src/dialect/ask-routing.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { noNeeds } from "#src/dialect/openai/openai-chat-messages.ts";
import type { Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What the wire's own documentation says an absent max_tokens means. */
const defaultMaxTokens = 16;

/** Validates a text completion request and reads what routing needs. */
export function peekCompletions(body: Uint8Array): Ask {
  const { parsed, ascii, raw } = parseBody(body);
  const prompts = countPrompts(parsed.prompt);
  readSampling(parsed);
  const stream = booleanIn(parsed, "stream") === true;
  const choices = numberIn(parsed, "n", { least: 1, most: 128, whole: true }) ?? 1;
  const best = numberIn(parsed, "best_of", countable) ?? choices;
  if (best < choices) throw wrong("best_of", best, 'a number of at least "n"');
  if (stream && best > choices)
    throw wrong("best_of", best, 'no more than "n" in a stream, which cannot choose,');
  const maxTokens = numberIn(parsed, "max_tokens", { least: 0, whole: true });
  return {
    dialect: "openai-completions",
    kind: "chat",
    parsed,
    ascii,
    raw,
    ...routingIn(parsed),
    stream,
    includeUsage: includeUsageIn(parsed),
    // A token is at least one byte of text, and more than one byte as a number.
    inputTokensAtMost: body.length,
    maxOutputTokens: maxTokens ?? defaultMaxTokens,
    choices: best * prompts,
    needs: { ...noNeeds },
    parameters: parametersIn(parsed),
  };
}

/** How many prompts there are: a string or tokens are one, an array of either is as many. */
function countPrompts(prompt: Json | undefined): number {
  if (prompt === undefined || prompt === null) throw missing("prompt", "a string");
  if (typeof prompt === "string") return 1;
  const given = Array.isArray(prompt) ? prompt : [];
  const [first] = given;
  if (given.length > 0 && given.every(isToken)) return 1;
  const fits = typeof first === "string" ? isText : isTokens;
  if (given.length > 0 && given.every(fits)) return given.length;
  throw wrong("prompt", prompt, "a string, tokens, or an array of either");
}

function isText(value: Json): boolean {
  return typeof value === "string";
}

function isToken(value: Json): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isTokens(value: Json): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isToken);
}

function readSampling(body: JsonObject): void {
  numberIn(body, "temperature", { least: 0, most: 2 });
  numberIn(body, "top_p", { above: 0, most: 1 });
  numberIn(body, "top_k", countable);
  numberIn(body, "frequency_penalty", { least: -2, most: 2 });
  numberIn(body, "presence_penalty", { least: -2, most: 2 });
  numberIn(body, "seed", { whole: true });
  numberIn(body, "logprobs", { least: 0, whole: true });
  booleanIn(body, "echo");
  textIn(body, "suffix");
  objectIn(body, "logit_bias");
  stopIn(body);
}

const known: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  "model",
  "prompt",
  "max_tokens",
  "temperature",
  "top_p",
  "top_k",
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
export function readCompletionsRequest({ parsed: body, stream, maxOutputTokens, user }: Ask): Turn {
  const choices = numberOf(body.n) ?? 1;
  refuseUnsayable(body, choices);
  return {
    system: [],
    messages: [{ role: "user", content: [{ type: "text", text: promptOf(body) }] }],
    tools: [],
    maxOutputTokens,
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    topK: numberOf(body.top_k),
    frequencyPenalty: numberOf(body.frequency_penalty),
    presencePenalty: numberOf(body.presence_penalty),
    seed: numberOf(body.seed),
    stop: stopIn(body),
    choices,
    stream,
    user,
    extra: without(body, known),
  };
}

function promptOf({ prompt }: JsonObject): string {
  const text = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof text === "string") return text;
  const many = Array.isArray(prompt) && prompt.every(isText);
  throw unsupported(
    "prompt",
    many ? "several prompts in one request" : "a prompt of tokens",
    "send one string",
  );
}

function refuseUnsayable(body: JsonObject, choices: number): void {
  const without = (name: string) => `leave out "${name}"`;
  if (body.echo === true) throw unsupported("echo", "an echo of the prompt", without("echo"));
  if (typeof body.suffix === "string" && body.suffix !== "")
    throw unsupported("suffix", "a suffix", without("suffix"));
  if ((numberOf(body.best_of) ?? choices) > choices)
    throw unsupported("best_of", "more candidates than are shown", without("best_of"));
  if (typeof body.logprobs === "number")
    throw unsupported("logprobs", "log probabilities of text", without("logprobs"));
  if (body.max_tokens === 0)
    throw unsupported("max_tokens", "an answer of no tokens", "ask for at least 1");
}

function unsupported(param: string, what: string, works: string): AppError {
  return new AppError(
    "unsupported_feature",
    `Cannot take ${what}: this model is served by a chat endpoint; ${works}, or name a model with a text endpoint`,
    { param },
  );
}
