import { createCatalogue } from "#src/catalogue.ts";
import { configOf } from "#src/cli/configuration.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { ConfigError } from "#src/config/error.ts";
import type { Config } from "#src/config/load.ts";
import type { Check } from "#src/lib/check.ts";
import { systemClock } from "#src/lib/clock.ts";

/** The configuration as far as it can be used, and what is wrong with it. */
export interface CheckedConfiguration {
  check: Check;
  /** Absent where it cannot be read: then nobody knows where anything is. */
  config: Config | undefined;
}

/** Reads the configuration, and holds the names in it against the bundled tables. */
export function checkConfiguration(options: CommonOptions): CheckedConfiguration {
  let config: Config;
  try {
    config = configOf(options);
  } catch (thrown) {
    const rest = "data directory, disk, address, database, keys and providers";
    return { check: wrong(thrown, rest), config: undefined };
  }
  try {
    createCatalogue(config, systemClock);
  } catch (thrown) {
    return { check: wrong(thrown, "providers"), config };
  }
  const found = `valid; data in ${config.dataDir}`;
  return { check: { name: "configuration", ok: true, found }, config };
}

/** Throws what is no fault of the configuration. */
function wrong(thrown: unknown, rest: string): Check {
  if (!(thrown instanceof ConfigError)) throw thrown;
  return {
    name: "configuration",
    ok: false,
    found: thrown.message,
    fix: `correct it, then run this again: ${rest} were not looked at`,
  };
}
