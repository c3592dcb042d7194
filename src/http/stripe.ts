import { type AnyElysia, Elysia } from "elysia";
import { json, readBody, respond, writeJsonError } from "#src/http/respond.ts";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";

/** Longest event. Those of Stripe are some kilobytes. */
const mostBytes = 1_048_576;

/** Where Stripe tells what was paid. Nothing is here where no key of it is set. */
export function stripeRoutes(app: App, { payments }: Services): AnyElysia {
  const routes = new Elysia({ name: "stripe" });
  if (payments === undefined) return routes;
  return routes.post(
    "/stripe/webhook",
    ({ request }) =>
      respond(request, app, writeJsonError, async () => {
        const body = await readBody(request, mostBytes);
        await payments.told(body, request.headers.get("stripe-signature"));
        return json({ received: true });
      }),
    { parse: "none" },
  );
}
