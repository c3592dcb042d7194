import type { App } from "#src/gateway/context.ts";
import type { InferenceRoutes } from "#src/http/inference.ts";
import { openaiRoutes } from "#src/http/openai.ts";

/** Every path that runs inference, by the dialect that is spoken there. */
export function frontRoutes(app: App): InferenceRoutes {
  return {
    ...openaiRoutes(app),
  };
}
