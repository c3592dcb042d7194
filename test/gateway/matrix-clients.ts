/*
 * Every client's dialect: how it asks, whole by plain HTTP and streamed by its official package, and what it was told,
 * each thing taken from the one member where that dialect has it. Three packages and four shapes of one answer stand
 * here together, so that a test can compare them: that is why the file is longer than 300 lines.
 */
import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import type { Wire } from "#test/gateway/matrix-answers.ts";

export const clients = ["OpenAI chat", "Responses", "Anthropic Messages", "Gemini"] as const;
export type Client = (typeof clients)[number];

/** The wire that is a client's own dialect, where bytes are edited in place. */
export const ownWire: Record<Client, Wire> = {
  "OpenAI chat": "openai-chat",
  Responses: "openai-responses",
  "Anthropic Messages": "anthropic-messages",
  Gemini: "gemini",
};

/** What a client was told. */
export interface Told {
  status: number;
  /** Names in X-LowRouter-Dropped. */
  dropped: string[];
  error?: { message: string; code?: unknown; param?: unknown };
  /** One for each choice. */
  texts: string[];
  refusal: string;
  reasoning: string;
  calls: { id: string; name: string; input: unknown }[];
  /** The dialect's own word for the ending of the first choice. */
  finish: unknown;
  tokens: Partial<Counts>;
  pages: { url: unknown; title: unknown }[];
  logprobs: [unknown, unknown][];
  /** The answer as the client got it. */
  answer: unknown;
}

interface Counts {
  input: unknown;
  cacheRead: unknown;
  cacheWrite: unknown;
  output: unknown;
  reasoning: unknown;
}

interface Gateway {
  url: string;
  key: string;
}

interface Heard {
  status: number;
  headers: Headers;
  /** The answer, or the error's body. */
  json: unknown;
  /** Reasoning that the package's accumulator does not put together. */
  reasoning?: string;
}

/** Asks in this dialect, whole or streamed. */
export async function ask(
  gateway: Gateway,
  client: Client,
  model: string,
  body: JsonObject,
  streamed: boolean,
): Promise<Told> {
  const heard = streamed
    ? await streams[client](gateway, model, bodies[client](model, body))
    : await whole(gateway, client, model, body);
  const { status, headers, json } = heard;
  const dropped = headers.get("x-lowrouter-dropped")?.split(", ") ?? [];
  const base = { status, dropped, ...nothing, answer: json };
  if (status !== 200) {
    const { message, code, param } = errorIn(json);
    return { ...base, error: { message, code, param } };
  }
  const read = readers[client](json);
  return { ...base, ...read, reasoning: heard.reasoning ?? read.reasoning };
}

const nothing = {
  texts: [],
  refusal: "",
  reasoning: "",
  calls: [],
  finish: undefined,
  tokens: {},
  pages: [],
  logprobs: [],
};

/** What every request of the dialect has. */
const bodies: Record<Client, (model: string, body: JsonObject) => JsonObject> = {
  "OpenAI chat": (model, body) => ({ model, ...body }),
  Responses: (model, body) => ({ model, store: false, ...body }),
  "Anthropic Messages": (model, body) => ({ model, max_tokens: 500, ...body }),
  Gemini: (_model, body) => body,
};

async function whole(
  { url, key }: Gateway,
  client: Client,
  model: string,
  body: JsonObject,
): Promise<Heard> {
  const paths: Record<Client, string> = {
    "OpenAI chat": "/v1/chat/completions",
    Responses: "/v1/responses",
    "Anthropic Messages": "/v1/messages",
    Gemini: `/v1beta/models/${model}:generateContent`,
  };
  const response = await fetch(url + paths[client], {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(bodies[client](model, body)),
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

/** A fetch that sends this body in the place of the package's, and keeps the headers of the answer. */
function sending(body: JsonObject) {
  const kept = { headers: new Headers(), status: 0 };
  const replaced = async (url: string | URL | Request, init?: RequestInit) => {
    const response = await fetch(url, { ...init, body: JSON.stringify({ ...body, stream: true }) });
    kept.headers = response.headers;
    kept.status = response.status;
    return response;
  };
  return { kept, replaced };
}

type Streamed = (gateway: Gateway, model: string, body: JsonObject) => Promise<Heard>;

const streams: Record<Client, Streamed> = {
  async "OpenAI chat"({ url, key: apiKey }, model, body) {
    const { kept, replaced } = sending({ ...body, stream_options: { include_usage: true } });
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, fetch: replaced });
    try {
      const stream = openai.chat.completions.stream({ model, messages: [] });
      let reasoning = "";
      for await (const chunk of stream) {
        const piece = at(chunk, "choices.0.delta.reasoning");
        if (typeof piece === "string") reasoning += piece;
      }
      const json = copyOf(await stream.finalChatCompletion());
      return { ...kept, json, reasoning };
    } catch (thrown) {
      return refusedBy(thrown, kept.headers);
    }
  },
  async Responses({ url, key: apiKey }, model, body) {
    const { kept, replaced } = sending(body);
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, fetch: replaced });
    try {
      const stream = openai.responses.stream({ model, input: "" });
      const json = copyOf(await stream.finalResponse());
      return { ...kept, json };
    } catch (thrown) {
      return refusedBy(thrown, kept.headers);
    }
  },
  async "Anthropic Messages"({ url, key: apiKey }, model, body) {
    const { kept, replaced } = sending(body);
    const anthropic = new Anthropic({ baseURL: url, apiKey, maxRetries: 0, fetch: replaced });
    try {
      const stream = anthropic.messages.stream({ model, max_tokens: 1, messages: [] });
      const json = copyOf(await stream.finalMessage());
      return { ...kept, json };
    } catch (thrown) {
      return refusedBy(thrown, kept.headers);
    }
  },
  async Gemini({ url: baseUrl, key: apiKey }, model, body) {
    const google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
    const headers = new Headers();
    const chunks: unknown[] = [];
    try {
      const stream = await google.models.generateContentStream({
        model,
        contents: "replaced",
        config: { httpOptions: { extraBody: body } },
      });
      for await (const chunk of stream) {
        for (const [name, value] of Object.entries(chunk.sdkHttpResponse?.headers ?? {}))
          headers.set(name, value);
        chunks.push(copyOf(chunk));
      }
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      return { status: thrown.status, headers, json: JSON.parse(thrown.message) };
    }
    return { status: 200, headers, json: joined(chunks) };
  },
};

