import { chatRender, completionRender, type Frame } from "#src/demo/openai-answer.ts";
import { chatQuestion, completionQuestion } from "#src/demo/openai-question.ts";
import { embeddings } from "#src/demo/openai-embeddings.ts";
import { responsesQuestion, responsesRender } from "#src/demo/openai-responses.ts";
import { type Reading, refuse, type Wire } from "#src/demo/wire.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import { isObject, numberOf, stringOf, type JsonObject } from "#src/lib/json.ts";

const models = ["gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small", "text-embedding-3-large"];

const paths = ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"];

/** OpenAI's chat completions, responses, text completions, embeddings and model list. */
export function openaiWire(clock: Clock, ids: Ids, usageOnLast = false): Wire {
  const seconds = () => Math.floor(clock.now() / 1000);
  const id = (prefix: string) => ids.next(prefix).replace("_", "-");

  function asked(path: string, body: JsonObject): Reading {
    const model = stringOf(body.model);
    if (model === undefined || model === "")
      return refuse("You must provide a model parameter", "model", "missing_required_parameter");
    if (path === "/v1/embeddings") return embeddings(model, body);
    if (path === "/v1/responses") {
      const question = responsesQuestion(body);
      if ("refusal" in question) return question;
      const render = responsesRender(
        { id: ids.next("resp"), model, created: seconds(), body },
        ids,
      );
      return { exchange: { question, stream: body.stream === true, render } };
    }
    const isChat = path === "/v1/chat/completions";
    const question = isChat ? chatQuestion(body) : completionQuestion(body);
    if ("refusal" in question) return question;
    const options = isObject(body.stream_options) ? body.stream_options : {};
    const frame: Frame = {
      id: id(isChat ? "chatcmpl" : "cmpl"),
      model,
      created: seconds(),
      includeUsage: options.include_usage === true && !usageOnLast,
      usageOnLast,
      choices: (numberOf(body.n) ?? 1) * (isChat ? 1 : promptCount(body)),
    };
    const render = isChat ? chatRender(frame, ids) : completionRender(frame);
    return { exchange: { question, stream: body.stream === true, render } };
  }

  return {
    base: "/v1",
    checkKey({ headers }, apiKey) {
      const given = headers.get("authorization");
      if (given === `Bearer ${apiKey}`) return undefined;
      return given === null
        ? { status: 401, message: "You did not provide an API key" }
        : { status: 401, message: "Incorrect API key provided", code: "invalid_api_key" };
    },
    read({ method, path, body }) {
      const [route = ""] = path.split("?");
      if (method === "GET" && route === "/v1/models")
        return { plain: { text: "", write: () => modelList(seconds()) } };
      if (method === "POST" && paths.includes(route)) return asked(route, body);
      return { refusal: { status: 404, message: `Invalid URL (${method} ${route})` } };
    },
    writeError: ({ status, message, param, code }) => ({
      error: {
        message,
        type: code === "insufficient_quota" ? code : typeOf(status),
        param: param ?? null,
        code: code ?? (status === 429 ? "rate_limit_exceeded" : null),
      },
    }),
    headers: () => ({ "x-request-id": id("req") }),
    errorHeaders({ retryAfterSeconds }): Record<string, string> {
      if (retryAfterSeconds === undefined) return {};
      return {
        "retry-after": String(retryAfterSeconds),
        "retry-after-ms": String(retryAfterSeconds * 1000),
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": `${retryAfterSeconds}s`,
      };
    },
  };
}

function typeOf(status: number): string {
  if (status === 429) return "requests";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

function promptCount({ prompt }: JsonObject): number {
  return Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt.length : 1;
}

function modelList(created: number): JsonObject {
  return {
    object: "list",
    data: models.map((id) => ({ id, object: "model", created, owned_by: "simulation" })),
  };
}
