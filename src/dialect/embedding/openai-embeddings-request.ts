import {
  booleanIn,
  countable,
  missing,
  numberIn,
  parseBody,
  textIn,
  wrong,
} from "#src/dialect/ask.ts";
import { gatewayMembers, parametersIn, routingIn } from "#src/dialect/ask-routing.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { type EmbeddingTurn, taskTypeOf, tokensAtMost } from "#src/dialect/embedding/embedding.ts";
import { noNeeds } from "#src/dialect/openai/openai-chat-messages.ts";
import { AppError } from "#src/lib/error.ts";
import { numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** How many inputs this wire takes at once, by its own documentation. */
export const maxInputs = 2048;

/** Validates an embeddings request and reads what routing needs. */
export function peekEmbeddings(body: Uint8Array): Ask {
  const { parsed, ascii, raw } = parseBody(body);
  checkInput(parsed.input);
  checkFormat(parsed);
  numberIn(parsed, "dimensions", countable);
  textIn(parsed, "input_type");
  if (booleanIn(parsed, "stream")) throw wrong("stream", true, "false, as vectors come whole,");
  const routing = routingIn(parsed);
  if (routing.model === undefined && routing.models.length === 0)
    throw missing("model", "the id of an embedding model");
  return {
    dialect: "openai-embeddings",
    kind: "embedding",
    parsed,
    ascii,
    raw,
    ...routing,
    stream: false,
    includeUsage: false,
    inputTokensAtMost: tokensAtMost(inputsOf(parsed.input)),
    maxOutputTokens: 0,
    choices: 1,
    needs: { ...noNeeds },
    parameters: parametersIn(parsed).filter((name) => name !== "input"),
  };
}

function checkFormat({ encoding_format: format }: JsonObject): void {
  if (format === undefined || format === null || format === "float" || format === "base64") return;
  throw wrong("encoding_format", format, '"float" or "base64"');
}

function checkInput(input: Json | undefined): void {
  if (input === undefined || input === null)
    throw missing("input", "a string, or an array of strings");
  if (typeof input === "string" && input !== "") return;
  if (!Array.isArray(input) || input.length === 0)
    throw wrong("input", input, "a string, tokens, or an array of either, not empty,");
  const [first] = input;
  if (typeof first === "number") return checkTokens(input, "input");
  if (input.length > maxInputs) {
    throw new AppError(
      "invalid_value",
      `Cannot embed ${input.length} inputs in one request: at most ${maxInputs} are taken`,
      { param: "input" },
    );
  }
  for (const [index, one] of input.entries()) {
    const path = `input[${index}]`;
    if (Array.isArray(first)) {
      if (!Array.isArray(one) || one.length === 0)
        throw wrong(path, one, "an array of tokens, not empty,");
      checkTokens(one, path);
    } else if (typeof one !== "string" || one === "") {
      throw wrong(path, one, "a string that is not empty");
    }
  }
}

function checkTokens(tokens: Json[], path: string): void {
  const index = tokens.findIndex((token) => !isToken(token));
  if (index >= 0)
    throw wrong(`${path}[${index}]`, tokens[index], "a token, an integer of at least 0,");
}

function isToken(value: Json): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A validated `input` as a list of texts and token arrays. */
export function inputsOf(input: Json | undefined): EmbeddingTurn["inputs"] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) return [];
  if (typeof input[0] === "number") return [numbersIn(input)];
  return input.map((one) => {
    if (typeof one === "string") return one;
    return Array.isArray(one) ? numbersIn(one) : [];
  });
}

function numbersIn(values: Json[]): number[] {
  return values.filter((value) => typeof value === "number");
}

const known: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  "model",
  "input",
  "encoding_format",
  "dimensions",
  "user",
  "stream",
]);

/** A validated embeddings request in canonical form. */
export function readEmbeddingsRequest({ parsed, user }: Ask): EmbeddingTurn {
  const taskType = taskTypeOf(parsed.input_type);
  const leftover = Object.keys(parsed).filter((name) => {
    if (known.has(name) || parsed[name] === null) return false;
    return name !== "input_type" || taskType === undefined;
  });
  return {
    inputs: inputsOf(parsed.input),
    dimensions: numberOf(parsed.dimensions),
    taskType,
    user,
    leftover,
  };
}
