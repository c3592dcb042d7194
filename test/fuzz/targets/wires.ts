import { anthropicClient, anthropicSplice } from "#src/dialect/anthropic/anthropic-client.ts";
import type { DialectId, StreamHead, Summary } from "#src/dialect/dialect.ts";
import { geminiEmbedClient, geminiEmbedSplice } from "#src/dialect/embedding/gemini-embed.ts";
import {
  openaiEmbeddingsClient,
  openaiEmbeddingsSplice,
} from "#src/dialect/embedding/openai-embeddings.ts";
import { geminiClient, geminiSplice } from "#src/dialect/gemini/gemini-client.ts";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import {
  openaiCompletionsClient,
  openaiCompletionsSplice,
} from "#src/dialect/openai/openai-completions.ts";
import { responsesClient, responsesSplice } from "#src/dialect/responses/openai-responses.ts";
import { embeddingFront } from "#src/gateway/embedding-front.ts";
import { chatFront } from "#src/gateway/front.ts";
import type { Front } from "#src/gateway/context.ts";
import { AppError } from "#src/lib/error.ts";
import type { UpstreamBody } from "#src/lib/raw-pieces.ts";
import type { RequestDocuments } from "#src/provider/remote-document.ts";
import { bytesOf } from "#test/dialect/payload.ts";
import { headOf, summaryOf } from "#test/dialect/openai/openai-kit.ts";

/** Every way in which clients ask, with the URL that they ask at. */
export const fronts = {
  chat: chatFront({ client: openaiChatClient, splice: openaiChatSplice, idPrefix: "chatcmpl-" }),
  completions: chatFront({
    client: openaiCompletionsClient,
    splice: openaiCompletionsSplice,
    idPrefix: "cmpl-",
  }),
  responses: chatFront({ client: responsesClient, splice: responsesSplice, idPrefix: "resp_" }),
  messages: chatFront({ client: anthropicClient, splice: anthropicSplice, idPrefix: "msg_" }),
  gemini: chatFront({ client: geminiClient, splice: geminiSplice, idPrefix: "" }),
} as const satisfies Record<string, Front>;

export const vectorFronts = {
  embeddings: embeddingFront({
    client: openaiEmbeddingsClient,
    splice: openaiEmbeddingsSplice,
    idPrefix: "embd-",
  }),
  "embed-content": geminiFront("embedContent"),
  "batch-embed-contents": geminiFront("batchEmbedContents"),
} as const satisfies Record<string, Front>;

function geminiFront(verb: "embedContent" | "batchEmbedContents"): Front {
  return embeddingFront({
    client: geminiEmbedClient(verb),
    splice: geminiEmbedSplice(verb),
    idPrefix: "embd-",
  });
}

export type ChatFront = keyof typeof fronts;
export const chatFronts: readonly [ChatFront, Front][] = [
  ["chat", fronts.chat],
  ["completions", fronts.completions],
  ["responses", fronts.responses],
  ["messages", fronts.messages],
  ["gemini", fronts.gemini],
];

/** Wires that the canonical form of conversation is written in. */
export const wires: readonly DialectId[] = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
  "cohere-v2",
  "bedrock-converse",
];

export const vectorWires: readonly DialectId[] = [
  "openai-embeddings",
  "cohere-v2-embed",
  "gemini-embed",
];

/** Nothing can be fetched. */
export const noDocuments: RequestDocuments = {
  fetch: () => Promise.reject(new Error("There are no documents here")),
  abandon() {},
  end() {},
};

export const head: StreamHead = headOf({ includeUsage: true, provider: "test" });
export const summary: Summary = summaryOf({ provider: "test" });
export const failure = new AppError("upstream_error", "upstream request failed");

/** What is sent, with one character for each byte. */
export function rawOf(payload: UpstreamBody | Uint8Array): string {
  return Buffer.from(bytesOf(payload)).toString("latin1");
}
