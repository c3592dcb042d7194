import { mkdirSync } from "node:fs";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output } from "#src/cli/output.ts";
import { configOf, withStore } from "#src/cli/runtime.ts";
import { backup, restore } from "#src/store/backup.ts";

/** The `backup` command: a consistent copy, while serving. */
export async function backupCommand(
  file: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    await backup(store, file);
    output.out(`Copied to ${file}; its pages and indexes are whole\n`);
  });
}

/** The `restore` command. */
export async function restoreCommand(
  file: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  const config = configOf(options);
  if (!config.database.url.startsWith("file:"))
    throw new CommandError("Cannot restore into a remote database: use the tools of its server");
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const target = config.database.url.slice("file:".length);
  await restore(file, target);
  output.out(`Restored ${target} from ${file}\nRun "lowrouter audit verify" to check it\n`);
}
