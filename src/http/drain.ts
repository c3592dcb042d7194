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

/** How a path that the server dispatches is answered. */
type Handler<Asked extends Request, Server> = (
  request: Asked,
  server: Server,
) => Response | Promise<Response>;

/** A path that the server dispatches: one handler for every method, or one for each. */
type Dispatched<One> = One | Readonly<Record<string, One | undefined>>;

/** The same routes, with something else in the place of each handler. */
export function eachRoute<Asked extends Request, Server, Other>(
  routes: Readonly<Record<string, Dispatched<Handler<Asked, Server>>>>,
  other: (handler: Handler<Asked, Server>) => Other,
): Record<string, Other | Record<string, Other>> {
  return Object.fromEntries(
    Object.entries(routes).map(([path, route]) => [
      path,
      typeof route === "function"
        ? other(route)
        : Object.fromEntries(
            Object.entries(route).flatMap(([method, handler]) =>
              handler === undefined ? [] : [[method, other(handler)]],
            ),
          ),
    ]),
  );
}

/** Answers as ever, and ends the connection with the answer: another process takes the next. */
export function parting<Asked extends Request, Server>(
  handler: Handler<Asked, Server>,
  onRequest: () => void,
): (request: Asked, server: Server) => Promise<Response> {
  return async (request, server) => {
    onRequest();
    const response = await handler(request, server);
    response.headers.set("Connection", "close");
    return response;
  };
}

/** Answers as ever, and keeps count of the requests that wait for the head of their answer. */
export function counted<Asked extends Request, Server>(
  handler: Handler<Asked, Server>,
  count: { waiting: number },
): (request: Asked, server: Server) => Promise<Response> {
  return async (request, server) => {
    count.waiting++;
    try {
      return await handler(request, server);
    } finally {
      count.waiting--;
    }
  };
}
