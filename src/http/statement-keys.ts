import { Elysia } from "elysia";
import { publicKeys } from "#src/account/signing-key.ts";
import type { App } from "#src/gateway/context.ts";
import { json, respond, writeJsonError } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { keysPath, publishKeys } from "#src/statement/keys.ts";

/** The public keys that statements are verified with, for anyone. */
export function statementKeyRoutes(app: App, { store }: Pick<Services, "store">) {
  const keys = (request: Request) =>
    respond(request, app, writeJsonError, async () =>
      json(publishKeys(await publicKeys(store)), { headers: { "cache-control": "no-cache" } }),
    );
  return new Elysia({ name: "statement keys" }).get(keysPath, ({ request }) => keys(request));
}
