import { type AnyElysia, Elysia } from "elysia";
import { beginSignIn, comeBack } from "#src/account/people/oidc.ts";
import { AppError } from "#src/lib/error.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { knockOf } from "#src/web/people/knock.ts";
import { seeOther } from "#src/web/people/respond.ts";
import { ownPath } from "#src/web/theme.ts";

/** Sign-in at OpenID providers: the way out, and the way back. */
export function oidcRoutes({ people, throttles }: Desk): AnyElysia {
  return new Elysia({ name: "oidc" })
    .get("/login/oidc/:id", async ({ request, server, params }) => {
      const provider = people.oidc.find(({ id }) => id === params.id);
      if (provider === undefined)
        throw new AppError("not_found", "There is nothing here: the ways to sign in are at /login");
      const knock = knockOf(request, server);
      if (throttles.address.take(knock.address) > 0)
        throw new AppError("rate_limit_exceeded", "Cannot sign in yet: wait a quarter of an hour");
      const next = new URL(request.url).searchParams.get("next");
      const begun = await beginSignIn(people, provider, ownPath(next ?? "/account"), knock);
      if (begun === undefined)
        throw new AppError(
          "upstream_error",
          `Cannot sign in with ${provider.name}: it does not answer`,
        );
      return seeOther(begun.url, begun.cookies);
    })
    .get("/login/api/callback/:id", async ({ request, server }) => {
      const { status, headers } = await comeBack(people, request, knockOf(request, server));
      const location = headers.get("location");
      if (status >= 400 || location === null) return seeOther("/login?unknown=1&error=no_answer");
      return seeOther(errorOf(location) ?? location, headers.getSetCookie());
    });
}

/** Where the library would lead to its own page of errors, which is not here, the door, which says what it was. */
function errorOf(location: string): string | undefined {
  const { pathname, searchParams } = new URL(location, "http://localhost");
  if (pathname !== "/login/api/error") return undefined;
  return `/login?${new URLSearchParams({ unknown: "1", error: searchParams.get("error") ?? "" })}`;
}
