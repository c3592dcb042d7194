import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai-chat.ts";
import {
  openaiCompletionsClient,
  openaiCompletionsSplice,
} from "#src/dialect/openai-completions.ts";
import type { App, Front } from "#src/gateway/context.ts";
import { handle } from "#src/gateway/handle.ts";
import { readBody, respond } from "#src/http/respond.ts";

const chat: Front = { client: openaiChatClient, splice: openaiChatSplice };
const completions: Front = { client: openaiCompletionsClient, splice: openaiCompletionsSplice };

interface TimeoutServer {
  timeout(request: Request, seconds: number): void;
}

/** A path that the server itself dispatches: the framework's way of doing it would cost as much as the key check. */
export type InferenceRoute = {
  POST: (request: Request, server: TimeoutServer) => Promise<Response>;
};

/** Chat and text completions, at each base path. */
export function openaiRoutes(app: App): Record<string, InferenceRoute> {
  const route = (front: Front): InferenceRoute => ({
    POST: (request, server) => inference(front, request, server, app),
  });
  return {
    "/v1/chat/completions": route(chat),
    "/api/v1/chat/completions": route(chat),
    "/v1/completions": route(completions),
    "/api/v1/completions": route(completions),
  };
}

/** Accepts a call and hands it to the gateway. */
function inference(
  front: Front,
  request: Request,
  server: TimeoutServer,
  app: App,
): Promise<Response> {
  const receivedAt = app.clock.now();
  const startedAt = app.clock.monotonic();
  // The upstream's deadlines rule here; the server's own idle timeout would cut a slow first token.
  server.timeout(request, 0);
  return respond(request, app, front.client.writeError, async () => {
    const body = await readBody(request, app.config.limits.maxBodyBytes);
    return handle({ request, body, front, receivedAt, startedAt }, app);
  });
}