/** As plain JSON, without the package's classes. */
function copyOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function refusedBy(thrown: unknown, headers: Headers): Heard {
  if (thrown instanceof OpenAI.APIError || thrown instanceof Anthropic.APIError) {
    const { status, error } = thrown;
    if (status === undefined) throw thrown;
    // One package unwraps the envelope, the other keeps it.
    const json = at(error, "error") === undefined ? { error } : error;
    return { status, headers, json };
  }
  throw thrown;
}

function errorIn(json: unknown) {
  return {
    message: String(at(json, "error.message")),
    code: at(json, "error.code"),
    param: at(json, "error.param"),
  };
}

/** Chunks of a stream as one answer, as this dialect's clients do it themselves: parts in a row, the last usage. */
function joined(chunks: unknown[]): unknown {
  const candidates: JsonObject[] = [];
  let usageMetadata: Json = null;
  for (const chunk of chunks) {
    usageMetadata = json(at(chunk, "usageMetadata")) ?? usageMetadata;
    for (const candidate of listAt(chunk, "candidates")) {
      const index = Number(at(candidate, "index") ?? 0);
      const known = (candidates[index] ??= { index, content: { role: "model", parts: [] } });
      const parts = [...listAt(known, "content.parts"), ...listAt(candidate, "content.parts")];
      known.content = { role: "model", parts: parts.map((part) => json(part) ?? null) };
      for (const name of ["finishReason", "groundingMetadata"] as const)
        known[name] = json(at(candidate, name)) ?? known[name];
      for (const name of ["chosenCandidates", "topCandidates"] as const) {
        const path = `logprobsResult.${name}`;
        const all = [...listAt(known, path), ...listAt(candidate, path)];
        if (all.length === 0) continue;
        const told = json(known.logprobsResult);
        known.logprobsResult = {
          ...(typeof told === "object" && told !== null && !Array.isArray(told) ? told : {}),
          [name]: all.map((one) => json(one) ?? null),
        };
      }
    }
  }
  return { candidates, usageMetadata };
}

