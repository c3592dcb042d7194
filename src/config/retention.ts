import type { Picker } from "#src/config/pick.ts";
import type { FileConfig } from "#src/config/schema.ts";

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
  return {
    usageDays: number("retention.usage_days", "USAGE_RETENTION_DAYS", file?.usage_days, 396),
  };
}
