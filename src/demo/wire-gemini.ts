import { promptTokens } from "#src/demo/answer.ts";
import { contentRender } from "#src/demo/gemini-answer.ts";
import { contentQuestion } from "#src/demo/gemini-question.ts";
import { vectorOf } from "#src/demo/vector.ts";
import { type Reading, refuse, type Wire } from "#src/demo/wire.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import { isObject, numberOf, stringOf, type JsonObject } from "#src/lib/json.ts";

const statuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};
const models = ["gemini-2.5-flash", "gemini-3-flash", "gemini-embedding-001"];

/** Gemini's generateContent, its stream, embeddings, token counting and model list. */
export function geminiWire(_clock: Clock, ids: Ids): Wire {
  function asked(model: string, method: string, sse: boolean, body: JsonObject): Reading {
    if (method === "embedContent") return embed([body], ([one]) => ({ embedding: one }));
    if (method === "batchEmbedContents") {
      const requests = Array.isArray(body.requests) ? body.requests.filter(isObject) : [];
      return embed(requests, (all) => ({ embeddings: all }));
    }
    const question = contentQuestion(body, model);
    if ("refusal" in question) return question;
    if (method === "countTokens") {
      const write = () => ({ totalTokens: promptTokens(question) });
      return { plain: { text: question.text, write } };
    }
    const thoughts = showsThoughts(body.generationConfig);
    const render = contentRender({ id: ids.next("resp"), model, thoughts });
    const stream = method === "streamGenerateContent";
    if (stream && !sse) return refuse("The simulation streams only with alt=sse");
    return { exchange: { question, stream, render } };
  }

  return {
    base: "/v1beta",
    checkKey({ headers, path }, apiKey) {
      const query = new URLSearchParams(path.split("?")[1] ?? "");
      const given = headers.get("x-goog-api-key") ?? query.get("key");
      if (given === apiKey) return undefined;
      return given === null
        ? { status: 403, message: "Method does not allow unregistered callers" }
        : { status: 400, message: "API key not valid", code: "API_KEY_INVALID" };
    },
    read({ method, path, body }) {
      const [route = "", query = ""] = path.split("?");
      if (method === "GET" && route === "/v1beta/models")
        return { plain: { text: "", write: () => modelList } };
      const [, model, call] = /^\/v1beta\/models\/([^/:]+):(\w+)$/.exec(route) ?? [];
      if (method !== "POST" || model === undefined || call === undefined || !calls.has(call))
        return { refusal: { status: 404, message: `Nothing is at ${route}` } };
      return asked(model, call, new URLSearchParams(query).get("alt") === "sse", body);
    },
    writeError: ({ status, message, code, retryAfterSeconds }) => ({
      error: {
        code: status,
        message,
        status: statuses[status] ?? "INTERNAL",
        ...(code === undefined && retryAfterSeconds === undefined
          ? {}
          : { details: details(code, retryAfterSeconds) }),
      },
    }),
    headers: () => ({}),
    errorHeaders: () => ({}),
  };
}

const calls = new Set([
  "generateContent",
  "streamGenerateContent",
  "countTokens",
  "embedContent",
  "batchEmbedContents",
]);

const modelList = {
  models: models.map((model) => ({ name: `models/${model}`, displayName: model })),
};

/** Google says the reason, and how long to wait, in the body. */
function details(code: string | undefined, retryAfterSeconds: number | undefined): JsonObject[] {
  const type = (name: string) => `type.googleapis.com/google.rpc.${name}`;
  return [
    ...(code === undefined ? [] : [{ "@type": type("ErrorInfo"), reason: code }]),
    ...(retryAfterSeconds === undefined
      ? []
      : [{ "@type": type("RetryInfo"), retryDelay: `${retryAfterSeconds}s` }]),
  ];
}

function showsThoughts(config: JsonObject[string]): boolean {
  return (
    isObject(config) &&
    isObject(config.thinkingConfig) &&
    config.thinkingConfig.includeThoughts === true
  );
}

function embed(
  requests: JsonObject[],
  write: (all: { values: number[] }[]) => JsonObject,
): Reading {
  const texts = requests.map(({ content }) => {
    const parts = isObject(content) && Array.isArray(content.parts) ? content.parts : [];
    return parts.map((part) => (isObject(part) ? (stringOf(part.text) ?? "") : "")).join("");
  });
  if (texts.length === 0 || texts.includes("")) return refuse("content is empty");
  const values = () =>
    texts.map((text, index) => ({
      values: vectorOf(text, numberOf(requests[index]?.outputDimensionality) ?? 3072),
    }));
  return { plain: { text: texts.at(-1) ?? "", write: () => write(values()) } };
}
