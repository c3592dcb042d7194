import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import {
  openaiCompletionsClient,
  openaiCompletionsSplice,
} from "#src/dialect/openai/openai-completions.ts";
import type { App } from "#src/gateway/context.ts";
import { chatFront } from "#src/gateway/front.ts";
import { inferenceRoute, type InferenceRoutes } from "#src/http/inference.ts";

const chat = chatFront({
  client: openaiChatClient,
  splice: openaiChatSplice,
  idPrefix: "chatcmpl-",
});
const completions = chatFront({
  client: openaiCompletionsClient,
  splice: openaiCompletionsSplice,
  idPrefix: "cmpl-",
});

/** Chat and text completions, at each base path. */
export function openaiRoutes(app: App): InferenceRoutes {
  return {
    "/v1/chat/completions": inferenceRoute(chat, app),
    "/api/v1/chat/completions": inferenceRoute(chat, app),
    "/v1/completions": inferenceRoute(completions, app),
    "/api/v1/completions": inferenceRoute(completions, app),
  };
}
