import { allowOrigin } from "#src/http/respond.ts";

/** A browser that asks whether a page of another origin may send a request. */
export function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}

/** Any page may send any request: what it may do, its key decides. */
export function preflight(request: Request): Response {
  const headers = new Headers({
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers") ?? "*",
    "Access-Control-Max-Age": "86400",
  });
  allowOrigin(headers);
  return new Response(null, { status: 204, headers });
}