function json(value: unknown): Json | undefined {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

type Read = Omit<Told, "status" | "dropped" | "error" | "answer">;

const readers: Record<Client, (answer: unknown) => Read> = {
  "OpenAI chat": (answer) => ({
    texts: listAt(answer, "choices").map((choice) => textAt(choice, "message.content")),
    refusal: textAt(answer, "choices.0.message.refusal"),
    // Two names are in use among upstreams of this wire.
    reasoning:
      textAt(answer, "choices.0.message.reasoning") ||
      textAt(answer, "choices.0.message.reasoning_content"),
    calls: listAt(answer, "choices.0.message.tool_calls").map((call) => ({
      id: textAt(call, "id"),
      name: textAt(call, "function.name"),
      input: inputOf(textAt(call, "function.arguments")),
    })),
    finish: at(answer, "choices.0.finish_reason"),
    tokens: {
      input: at(answer, "usage.prompt_tokens"),
      cacheRead: at(answer, "usage.prompt_tokens_details.cached_tokens"),
      cacheWrite: at(answer, "usage.prompt_tokens_details.cache_write_tokens"),
      output: at(answer, "usage.completion_tokens"),
      reasoning: at(answer, "usage.completion_tokens_details.reasoning_tokens"),
    },
    pages: listAt(answer, "choices.0.message.annotations").map((page) => ({
      url: at(page, "url_citation.url"),
      title: at(page, "url_citation.title"),
    })),
    logprobs: listAt(answer, "choices.0.logprobs.content").map((one) => [
      at(one, "token"),
      at(one, "logprob"),
    ]),
  }),
  Responses(answer) {
    const items = listAt(answer, "output");
    const of = (type: string) => items.filter((item) => at(item, "type") === type);
    const parts = of("message").flatMap((item) => listAt(item, "content"));
    const texts = parts.filter((part) => at(part, "type") === "output_text");
    const status = at(answer, "status");
    return {
      texts: [texts.map((part) => textAt(part, "text")).join("")],
      refusal: parts.map((part) => textAt(part, "refusal")).join(""),
      reasoning: of("reasoning")
        .flatMap((item) => listAt(item, "summary"))
        .map((part) => textAt(part, "text"))
        .join("\n\n"),
      calls: of("function_call").map((call) => ({
        id: textAt(call, "call_id"),
        name: textAt(call, "name"),
        input: inputOf(textAt(call, "arguments")),
      })),
      finish: status === "incomplete" ? at(answer, "incomplete_details.reason") : status,
      tokens: {
        input: at(answer, "usage.input_tokens"),
        cacheRead: at(answer, "usage.input_tokens_details.cached_tokens"),
        cacheWrite: at(answer, "usage.input_tokens_details.cache_write_tokens"),
        output: at(answer, "usage.output_tokens"),
        reasoning: at(answer, "usage.output_tokens_details.reasoning_tokens"),
      },
      pages: texts
        .flatMap((part) => listAt(part, "annotations"))
        .map((page) => ({ url: at(page, "url"), title: at(page, "title") })),
      logprobs: texts
        .flatMap((part) => listAt(part, "logprobs"))
        .map((one) => [at(one, "token"), at(one, "logprob")]),
    };
  },
  "Anthropic Messages"(answer) {
    const of = (type: string) =>
      listAt(answer, "content").filter((block) => at(block, "type") === type);
    const number = (path: string) => Number(at(answer, `usage.${path}`) ?? 0);
    return {
      texts: [
        of("text")
          .map((block) => textAt(block, "text"))
          .join(""),
      ],
      // This dialect says a refusal as text, or not at all.
      refusal: textAt(answer, "stop_details.explanation"),
      reasoning: of("thinking")
        .map((block) => textAt(block, "thinking"))
        .join(""),
      calls: of("tool_use").map((block) => ({
        id: textAt(block, "id"),
        name: textAt(block, "name"),
        input: at(block, "input"),
      })),
      finish: at(answer, "stop_reason"),
      tokens: {
        input:
          number("input_tokens") +
          number("cache_read_input_tokens") +
          number("cache_creation_input_tokens"),
        cacheRead: at(answer, "usage.cache_read_input_tokens"),
        cacheWrite: at(answer, "usage.cache_creation_input_tokens"),
        output: at(answer, "usage.output_tokens"),
        reasoning: at(answer, "usage.output_tokens_details.thinking_tokens"),
      },
      pages: of("text")
        .flatMap((block) => listAt(block, "citations"))
        .map((page) => ({ url: at(page, "url"), title: at(page, "title") })),
      logprobs: [],
    };
  },
  Gemini(answer) {
    const partsOf = (candidate: unknown) => listAt(candidate, "content.parts");
    const parts = partsOf(at(answer, "candidates.0"));
    const isThought = (part: unknown) => at(part, "thought") === true;
    const words = (list: unknown[]) => list.map((part) => textAt(part, "text")).join("");
    return {
      texts: listAt(answer, "candidates").map((candidate) =>
        words(partsOf(candidate).filter((part) => !isThought(part))),
      ),
      refusal: "",
      reasoning: words(parts.filter(isThought)),
      calls: parts
        .filter((part) => at(part, "functionCall") !== undefined)
        .map((part) => ({
          id: textAt(part, "functionCall.id"),
          name: textAt(part, "functionCall.name"),
          input: at(part, "functionCall.args") ?? {},
        })),
      finish: at(answer, "candidates.0.finishReason"),
      tokens: {
        input:
          Number(at(answer, "usageMetadata.promptTokenCount")) +
          Number(at(answer, "usageMetadata.toolUsePromptTokenCount") ?? 0),
        cacheRead: at(answer, "usageMetadata.cachedContentTokenCount") ?? 0,
        output:
          Number(at(answer, "usageMetadata.candidatesTokenCount")) +
          Number(at(answer, "usageMetadata.thoughtsTokenCount") ?? 0),
        reasoning: at(answer, "usageMetadata.thoughtsTokenCount") ?? 0,
      },
      pages: listAt(answer, "candidates.0.groundingMetadata.groundingChunks").map((page) => ({
        url: at(page, "web.uri"),
        title: at(page, "web.title"),
      })),
      logprobs: listAt(answer, "candidates.0.logprobsResult.chosenCandidates").map((one) => [
        at(one, "token"),
        at(one, "logProbability"),
      ]),
    };
  },
};

function textAt(value: unknown, path: string): string {
  const found = at(value, path);
  return typeof found === "string" ? found : "";
}

/** Arguments as an object; as they are where an upstream of the client's own wire left them empty. */
function inputOf(words: string): unknown {
  return words === "" ? words : JSON.parse(words);
}
