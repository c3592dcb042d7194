import { existsSync } from "node:fs";
import { setSetting } from "#src/account/settings.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson } from "#src/cli/output.ts";
import { configOf } from "#src/cli/configuration.ts";
import { createDataDir, withKeptStore, withStore } from "#src/cli/runtime.ts";
import { forgetLength, headsFile, headsText } from "#src/ledger/heads.ts";
import { systemClock } from "#src/lib/clock.ts";
import { backup, lastBackup, removeEmptyLog, restore } from "#src/store/backup.ts";

/** The `backup` command: a consistent copy, while serving. */
export async function backupCommand(
  file: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withKeptStore(options, async (store) => {
    await backup(store, file);
    await setSetting(store, lastBackup, String(systemClock.now()));
    if (options.json) printJson(output, { data: { file } });
    else output.out(`Copied to ${file}; its pages and indexes are whole\n`);
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
  const target = config.database.url.slice("file:".length);
  if (existsSync(target)) {
    throw new CommandError(
      `Cannot restore over ${target}: it exists\nStop the gateway and move it away, with its -wal and -shm files, or give another --data-dir`,
    );
  }
  createDataDir(config);
  await restore(file, target);
  if (headsText(headsFile(config.dataDir)) === "")
    // The log stayed where the copy was made: what is missing here was not taken away.
    await withStore(options, async (store) => {
      await store.write([forgetLength]);
    });
  removeEmptyLog(target);
  if (options.json) printJson(output, { data: { database: target, file } });
  else output.out(`Restored ${target} from ${file}\nRun "lowrouter audit verify" to check it\n`);
}
