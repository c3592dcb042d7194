import type { App } from "#src/gateway/context.ts";
import { respond, type WriteError } from "#src/http/respond.ts";
import { AppError } from "#src/lib/error.ts";

/** Methods that the server's router can be told of; a preflight is answered for every path alike. */
const routed = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
type Method = (typeof routed)[number];
type Refuse = (request: Request) => Promise<Response>;

/** Refusals, in the path's own words, for every method that a path does not take. */
export function refuseOthers(
  taken: readonly Method[],
  writeError: WriteError,
  app: App,
): Partial<Record<Method, Refuse>> {
  const refuse: Refuse = (request) =>
    respond(request, app, writeError, () => {
      throw wrongMethod(request, taken);
    });
  const others = routed.filter((method) => !taken.includes(method));
  return Object.fromEntries(others.map((method) => [method, refuse]));
}

/** A path and a method that somebody answers to, as the framework lists them. */
interface Listed {
  path: string;
  method: string;
}

/** What finds the methods that a path takes, of routes with segments such as `:hash`; none for a path that there is not. */
export function methodFinder(routes: readonly Listed[]): (pathname: string) => string[] {
  const known = new Map<string, { pattern: RegExp; methods: string[] }>();
  for (const { path, method } of routes) {
    // What takes every path says nothing of one.
    if (path.includes("*")) continue;
    const { methods } = known.get(path) ?? { methods: [] };
    known.set(path, { pattern: patternOf(path), methods: [...methods, method] });
  }
  return (pathname) =>
    [...known.values()].find(({ pattern }) => pattern.test(pathname))?.methods ?? [];
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`);
}

/** The refusal of a method, with those that would do. */
export function wrongMethod(request: Request, taken: readonly string[]): AppError {
  const allow = taken.join(", ");
  const path = new URL(request.url, "http://host").pathname.slice(0, 100);
  return new AppError(
    "method_not_allowed",
    `Cannot answer ${request.method} at ${path}: it takes ${allow}`,
    { headers: { Allow: allow } },
  );
}
