import { type Catalogue, createCatalogue } from "#src/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { configOf } from "#src/cli/runtime.ts";
import type { Config } from "#src/config/load.ts";
import type { CatalogView } from "#src/http/describe.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createHealth } from "#src/provider/health.ts";

/** The catalogue as a gateway with the same configuration would see it. Health is that of a fresh start. */
export interface Shown extends Catalogue {
  config: Config;
  view: CatalogView;
}

/** Runs a command on what is routable, without opening the database. */
export async function withCatalogue<T>(
  options: CommonOptions,
  work: (shown: Shown) => Promise<T> | T,
): Promise<T> {
  const config = configOf(options);
  const catalogue = createCatalogue(config, systemClock);
  const view = { routes: catalogue.routes, health: createHealth(systemClock), clock: systemClock };
  return work({ ...catalogue, config, view });
}

/** Grams or watt-hours for a table: three significant digits, an em dash where unknown. */
export function figure(value: number | null | undefined): string {
  return value === null || value === undefined ? "—" : String(Number(value.toPrecision(3)));
}
