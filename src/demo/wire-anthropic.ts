import { promptTokens } from "#src/demo/answer.ts";
import { messageRender } from "#src/demo/anthropic-answer.ts";
import { messageQuestion } from "#src/demo/anthropic-question.ts";
import { type Reading, refuse, type Wire } from "#src/demo/wire.ts";
import type { Clock } from "#src/lib/clock.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import { stringOf, type JsonObject } from "#src/lib/json.ts";

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};
const models = ["claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-6"];

/** Anthropic's Messages, token counting and model list. */
export function anthropicWire(clock: Clock, ids: Ids): Wire {
  const id = (prefix: string) => ids.next(prefix);

  function asked(route: string, body: JsonObject): Reading {
    const model = stringOf(body.model);
    if (model === undefined || model === "") return refuse("model: Field required");
    const counts = route === "/v1/messages/count_tokens";
    const question = messageQuestion(body, { counts });
    if ("refusal" in question) return question;
    if (counts) {
      const write = () => ({ input_tokens: promptTokens(question) });
      return { plain: { text: question.text, write } };
    }
    const render = messageRender({ id: id("msg"), model }, ids);
    return { exchange: { question, stream: body.stream === true, render } };
  }

  return {
    base: "/v1",
    checkKey({ headers }, apiKey) {
      const given = headers.get("x-api-key");
      if (given === apiKey) return undefined;
      return {
        status: 401,
        message: given === null ? "x-api-key header is required" : "invalid x-api-key",
      };
    },
    read({ method, path, headers, body }) {
      const [route = ""] = path.split("?");
      if (!headers.has("anthropic-version")) return refuse("anthropic-version: header is required");
      if (method === "GET" && route === "/v1/models")
        return { plain: { text: "", write: () => modelList(clock) } };
      const isKnown = route === "/v1/messages" || route === "/v1/messages/count_tokens";
      if (method === "POST" && isKnown) return asked(route, body);
      return { refusal: { status: 404, message: "Not found" } };
    },
    writeError: ({ status, message, code }) => ({
      type: "error",
      error: { type: code ?? errorTypes[status] ?? "api_error", message },
      request_id: id("req"),
    }),
    headers: () => ({ "request-id": id("req") }),
    errorHeaders({ retryAfterSeconds }): Record<string, string> {
      if (retryAfterSeconds === undefined) return {};
      const reset = rfc3339(clock.now() + retryAfterSeconds * 1000);
      return {
        "retry-after": String(retryAfterSeconds),
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": reset,
      };
    },
  };
}

function modelList(clock: Clock): JsonObject {
  return {
    data: models.map((id) => ({
      type: "model",
      id,
      display_name: id,
      created_at: rfc3339(clock.now()),
    })),
    has_more: false,
    first_id: models[0],
    last_id: models.at(-1),
  };
}
