import { CommandError } from "#src/cli/output.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { ConfigError } from "#src/config/error.ts";
import { parseListen } from "#src/config/file.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { parseWorkers } from "#src/config/workers.ts";

/** Configuration from a command's options and the environment. Throws ConfigError, and what refuseFlags() throws. */
export function configOf(
  options: CommonOptions & { listen?: string; workers?: string; fileText?: string | undefined },
): Config {
  refuseFlags(options);
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

/** Throws CommandError, 2, for values of flags that would be wrong in any configuration: usage, and no fault of a file. */
export function refuseFlags({ listen, workers }: { listen?: string; workers?: string }): void {
  try {
    if (listen !== undefined) parseListen(listen);
    if (workers !== undefined) parseWorkers(workers);
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw new CommandError(thrown.message, 2);
    throw thrown;
  }
}
