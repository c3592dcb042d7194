import type { App, Front } from "#src/gateway/context.ts";
import { handle } from "#src/gateway/handle.ts";
import { callOf, respond } from "#src/http/respond.ts";
import { refuseOthers } from "#src/http/wrong-method.ts";

/** A server that is told how long the connection of a request may be silent, s; 0 is for ever. */
export interface TimeoutServer {
  timeout(request: Request, seconds: number): void;
}

/** Seconds after which a connection on which nothing moves is closed: an unread answer, a request that does not come. */
export const serverIdleSeconds = 120;
/** The longest that the server takes. */
const mostIdleSeconds = 255;

/**
 * How long a client may leave an answer unread, s. The upstream's own deadlines rule until there is one; an answer that
 * pauses may not be taken for a client that does. 0, for ever, where the operator lets upstreams pause longer than the
 * server can count.
 */
export function idleSeconds({ config }: App): number {
  const { idleMs } = config.timeouts;
  const pause = Math.ceil(idleMs / 1000) + 15;
  if (idleMs === 0 || pause > mostIdleSeconds) return 0;
  return Math.max(serverIdleSeconds, pause);
}

/** A path that the server itself dispatches: the framework's way of doing it would cost as much as the key check. */
export type InferenceRoute = {
  POST: (request: Request, server: TimeoutServer) => Promise<Response>;
} & Partial<Record<"GET" | "HEAD" | "PUT" | "PATCH" | "DELETE", Answer>>;

type Answer = (request: Request) => Promise<Response>;

/** The paths of one front. */
export type InferenceRoutes = Record<string, InferenceRoute>;

/** A path that hands its calls to the gateway, in one dialect. */
export function inferenceRoute(front: Front, app: App): InferenceRoute {
  return {
    ...refuseOthers(["POST"], front.writeError, app),
    POST: (request, server) => inference(front, request, server, app),
  };
}

/** Accepts a call and hands it to the gateway. */
export function inference(
  front: Front,
  request: Request,
  server: TimeoutServer,
  app: App,
): Promise<Response> {
  const answer = async () => {
    const call = await callOf(request, front, app);
    // Only now: a body that never comes would be waited for without end, whoever sends it.
    server.timeout(request, 0);
    try {
      return await handle(call, app);
    } finally {
      server.timeout(request, idleSeconds(app));
    }
  };
  return respond(request, app, front.writeError, answer, "held");
}
