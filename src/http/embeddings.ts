import { geminiEmbedClient, geminiEmbedSplice } from "#src/dialect/embedding/gemini-embed.ts";
import type { EmbedVerb } from "#src/dialect/embedding/gemini-embed-request.ts";
import {
  openaiEmbeddingsClient,
  openaiEmbeddingsSplice,
} from "#src/dialect/embedding/openai-embeddings.ts";
import type { App, Front } from "#src/gateway/context.ts";
import { embeddingFront } from "#src/gateway/embedding-front.ts";
import { inferenceRoute, type InferenceRoutes } from "#src/http/inference.ts";

const embeddings = embeddingFront({
  client: openaiEmbeddingsClient,
  splice: openaiEmbeddingsSplice,
  idPrefix: "embd-",
});

/** Embeddings, at each base path. */
export function embeddingRoutes(app: App): InferenceRoutes {
  return {
    "/v1/embeddings": inferenceRoute(embeddings, app),
    "/api/v1/embeddings": inferenceRoute(embeddings, app),
  };
}

/** The fronts for Google's embedding calls, by the verb in the path; the model is read from the URL. */
export const geminiEmbeddingFronts: Readonly<Record<EmbedVerb, Front>> = {
  embedContent: geminiFront("embedContent"),
  batchEmbedContents: geminiFront("batchEmbedContents"),
};

function geminiFront(verb: EmbedVerb): Front {
  return embeddingFront({
    client: geminiEmbedClient(verb),
    splice: geminiEmbedSplice(verb),
    idPrefix: "embd-",
  });
}
