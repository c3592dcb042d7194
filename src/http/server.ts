import { type AnyElysia, Elysia } from "elysia";
import type { App } from "#src/gateway/context.ts";

import type { Services } from "#src/http/services.ts";
import { accountRoutes } from "#src/http/account.ts";
import { catalogRoutes } from "#src/http/catalog.ts";
import { healthRoutes, type Readiness } from "#src/http/health.ts";
import { frontRoutes } from "#src/http/fronts.ts";
import { refuseSeveralHosts } from "#src/http/one-host.ts";
import { preflight } from "#src/http/preflight.ts";
import { proxyRoutes } from "#src/http/proxy.ts";
import { allowOrigin, errorResponse, respond, writeJsonError } from "#src/http/respond.ts";
import { statementKeyRoutes } from "#src/http/statement-keys.ts";
import { stripeRoutes } from "#src/http/stripe.ts";
import { metricsRoutes } from "#src/http/metrics.ts";
import { methodFinder, wrongMethod } from "#src/http/wrong-method.ts";
import { AppError, isFault, toAppError } from "#src/lib/error.ts";

export interface Surface {
  app: App;
  services: Services;
  readiness: Readiness;
  /** What people look at with a browser; absent where only programs call. */
  pages?: AnyElysia;
  /** What went wrong, as a page for a browser; undefined where a program asks. */
  errorPage?(error: AppError, request: Request): Response | undefined;
}

/** What we say plainly that we do not do, by path. */
const unavailable = /^\/(api\/)?v1\/(images|audio|videos|mcp|realtime)(\/|$)/;

/** The paths that the server itself dispatches. */
export function dispatchedRoutes(app: App) {
  return { ...frontRoutes(app), ...proxyRoutes(app) };
}

/** The whole HTTP surface, not yet listening. The error handler comes first: Elysia applies hooks to what follows. */
export function surface({ app, services, readiness, pages, errorPage }: Surface) {
  const server = new Elysia({ serve: { routes: dispatchedRoutes(app) } })
    .onError({ as: "global" }, ({ error, code, request }) => {
      const { pathname } = new URL(request.url, "http://host");
      const known = frameworkError(code, pathname) ?? toAppError(error);
      if (isFault(known, error)) app.log.write("error", known.code, {}, known.detail.cause);
      const shown = errorPage?.(known, request);
      if (shown) return shown;
      const response = errorResponse(known, writeJsonError);
      if (request.headers.has("origin")) allowOrigin(response.headers);
      return response;
    })
    .onRequest(({ request }) => refuseSeveralHosts(request))
    .use(healthRoutes(readiness))
    .use(metricsRoutes(app, services))
    .use(catalogRoutes(app, services))
    .use(accountRoutes(app, services))
    .use(statementKeyRoutes(app, services))
    .use(stripeRoutes(app, services))
    .use(pages ?? new Elysia());
  const methodsOf = methodFinder(server.routes);
  return server
    .options("/*", ({ request }) => preflight(request))
    .all(
      "/*",
      ({ request }) =>
        respond(request, app, writeJsonError, () => {
          const why = unanswered(request, methodsOf);
          const shown = errorPage?.(why, request);
          if (shown) return shown;
          throw why;
        }),
      { parse: "none" },
    );
}

/** Why nobody answered. */
function unanswered(request: Request, methodsOf: (pathname: string) => string[]): AppError {
  const { pathname } = new URL(request.url, "http://host");
  if (unavailable.test(pathname)) {
    return new AppError(
      "not_available",
      `${pathname.slice(0, 100)} is not available yet: LowRouter serves text; images, audio, video and MCP are on the roadmap: /docs/coming-soon`,
    );
  }
  const taken = methodsOf(pathname);
  if (taken.length > 0) return wrongMethod(request, taken);
  return new AppError(
    "not_found",
    `There is nothing at ${request.method} ${pathname.slice(0, 100)}: inference is at /v1/chat/completions, the models at /v1/models`,
  );
}

/** Elysia's own refusals; never echoes input. */
function frameworkError(code: number | string, path: string): AppError | undefined {
  if (code === "NOT_FOUND")
    return new AppError("not_found", `There is nothing at ${path.slice(0, 100)}`);
  if (code === "PARSE" || code === "VALIDATION")
    return new AppError("invalid_json", "Cannot parse the body as JSON");
  return undefined;
}
