import { reservedNames } from "#src/config/schema.ts";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import type { App } from "#src/gateway/context.ts";
import { chatFront } from "#src/gateway/front.ts";
import { proxy } from "#src/gateway/proxy/proxy.ts";
import { idleSeconds, type TimeoutServer } from "#src/http/inference.ts";
import { isPreflight, preflight } from "#src/http/preflight.ts";
import { callOf, respond } from "#src/http/respond.ts";
import { wrongMethod } from "#src/http/wrong-method.ts";

/** A request with what the router found in its path. */
type Routed = Request & { params: Readonly<Record<string, string | undefined>> };

/** A path that the server itself dispatches, for every method. */
export type ProxyRoute = (request: Routed, server: TimeoutServer) => Promise<Response>;

const passedOn = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** The longest paths of providers have nine. */
const mostSegments = 12;
const names = Array.from({ length: mostSegments }, (_, at) => `s${at}`);

/** The words in which we refuse. */
const front = chatFront({ client: openaiChatClient, splice: openaiChatSplice, idPrefix: "" });

/**
 * Every path below a provider's id. The server's router matches the target as the client wrote it, and hands out its
 * segments; everywhere else `..` is resolved before we see it. So there is a route for each number of segments.
 */
export function proxyRoutes(app: App): Record<string, ProxyRoute> {
  const routes: Record<string, ProxyRoute> = {};
  for (const provider of app.routes.providers) {
    if (reservedNames.has(provider)) continue;
    // What none of the others takes: an empty segment, or too many.
    routes[`/${provider}/*`] = (request, server) =>
      proxied(provider, undefined, request, server, app);
    // Also where it has no credential: an account may have one of its own, and the operator may add one.
    let path = `/${provider}`;
    for (const [at, name] of names.entries()) {
      path += `/:${name}`;
      routes[path] = (request, server) => {
        const segments = names.slice(0, at + 1).map((one) => request.params[one] ?? "");
        return proxied(provider, segments, request, server, app);
      };
    }
  }
  return routes;
}

function proxied(
  provider: string,
  segments: readonly string[] | undefined,
  request: Request,
  server: TimeoutServer,
  app: App,
): Promise<Response> {
  return respond(request, app, front.writeError, async () => {
    if (isPreflight(request)) return preflight(request);
    refuseMethod(request);
    const call = await callOf(request, front, app);
    // Only now: a body that never comes would be waited for without end, whoever sends it.
    server.timeout(request, 0);
    try {
      return await proxy({ ...call, provider, segments }, app);
    } finally {
      server.timeout(request, idleSeconds(app));
    }
  });
}

/** TRACE would show our credential to the client, and CONNECT is for other proxies. */
function refuseMethod(request: Request): void {
  if (!passedOn.includes(request.method)) throw wrongMethod(request, passedOn);
}
