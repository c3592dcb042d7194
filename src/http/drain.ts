import { errorResponse, writeJsonError } from "#src/http/respond.ts";
import { AppError } from "#src/lib/error.ts";

/** Anything that answers requests. */
interface Answering {
  handle(request: Request): Response | Promise<Response>;
}

/** What a gateway answers while its last requests end: its health as ever, and 503 to all else. */
export function whileDraining(app: Answering): (request: Request) => Response | Promise<Response> {
  return (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/healthz" || pathname === "/readyz") return app.handle(request);
    const response = errorResponse(
      new AppError("service_unavailable", "This gateway is shutting down: send the request again", {
        retryAfterSeconds: 1,
      }),
      writeJsonError,
    );
    // The next request on this connection would meet nobody.
    response.headers.set("Connection", "close");
    return response;
  };
}

/** A path that the server dispatches: one handler for every method, or one for each. */
type Dispatched<Handler> = Handler | Readonly<Record<string, Handler | undefined>>;

/** The same routes, each telling the client not to send another request on its connection. */
export function partingRoutes<Asked extends Request, Server>(
  routes: Readonly<
    Record<string, Dispatched<(request: Asked, server: Server) => Response | Promise<Response>>>
  >,
  onRequest: () => void,
): Record<string, Dispatched<(request: Asked, server: Server) => Promise<Response>>> {
  return Object.fromEntries(
    Object.entries(routes).map(([path, route]) => [
      path,
      typeof route === "function"
        ? parting(route, onRequest)
        : Object.fromEntries(
            Object.entries(route).flatMap(([method, handler]) =>
              handler === undefined ? [] : [[method, parting(handler, onRequest)]],
            ),
          ),
    ]),
  );
}

/** Answers as ever, and ends the connection with the answer: another process takes the next. */
export function parting<Asked extends Request, Server>(
  handler: (request: Asked, server: Server) => Response | Promise<Response>,
  onRequest: () => void,
): (request: Asked, server: Server) => Promise<Response> {
  return async (request, server) => {
    onRequest();
    const response = await handler(request, server);
    response.headers.set("Connection", "close");
    return response;
  };
}
