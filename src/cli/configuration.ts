import type { CommonOptions } from "#src/cli/program.ts";
import { type Config, loadConfig } from "#src/config/load.ts";

/** Configuration from a command's options and the environment. Throws ConfigError. */
export function configOf(
  options: CommonOptions & { listen?: string; workers?: string; fileText?: string | undefined },
): Config {
  return loadConfig(
    {
      config: options.config,
      dataDir: options.dataDir,
      listen: options.listen,
      workers: options.workers,
      fileText: options.fileText,
    },
    process.env,
  );
}
