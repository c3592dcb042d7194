import type { App, Call } from "#src/gateway/context.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** The four that end an exchange, by the names that the configuration has for them. 0 switches one off. */
export type Timer = "connect" | "first_byte" | "idle" | "total";

/** What an upstream owes when each strikes. */
const owed: Readonly<Record<Timer, string>> = {
  connect: "connection",
  first_byte: "first byte",
  idle: "further byte",
  total: "complete answer",
};

/** The 504 of one timer, naming it. */
export function timeout(timer: Timer, milliseconds: number, route: Route): AppError {
  const { provider, region } = route.deployment;
  return new AppError(
    "upstream_timeout",
    `The upstream ${provider.id} in ${region} gave no ${owed[timer]} within ${milliseconds / 1000} s (timeouts.${timer}_s)`,
    { metadata: { timer, provider: provider.id, region } },
  );
}

/** Whether it was the timer of the whole request: then there is no time for another route, and nobody is to blame. */
export function isTotal(error: AppError): boolean {
  return error.code === "upstream_timeout" && error.detail.metadata?.["timer"] === "total";
}

/** What is left of the time for the whole request, milliseconds, at least one; 0 where it has no limit. */
export function totalLeft({ startedAt }: Pick<Call, "startedAt">, app: App): number {
  const { totalMs } = app.config.timeouts;
  return totalMs === 0 ? 0 : Math.max(1, startedAt + totalMs - app.clock.monotonic());
}
