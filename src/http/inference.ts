import type { App, Front } from "#src/gateway/context.ts";
import { handle } from "#src/gateway/handle.ts";
import { callOf, respond } from "#src/http/respond.ts";
import { refuseOthers } from "#src/http/wrong-method.ts";

export interface TimeoutServer {
  timeout(request: Request, seconds: number): void;
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
  // The upstream's deadlines rule here; the server's own idle timeout would cut a slow first token.
  server.timeout(request, 0);
  const answer = async () => handle(await callOf(request, front, app), app);
  return respond(request, app, front.writeError, answer, "held");
}
