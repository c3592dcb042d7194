import { type AnyElysia, Elysia } from "elysia";
import { ownRoutes } from "#src/web/people/account-routes.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { doorRoutes } from "#src/web/people/door-routes.tsx";
import { forgotRoutes } from "#src/web/people/forgot-routes.tsx";
import { oidcRoutes } from "#src/web/people/oidc-routes.tsx";
import { passkeyRoutes } from "#src/web/people/passkey-routes.ts";

/** Sign-in, registration and the page about oneself. */
export function peopleRoutes(desk: Desk): AnyElysia {
  return new Elysia({ name: "people" })
    .use(doorRoutes(desk))
    .use(forgotRoutes(desk))
    .use(ownRoutes(desk))
    .use(passkeyRoutes(desk))
    .use(oidcRoutes(desk));
}
