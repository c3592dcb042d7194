import { timingSafeEqual } from "node:crypto";
import { type AnyElysia, Elysia } from "elysia";
import type { App } from "#src/gateway/context.ts";
import type { Peers } from "#src/http/peer.ts";
import { respond, writeJsonError } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { AppError } from "#src/lib/error.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { prometheusText, prometheusType } from "#src/observe/prometheus.ts";
import { joinExpositions } from "#src/workers/exposition.ts";

/** What a request holds that a proxy passed on: then its peer says nothing of where it is from. */
const passedOn = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
const loopback = /^(127\.|::1$|::ffff:127\.)/;

/** The counters for Prometheus at `/metrics`; as if there were nothing where they are off. */
export function metricsRoutes(app: App, { siblings }: Pick<Services, "siblings">): AnyElysia {
  const metricsText = () => textOf(app);
  siblings?.answer("metrics", metricsText);
  return new Elysia({ name: "metrics" }).get("/metrics", ({ request, server }) =>
    respond(
      request,
      app,
      writeJsonError,
      async () => {
        if (!app.config.metrics.enabled || app.telemetry === undefined)
          throw new AppError("not_found", "There is nothing at /metrics");
        requireReader(request, server, app.config.metrics.token);
        const all = await siblings?.ask("metrics");
        return new Response(all === undefined ? metricsText() : joinExpositions(all), {
          headers: {
            "content-type": prometheusType,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
          },
        });
      },
      "held",
    ),
  );
}

/** What this process counted and sees; empty where it does not. */
function textOf({ telemetry }: App): string {
  const sights = telemetry?.look();
  return telemetry === undefined || sights === undefined
    ? ""
    : prometheusText(telemetry.meter, sights);
}

/** Throws unless the token is there, or, where none is set, the request is from this machine. */
function requireReader(request: Request, server: Peers | null, token: string | undefined): void {
  if (token === undefined) {
    const peer = server?.requestIP(request)?.address ?? "";
    if (loopback.test(peer) && !passedOn.some((name) => request.headers.has(name))) return;
    throw new AppError(
      "missing_api_key",
      "Cannot show metrics beyond this machine: set LOWROUTER_METRICS_TOKEN and send it as a bearer token",
    );
  }
  const given = /^bearer +(\S+)$/i.exec(request.headers.get("authorization")?.trim() ?? "")?.[1];
  if (given !== undefined && isSame(given, token)) return;
  throw new AppError(
    given === undefined ? "missing_api_key" : "invalid_api_key",
    "Cannot show metrics without the token: send LOWROUTER_METRICS_TOKEN as a bearer token",
  );
}

/** Takes as long whatever they have in common. */
function isSame(given: string, token: string): boolean {
  return timingSafeEqual(Buffer.from(sha256Hex(given)), Buffer.from(sha256Hex(token)));
}
