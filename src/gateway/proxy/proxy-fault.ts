import { AttemptFailed } from "#src/gateway/trying/attempt.ts";
import type { App } from "#src/gateway/context.ts";
import { thrownFault } from "#src/gateway/fault.ts";
import { learn } from "#src/gateway/trying/learn.ts";
import type { Answered } from "#src/gateway/proxy/proxy-relay.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

type Attempted = Pick<Answered, "request" | "way" | "ask" | "admission">;

/** What broke the exchange with a provider before anything was sent to the client. */
export function attemptFailed(
  thrown: unknown,
  { request, way: { route, isListed }, ask, admission }: Attempted,
  app: App,
): AttemptFailed {
  const fault = thrownFault(thrown, route);
  const { error, reason } = fault;
  const hasLeft = request.signal.aborted;
  // Only inference says something of the health that routing asks for.
  if (isListed && !hasLeft) learn(route, fault, app);
  const isUntold = hasLeft || (!fault.upstreamFailed && fault.status === undefined);
  if (admission === "probe" && isUntold) app.health.leave(route);
  const { provider, region } = route.deployment;
  const entry = {
    provider: provider.id,
    region,
    model: route.model.id,
    decision: "failed" as const,
    reason: hasLeft ? "client_left" : reason,
  };
  return new AttemptFailed(error, [entry], ask.model === undefined ? undefined : route, hasLeft);
}

/** Throws where our credential would go to the client. */
export function refuseSecret(isFound: boolean, { deployment }: Route): void {
  if (!isFound) return;
  const { provider, region } = deployment;
  throw new AppError("upstream_error", "upstream request failed", {
    metadata: { provider: provider.id, region },
    cause: new Error("The upstream's answer held our credential"),
  });
}
