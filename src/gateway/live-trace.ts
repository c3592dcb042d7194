import type { TraceEntry } from "#src/ledger/generation.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import type { LiveGrid } from "#src/provider/live-grid.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A trace that says of the route that answered what its grid was like then, beside the annual average. */
export function withLive(
  trace: TraceEntry[],
  route: Route | undefined,
  live: LiveGrid | undefined,
): TraceEntry[] {
  const state = live?.stateOf(route?.zone);
  if (state === undefined) return trace;
  const { reading, source, zone } = state;
  const told: NonNullable<TraceEntry["live_grid"]> = {
    source,
    zone,
    state: state.state,
    ...(reading === undefined || state.state !== "live"
      ? {}
      : {
          g_per_kwh: reading.gPerKwh,
          at: rfc3339(reading.at),
          basis: reading.basis,
          scope: reading.scope,
          ...(reading.estimated ? { estimated: true as const } : {}),
        }),
  };
  return trace.map((entry) =>
    entry.decision === "selected" ? { ...entry, live_grid: told } : entry,
  );
}
