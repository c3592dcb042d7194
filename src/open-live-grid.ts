import * as v from "valibot";
import type { Config } from "#src/config/load.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Legacy } from "#src/kin.ts";
import type { Log } from "#src/observe/log.ts";
import { createLiveGrid, type LiveGrid } from "#src/provider/live-grid.ts";
import { liveSource } from "#src/provider/live-grid-sources.ts";
import type { Siblings } from "#src/workers/siblings.ts";

/** The live grid of a configuration, looking from now on; undefined where none is wanted. */
export function openLiveGrid(options: {
  config: Config;
  tables: EcoTables;
  /** As they are now: credentials that are added may bring places. */
  routes(): RouteTable;
  clock: Clock;
  log: Log;
  /** The other workers: the first of them asks the source for all. */
  siblings: Siblings | undefined;
  /** What was told before, and by whom. */
  told?: Legacy["grids"];
}): LiveGrid | undefined {
  const { config, tables, clock, log, siblings, told } = options;
  const { liveGrid, liveGridUrl, liveGridToken } = config.eco;
  if (liveGrid === "") return undefined;
  const countries = new Map([...tables.countries].map(([country, zone]) => [zone, country]));
  let routes = options.routes();
  const zones = () =>
    new Map(
      routes.models
        .flatMap((model) => routes.of(model).flatMap(({ zone }) => zone ?? []))
        .map((zone) => [zone, countries.get(zone)]),
    );
  const live = createLiveGrid({
    source: liveSource(liveGrid, liveGridToken),
    baseUrl: liveGridUrl,
    zones: zones(),
    clock,
    onReading: (reading) => siblings?.tell(topicOf(reading.zone), JSON.stringify(reading)),
    onTurn: ({ zone, source, why }) =>
      why === undefined
        ? log.write("info", "live_grid_back", { zone, source })
        : log.write("warn", "live_grid_failed", { zone, source, why }),
  });
  const hear = (zone: string): void =>
    siblings?.hear(topicOf(zone), (told) => live.take(v.parse(readingSchema, JSON.parse(told))));
  for (const { zone } of live.states()) hear(zone);
  if (told?.source === live.source) for (const reading of told.readings) live.take(reading);
  if (siblings === undefined || siblings.worker === 1) live.start();
  const follow = (): void => {
    const now = options.routes();
    if (now === routes) return;
    routes = now;
    for (const zone of live.follow(zones())) hear(zone);
  };
  const following = setInterval(follow, followMs);
  following.unref();
  return {
    ...live,
    refresh() {
      follow();
      return live.refresh();
    },
    close() {
      clearInterval(following);
      return live.close();
    },
  };
}

/** How often it looks whether there are other places. */
const followMs = 30_000;

/** What workers tell each other of a zone. */
function topicOf(zone: string): string {
  return `live_grid ${zone}`;
}

const readingSchema = v.strictObject({
  zone: v.string(),
  gPerKwh: v.number(),
  at: v.number(),
  basis: v.picklist(["lifecycle", "direct"]),
  scope: v.picklist(["production", "consumption"]),
  estimated: v.boolean(),
});
