import { countable, missing, numberIn, parseBody, textIn, wrong } from "#src/dialect/ask.ts";
import { gatewayMembers, parametersIn, routingIn } from "#src/dialect/ask-routing.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { type EmbeddingTurn, taskTypeOf, tokensAtMost } from "#src/dialect/embedding/embedding.ts";
import { memberOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { callIn } from "#src/dialect/gemini/gemini-client-url.ts";
import { noNeeds } from "#src/dialect/openai/openai-chat-messages.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** The two calls of this wire: one input, or several. */
export type EmbedVerb = "embedContent" | "batchEmbedContents";

/** Validates a request and reads what routing needs; the model stands in the path. */
export function peekEmbed(verb: EmbedVerb, body: Uint8Array, url: string): Ask {
  const { parsed, ascii, raw } = parseBody(body);
  checkRequests(verb, parsed);
  const texts = requestsIn(verb, parsed).map(textOf);
  return {
    dialect: "gemini-embed",
    kind: "embedding",
    parsed,
    ascii,
    raw,
    // What the body says of the model repeats the path.
    ...routingIn({ ...parsed, model: callIn(url).model }),
    stream: false,
    includeUsage: false,
    inputTokensAtMost: tokensAtMost(texts),
    maxOutputTokens: 0,
    choices: 1,
    needs: { ...noNeeds },
    parameters: parametersIn(parsed).filter((name) => !plumbing.has(name)),
  };
}

const taskName = "taskType";
const dimensionsName = "outputDimensionality";

const plumbing: ReadonlySet<string> = new Set(["content", "requests"]);

function checkRequests(verb: EmbedVerb, parsed: JsonObject): void {
  if (verb === "embedContent") return checkRequest(parsed, "");
  const { requests } = parsed;
  if (requests === undefined || requests === null)
    throw missing("requests", "an array of requests");
  if (!Array.isArray(requests) || requests.length === 0)
    throw wrong("requests", requests, "an array of requests, not empty,");
  for (const [index, request] of requests.entries()) {
    const path = `requests[${index}]`;
    if (!isObject(request)) throw wrong(path, request, "an object");
    checkRequest(request, `${path}.`);
  }
}

function checkRequest(request: JsonObject, path: string): void {
  const { content } = request;
  if (content === undefined || content === null)
    throw missing(`${path}content`, "an object with parts");
  const parts = isObject(content) ? content.parts : undefined;
  if (!Array.isArray(parts) || parts.length === 0)
    throw wrong(`${path}content`, content, "an object with parts");
  for (const [index, part] of parts.entries()) {
    const at = `${path}content.parts[${index}]`;
    if (!isObject(part)) throw wrong(at, part, "an object");
    // Media are counted and priced otherwise than text.
    if (part.text === undefined)
      throw new AppError(
        "unsupported_feature",
        `Cannot embed "${at}": only parts of text are taken`,
        {
          param: at,
        },
      );
    if (typeof part.text !== "string") throw wrong(`${at}.text`, part.text, "a string");
  }
  if (textOf(request) === "") throw wrong(`${path}content`, "", "some text");
  const [task, dimensions] = [nameIn(request, taskName), nameIn(request, dimensionsName)];
  textIn(request, task, path + task);
  textIn(request, "title", `${path}title`);
  numberIn(request, dimensions, countable, path + dimensions);
}

/** The inputs of a validated body, each as a request of its own. */
export function requestsIn(verb: EmbedVerb, parsed: JsonObject): JsonObject[] {
  if (verb === "embedContent") return [parsed];
  return Array.isArray(parsed.requests) ? parsed.requests.filter(isObject) : [];
}

function textOf({ content }: JsonObject): string {
  const parts = isObject(content) && Array.isArray(content.parts) ? content.parts : [];
  return parts.map((part) => (isObject(part) ? (stringOf(part.text) ?? "") : "")).join("");
}

/** The texts of a validated body. */
export function textsIn(verb: EmbedVerb, { parsed }: Ask): string[] {
  return requestsIn(verb, parsed).map(textOf);
}

const known: ReadonlySet<string> = new Set([
  ...gatewayMembers,
  "user",
  "model",
  "content",
  "requests",
  taskName,
  "task_type",
  dimensionsName,
  "output_dimensionality",
]);

/** A validated request in canonical form. Throws `unsupported_feature` for a batch that asks for vectors of several kinds. */
export function readEmbedRequest(verb: EmbedVerb, { parsed, user }: Ask): EmbeddingTurn {
  const requests = requestsIn(verb, parsed);
  const members = new Set([...Object.keys(parsed), ...requests.flatMap(Object.keys)]);
  const task = common(requests, taskName);
  const taskType = taskTypeOf(task);
  const isTold = task !== undefined && task !== "TASK_TYPE_UNSPECIFIED";
  return {
    inputs: requests.map(textOf),
    dimensions: numberOf(common(requests, dimensionsName)),
    taskType,
    user,
    leftover: [
      ...[...members].filter((name) => !known.has(name)),
      ...(isTold && taskType === undefined ? [taskName] : []),
    ],
  };
}

/** What all requests of a batch say of a member. */
function common(requests: JsonObject[], name: string): Json | undefined {
  const [first, ...others] = requests.map((request) => memberOf(request, name));
  if (others.every((one) => one === first)) return first;
  throw new AppError(
    "unsupported_feature",
    `Cannot embed with several values of "${name}" in one request: this model is served by another wire; send one batch for each value`,
    { param: "requests" },
  );
}
