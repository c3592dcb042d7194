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
