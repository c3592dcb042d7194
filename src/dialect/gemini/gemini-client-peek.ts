import { objectIn, parseBody, textIn, wrong } from "#src/dialect/ask.ts";
import { gatewayMembers, routingIn } from "#src/dialect/ask-routing.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import {
  configOf,
  readConfig,
  requireOneConfig,
} from "#src/dialect/gemini/gemini-client-config.ts";
import {
  type ContentsRead,
  readContents,
  readInstruction,
} from "#src/dialect/gemini/gemini-client-contents.ts";
import { listOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { readTools } from "#src/dialect/gemini/gemini-client-tools.ts";
import { callIn } from "#src/dialect/gemini/gemini-client-url.ts";
import { noNeeds } from "#src/dialect/openai/openai-chat-messages.ts";
import { parseShell, type Shell } from "#src/dialect/shell.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** Tokens of the instructions that some providers put around tools. */
const toolPromptTokens = 600;
/** Tokens that a cache may hold, which are counted as prompt: the longest context there is. */
const cachedTokensAtMost = 1_048_576;

/** Members of a body that steer the gateway and never travel on; the model is told by the URL. */
export const steering: readonly string[] = [...gatewayMembers, "model", "user"];

/** Validates a generateContent request and reads what routing needs, the model and the kind of call from the URL. */
export function peekContent(body: Uint8Array, url: string): Ask {
  const { parsed, ascii, raw, shell } = parseBody(body);
  const { model, verb } = callIn(url);
  requireOneConfig(shell.text, parsed);
  const read = readContent(parsed, "");
  const { maxOutputTokens, choices } = readConfig(parsed, read.needs);
  return {
    ...askOf(body, parsed, model, read),
    // Arguments and results travel on as text: their numbers must be as they came.
    parsed: read.calls ? exactly(shell, parsed) : parsed,
    ascii,
    raw,
    stream: verb === "streamGenerateContent",
    maxOutputTokens,
    choices,
    parameters: parametersIn(parsed),
  };
}

/** Validates a countTokens request, whose contents may stand in a `generateContentRequest`. */
export function peekCount(body: Uint8Array, url: string): Ask {
  const { parsed, ascii, raw } = parseBody(body);
  const name = nameIn(parsed, "generateContentRequest");
  const inner = objectIn(parsed, name);
  const read = readContent(inner ?? parsed, inner === undefined ? "" : `${name}.`);
  return { ...askOf(body, parsed, callIn(url).model, read), ascii, raw };
}

function readContent(body: JsonObject, at: string): ContentsRead {
  const read: ContentsRead = {
    needs: { ...noNeeds },
    weight: { inline: 0, tokens: 0 },
    calls: false,
  };
  readContents(body.contents, `${at}contents`, read);
  readInstruction(body, read);
  if (readTools(body)) read.needs.tools = true;
  readSafety(body);
  const cache = nameIn(body, "cachedContent");
  if (textIn(body, cache) !== undefined) read.weight.tokens += cachedTokensAtMost;
  return read;
}

function askOf(body: Uint8Array, parsed: JsonObject, model: string, read: ContentsRead): Ask {
  const { needs, weight } = read;
  return {
    dialect: "gemini",
    kind: "chat",
    parsed,
    ...routingIn({ ...parsed, model }),
    stream: false,
    // This wire always tells the usage.
    includeUsage: true,
    // A token is at least one byte of text; what is inline as base64 is counted by its kind.
    inputTokensAtMost:
      body.length - weight.inline + weight.tokens + (needs.tools ? toolPromptTokens : 0),
    choices: 1,
    needs,
    parameters: [],
  };
}

function exactly(shell: Shell, parsed: JsonObject): JsonObject {
  const exact = parseShell(shell, parseExact);
  return isObject(exact) ? exact : parsed;
}

function readSafety(body: JsonObject): void {
  const name = nameIn(body, "safetySettings");
  const settings = body[name];
  if (settings === undefined || settings === null) return;
  if (!Array.isArray(settings)) throw wrong(name, settings, "an array of settings");
  for (const [index, setting] of settings.entries()) {
    const at = `${name}[${index}]`;
    if (!isObject(setting)) throw wrong(at, setting, "an object");
    textIn(setting, "category", `${at}.category`);
    textIn(setting, "threshold", `${at}.threshold`);
  }
}

/** Names of `generationConfig` as the catalogue has them. */
const catalogued: Readonly<Record<string, string>> = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  maxOutputTokens: "max_tokens",
  stopSequences: "stop",
  seed: "seed",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  responseLogprobs: "logprobs",
  logprobs: "top_logprobs",
  responseSchema: "response_format",
  responseJsonSchema: "response_format",
  thinkingConfig: "reasoning",
};

/** The parameters that a request gives, in the catalogue's words. */
function parametersIn(body: JsonObject): string[] {
  const config = configOf(body);
  const given = Object.entries(catalogued).flatMap(([name, word]) =>
    (config[nameIn(config, name)] ?? null) === null ? [] : [word],
  );
  if (listOf(body.tools).length > 0) given.push("tools");
  if ((body[nameIn(body, "toolConfig")] ?? null) !== null) given.push("tool_choice");
  return [...new Set(given)];
}
