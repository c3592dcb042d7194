import type { Config } from "#src/config/load.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Log } from "#src/observe/log.ts";
import { createLiveGrid, type LiveGrid } from "#src/provider/live-grid.ts";
import { liveSource } from "#src/provider/live-grid-sources.ts";

/** The live grid of a configuration, looking from now on; undefined where none is wanted. */
export function openLiveGrid(options: {
  config: Config;
  tables: EcoTables;
  routes: RouteTable;
  clock: Clock;
  log: Log;
}): LiveGrid | undefined {
  const { config, tables, routes, clock, log } = options;
  const { liveGrid, liveGridUrl, liveGridToken } = config.eco;
  if (liveGrid === "") return undefined;
  const countries = new Map([...tables.countries].map(([country, zone]) => [zone, country]));
  const zones = routes.models.flatMap((model) =>
    routes.of(model).flatMap(({ zone }) => zone ?? []),
  );
  const live = createLiveGrid({
    source: liveSource(liveGrid, liveGridToken),
    baseUrl: liveGridUrl,
    zones: new Map(zones.map((zone) => [zone, countries.get(zone)])),
    clock,
    onTurn: ({ zone, source, why }) =>
      why === undefined
        ? log.write("info", "live_grid_back", { zone, source })
        : log.write("warn", "live_grid_failed", { zone, source, why }),
  });
  live.start();
  return live;
}
