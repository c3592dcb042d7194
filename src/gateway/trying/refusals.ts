import type { App } from "#src/gateway/context.ts";
import { secondsUntil } from "#src/gateway/routing/explain-none.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** The 503 for routes that were shut when their turn came, saying why. */
export function allShut(routes: readonly Route[], app: App): AppError {
  const standings = routes.map((route) => app.health.standing(route));
  const why = standings.map(
    ({ provider, region, reason }) => `${provider} in ${region} is ${reason ?? "unavailable"}`,
  );
  return new AppError(
    "service_unavailable",
    why.length === 0 ? "No route was left to try" : `Cannot reach any route: ${why.join("; ")}`,
    { retryAfterSeconds: secondsUntil(standings) },
  );
}

/** The 503 for a provider that had no place free in time. */
export function allFull({ deployment: { provider } }: Route, app: App): AppError {
  const { limit } = app.inFlight.crowd(provider.id);
  return new AppError(
    "service_unavailable",
    `Cannot send more to ${provider.id} now: all of its ${limit} places${app.config.workers > 1 ? " in this worker" : ""} are taken (providers.${provider.id}.max_in_flight)`,
    { retryAfterSeconds: 1, metadata: { provider: provider.id, max_in_flight: limit } },
  );
}
