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

/** Of those that are not needed, or that an automatic choice passes over, so many are named: the ledger keeps each trace for years. */
export const namedAtMost = 8;

/** Says with the last entry of a trace how many more of its kind there are that are not named. */
export function tellMore(trace: readonly TraceEntry[], more: number): void {
  const last = trace.at(-1);
  if (more > 0 && last !== undefined) last.and_more = more;
}

/**
 * A trace whose last entries are of a route and others: where carbon decided between grids whose figures count unlike
 * things, each says what its own counts. By these figures they were put in order all the same.
 */
export function withGrids(
  trace: TraceEntry[],
  reason: string,
  route: Route,
  others: readonly Route[],
): TraceEntry[] {
  if (!reason.includes("lowest_carbon")) return trace;
  if (others.every(({ gridCounts }) => isAlike(gridCounts, route.gridCounts))) return trace;
  const from = trace.length - others.length - 1;
  for (const [at, { gridCounts }] of [route, ...others].entries()) {
    const entry = trace[from + at];
    if (entry !== undefined && gridCounts !== undefined) entry.grid = { ...gridCounts };
  }
  return trace;
}

function isAlike(one: Route["gridCounts"], other: Route["gridCounts"]): boolean {
  return one?.basis === other?.basis && one?.scope === other?.scope;
}
