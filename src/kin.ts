import { createThrottles, type Throttles } from "#src/account/people/throttles.ts";
import type { App } from "#src/gateway/context.ts";
import type { Sticky } from "#src/gateway/routing/sticky.ts";
import type { Job } from "#src/gateway/settle.ts";
import type { SpoolTrouble } from "#src/ledger/spool-check.ts";
import type { Watch } from "#src/ledger/watch.ts";
import { Bag } from "#src/lib/bag.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Counted } from "#src/observe/telemetry.ts";
import type { Health } from "#src/provider/health.ts";
import type { InFlight } from "#src/provider/in-flight.ts";
import type { LiveGrid } from "#src/provider/live-grid.ts";
import type { LiveReading } from "#src/provider/live-grid-sources.ts";

/** What gateways of one process have in common, of which one takes the place of another. */
export interface Kin {
  /** Ids of those that are not closed yet. */
  living: Set<string>;
  /** The requests of all of them that are not settled yet. */
  open: Bag<Job>;
  /** Told of each row that one of them keeps. */
  listeners: Watch["listeners"];
  /** What went wrong between all of them and a database elsewhere. */
  trouble: SpoolTrouble;
  /** What was tried at the door of any of them. */
  throttles: Throttles;
}

/** Nobody is there yet. */
export function createKin(clock: Clock): Kin {
  return {
    living: new Set(),
    open: new Bag(),
    listeners: new Set(),
    trouble: { refused: 0, faults: 0 },
    throttles: createThrottles(clock),
  };
}

/** What a gateway goes on with of the one whose place it takes. Holds nothing of that one itself, which is to be forgotten. */
export interface Legacy {
  kin: Kin;
  counted: Counted | undefined;
  /** Where conversations were served: what the one before still answers is noted there, too. */
  sticky: Sticky;
  /** Places at providers: what the one before has under way takes some of them. */
  inFlight: InFlight;
  /** What is known of the health of what can be asked. */
  slots: Health["slots"];
  /** What was told of grids, and by whom; absent where nobody was asked. */
  grids: { source: LiveGrid["source"]; readings: LiveReading[] } | undefined;
}

/** Of a gateway, for the one that takes its place. */
export function legacyOf(
  app: Pick<App, "telemetry" | "liveGrid" | "sticky" | "inFlight" | "health">,
  kin: Kin,
): Legacy {
  const { liveGrid, telemetry, sticky, inFlight, health } = app;
  const grids = liveGrid && {
    source: liveGrid.source,
    readings: liveGrid.states().flatMap(({ reading }) => reading ?? []),
  };
  return { kin, counted: telemetry?.counted, sticky, inFlight, slots: health.slots, grids };
}
