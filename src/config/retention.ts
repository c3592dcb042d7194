import { ConfigError } from "#src/config/error.ts";
import type { Picker } from "#src/config/pick.ts";
import { type FileConfig, leastUsageDays } from "#src/config/schema.ts";

/** For how long things are kept. */
export interface RetentionConfig {
  /** Whole days for which each request is kept by itself; 0: for ever. */
  usageDays: number;
}

/** Reads it. Throws ConfigError for a number of days in which a month does not fit. */
export function retentionOf(
  file: FileConfig["retention"],
  { number }: Pick<Picker, "number">,
): RetentionConfig {
  const [path, variable] = ["retention.usage_days", "USAGE_RETENTION_DAYS"] as const;
  const usageDays = number(path, variable, file?.usage_days, 396);
  if (Number.isInteger(usageDays) && (usageDays === 0 || usageDays >= leastUsageDays))
    return { usageDays };
  throw new ConfigError(
    `Cannot use ${variable}="${usageDays}" for ${path}: give whole days, at least ${leastUsageDays} since the statement of a month needs all of it, or 0 to keep all`,
  );
}
