import { Elysia } from "elysia";
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

/** Chat and text completions, at each base path. */
export function openaiRoutes(app: App) {
  const run = (front: Front) => (request: Request, server: TimeoutServer | null) =>
    inference(front, request, server, app);
  const [onChat, onCompletions] = [run(chat), run(completions)];
  // Inline handlers that only pass values on: Elysia reads their source.
  return new Elysia({ name: "openai" })
    .post("/v1/chat/completions", ({ request, server }) => onChat(request, server), {
      parse: "none",
    })
    .post("/api/v1/chat/completions", ({ request, server }) => onChat(request, server), {
      parse: "none",
    })
    .post("/v1/completions", ({ request, server }) => onCompletions(request, server), {
      parse: "none",
    })
    .post("/api/v1/completions", ({ request, server }) => onCompletions(request, server), {
      parse: "none",
    });
}

/** Accepts a call and hands it to the gateway. */
function inference(
  front: Front,
  request: Request,
  server: TimeoutServer | null,
  app: App,
): Promise<Response> {
  const receivedAt = app.clock.now();
  const startedAt = app.clock.monotonic();
  // The upstream's deadlines rule here; the server's own idle timeout would cut a slow first token.
  server?.timeout(request, 0);
  return respond(request, app, front.client.writeError, async () => {
    const body = await readBody(request, app.config.limits.maxBodyBytes);
    return handle({ request, body, front, receivedAt, startedAt }, app);
  });
}
