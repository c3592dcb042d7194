import type { App } from "#src/gateway/context.ts";
import { anthropicRoutes } from "#src/http/anthropic.ts";
import { geminiRoutes } from "#src/http/gemini.ts";
import type { InferenceRoutes } from "#src/http/inference.ts";
import { embeddingRoutes } from "#src/http/embeddings.ts";
import { openaiRoutes } from "#src/http/openai.ts";
import { responsesRoutes } from "#src/http/responses.ts";

/** Every path that runs inference, by the dialect that is spoken there. */
export function frontRoutes(app: App): InferenceRoutes {
  return {
    ...openaiRoutes(app),
    ...responsesRoutes(app),
    ...embeddingRoutes(app),
    ...anthropicRoutes(app),
    ...geminiRoutes(app),
  };
}
