import { type AnyElysia, Elysia } from "elysia";
import type { People } from "#src/account/people/people.ts";
import type { App } from "#src/gateway/context.ts";
import { ownRoutes } from "#src/web/people/account-routes.tsx";
import { createDesk } from "#src/web/people/desk.ts";
import { doorRoutes } from "#src/web/people/door-routes.tsx";
import { oidcRoutes } from "#src/web/people/oidc-routes.tsx";
import { passkeyRoutes } from "#src/web/people/passkey-routes.ts";

/** Sign-in, registration and the page about oneself. */
export function peopleRoutes(app: App, people: People, forgetKeys: () => void): AnyElysia {
  const desk = createDesk(app, people, forgetKeys);
  return new Elysia({ name: "people" })
    .use(doorRoutes(desk))
    .use(ownRoutes(desk))
    .use(passkeyRoutes(desk))
    .use(oidcRoutes(desk));
}
