import { outputTokens, type Usage } from "#src/dialect/usage.ts";
import type { App } from "#src/gateway/context.ts";
import type { Fault } from "#src/gateway/fault.ts";
import type { Route } from "#src/provider/deployment.ts";

type Told = Pick<Fault, "status" | "upstreamFailed" | "refused" | "coolSeconds">;

/** What a fault says of the health of its route. A client's own error says that it works. */
export function learn(route: Route, { status, upstreamFailed, ...fault }: Told, app: App): void {
  if (fault.coolSeconds !== undefined) app.health.cool(route, fault.coolSeconds * 1000);
  else if (upstreamFailed) app.health.failed(route, fault.refused);
  else if (status !== undefined) app.health.answered(route);
}

/** How fast a stream's tokens came, which began then and ends now. Our own count of them would say nothing. */
export function learnSpeed(
  route: Route,
  usage: Usage | undefined,
  firstByteAt: number,
  app: App,
): void {
  if (usage === undefined || usage.estimated) return;
  app.health.streamed(route, outputTokens(usage), app.clock.monotonic() - firstByteAt);
}
