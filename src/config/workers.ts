import { ConfigError } from "#src/config/error.ts";
import type { Picker } from "#src/config/pick.ts";
import type { FileConfig } from "#src/config/schema.ts";

/** Most processes of one gateway on one machine. */
export const mostWorkers = 64;

/** A number of processes that is given as text. Throws ConfigError for any but 1 to 64. */
export function parseWorkers(text: string): number {
  const workers = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (workers >= 1 && workers <= mostWorkers) return workers;
  throw new ConfigError(
    `Cannot use "${text}" for workers: a whole number from 1 to ${mostWorkers} is needed`,
  );
}

/** How many processes serve, from 1 to 64. Throws ConfigError, also where a provider has fewer places than there are workers. */
export function workersOf(
  { pick }: Pick<Picker, "pick">,
  file: Pick<FileConfig, "workers" | "providers">,
  flag: string | undefined,
): number {
  const workers = parseWorkers(pick("workers", "LOWROUTER_WORKERS", file.workers, "1", flag));
  for (const [id, { max_in_flight: places, enabled }] of Object.entries(file.providers ?? {}))
    // A worker without a place would refuse whatever comes its way.
    if (places !== undefined && places < workers && enabled !== false)
      throw new ConfigError(
        `Cannot share providers.${id}.max_in_flight = ${places} among ${workers} workers: each needs a place, so set ${workers} or more, or as few workers`,
      );
  return workers;
}
