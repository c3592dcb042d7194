import { VaultError } from "#src/account/vault.ts";
import { configOf } from "#src/cli/configuration.ts";
import { CommandError } from "#src/cli/output.ts";
import type { ServeOptions } from "#src/cli/serve.ts";
import { ConfigError } from "#src/config/error.ts";
import { fileText } from "#src/config/file.ts";
import type { Config } from "#src/config/load.ts";
import { canPass } from "#src/ledger/commit.ts";
import { notify, notifyReloading } from "#src/lib/sd-notify.ts";
import type { Log } from "#src/observe/log.ts";
import { StoreError } from "#src/store/error.ts";

/*
 * A configuration that is read anew while the gateway serves: by one process, or by several and the one that supervises them.
 */

/** A configuration and the text of its file, read once. */
export interface Read {
  config: Config;
  text: string | undefined;
}

/** A change while serving; resolves with what came of it, in a sentence. */
export type Change = () => Promise<string>;

/** Reads the configuration. Throws what configOf() throws. */
export function readConfig(options: ServeOptions): Read {
  const path = configOf(options).file;
  const text = path === undefined ? undefined : fileText(path);
  return { config: configOf({ ...options, fileText: text }), text };
}

/** Reads the configuration anew and puts it to use. Where that cannot be, the one before stays, and the log says why. */
export async function readAnew(
  options: ServeOptions,
  log: Log,
  use: (read: Read) => Promise<string>,
): Promise<string> {
  try {
    return await use(readConfig(options));
  } catch (thrown) {
    const why = whyOf(thrown);
    if (why === undefined)
      log.write("error", "configuration_kept", { why: "it cannot be used" }, thrown);
    else log.write("error", "configuration_kept", { why });
    return "The configuration was kept: the log says why";
  }
}

/** What was thrown, in the words in which a start would have told it; undefined for what is nobody's fault that is known. */
function whyOf(thrown: unknown): string | undefined {
  if (thrown instanceof StoreError) {
    if (canPass(thrown)) return "the database does not answer";
    return thrown.fault === "refused" ? thrown.message : undefined;
  }
  const isTold =
    thrown instanceof ConfigError || thrown instanceof CommandError || thrown instanceof VaultError;
  return isTold ? thrown.message : undefined;
}

/** Throws ConfigError for a change that takes a restart. */
export function refuseMoves(before: Config, after: Config): void {
  // Without this, a file that is gone would be one that says nothing.
  if (before.file !== undefined && after.file === undefined)
    throw new ConfigError(
      `Cannot find ${before.file} any more: put it back, or restart the gateway without it`,
    );
  refuse([
    [
      "listen",
      `${before.listen.hostname}:${before.listen.port}`,
      `${after.listen.hostname}:${after.listen.port}`,
    ],
    ["data_dir", before.dataDir, after.dataDir],
    ["database.url", before.database.url, after.database.url],
  ]);
}

/** The same where the process stays: its server and its database do. */
export function refuseMovesOfOne(before: Config, after: Config): void {
  refuseMoves(before, after);
  const { workers, database, limits } = before;
  refuse([
    ["workers", workers, after.workers],
    ["database.synchronous", database.synchronous, after.database.synchronous],
    ["LOWROUTER_DATABASE_TOKEN", database.token, after.database.token],
    // The server has it, too, and goes by the first: less is the gateway's own to refuse.
    [
      "limits.max_body_mb",
      limits.maxBodyBytes,
      Math.max(limits.maxBodyBytes, after.limits.maxBodyBytes),
    ],
  ]);
}

function refuse(moves: readonly (readonly [key: string, old: unknown, next: unknown])[]): void {
  for (const [key, old, next] of moves)
    if (old !== next)
      throw new ConfigError(`Cannot change ${key} while serving: restart the gateway`);
}

/** Tells systemd that changes go on, and when the last of them is done what came of it. */
export function createReloading(isStopping: () => boolean): (change: Change) => Promise<void> {
  let changes = 0;
  return async (change) => {
    if (changes++ === 0) notifyReloading();
    const status = await change();
    if (--changes === 0 && !isStopping()) notify(`READY=1\nSTATUS=${status}`);
  };
}

/** One at a time; those that are asked for while one waits for its turn are that one. */
export function inTurn(change: Change): Change {
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<string> | undefined;
  return () => {
    if (waiting !== undefined) return waiting;
    const next = last.then(() => {
      waiting = undefined;
      return change();
    });
    waiting = next;
    last = next.catch(() => undefined);
    return next;
  };
}
