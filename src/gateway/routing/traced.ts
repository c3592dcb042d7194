import { basisOf } from "#src/gateway/routing/pins.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import type { Route } from "#src/provider/deployment.ts";

/** What became of a route, for the generation's trace. */
export function traced(route: Route, decision: TraceEntry["decision"], reason: string): TraceEntry {
  const { key } = route.deployment;
  // A place is weighed as a whole: which credential it will be is not known yet.
  const told = route.keys === undefined ? key : undefined;
  return {
    provider: route.deployment.provider.id,
    region: route.deployment.region,
    model: route.model.id,
    decision,
    reason,
    basis: basisOf(route),
    ...(told === undefined ? {} : { credential: told.id }),
    ...(told?.accountId === undefined ? {} : { is_byok: true as const }),
  };
}
