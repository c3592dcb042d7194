import { ConfigError } from "#src/config/error.ts";
import type { Picker } from "#src/config/pick.ts";

/** Most processes of one gateway on one machine. */
export const mostWorkers = 64;

/** How many processes serve, from 1 to 64. Throws ConfigError. */
export function workersOf(
  { pick }: Pick<Picker, "pick">,
  fromFile: number | undefined,
  flag: string | undefined,
): number {
  const text = pick("workers", "LOWROUTER_WORKERS", fromFile, "1", flag);
  const workers = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (workers >= 1 && workers <= mostWorkers) return workers;
  throw new ConfigError(
    `Cannot use "${text}" for workers: a whole number from 1 to ${mostWorkers} is needed`,
  );
}
