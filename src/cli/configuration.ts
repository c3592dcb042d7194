import type { CommonOptions } from "#src/cli/program.ts";
import { type Config, loadConfig } from "#src/config/load.ts";

/** Configuration from a command's options and the environment. Throws ConfigError. */
export function configOf(options: CommonOptions & { listen?: string }): Config {
  return loadConfig(
    { config: options.config, dataDir: options.dataDir, listen: options.listen },
    process.env,
  );
}
