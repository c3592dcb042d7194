import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { configOf } from "#src/cli/configuration.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import type { Config } from "#src/config/load.ts";
import { CommandError } from "#src/cli/output.ts";
import { findAccount, listAccounts } from "#src/account/accounts.ts";
import type { Account } from "#src/account/account.ts";
import { systemClock } from "#src/lib/clock.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";

/** Creates the directory of the state, for its owner only. */
export function createDataDir({ dataDir }: Config): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new CommandError(
      `Cannot create the data directory ${dataDir}${reason}\nGive one that can be written with --data-dir or LOWROUTER_DATA_DIR`,
    );
  }
}

/** The database of a configuration, created and migrated. */
export async function storeOf(config: Config): Promise<Store> {
  if (config.database.url.startsWith("file:")) createDataDir(config);
  const store = await openStore({
    url: config.database.url,
    authToken: config.database.token,
    synchronous: config.database.synchronous,
  });
  await migrate(store, systemClock);
  if (store.path !== undefined) makePrivate(store.path);
  return store;
}

/** Leaves alone what is private already, as on a disk that can only be read. */
function makePrivate(path: string): void {
  if ((statSync(path).mode & 0o177) !== 0) chmodSync(path, 0o600);
}

/** Runs a command with the database open, and closes it whatever happens. */
export async function withStore<T>(
  options: CommonOptions,
  work: (store: Store, config: Config) => Promise<T>,
): Promise<T> {
  const config = configOf(options);
  const store = await storeOf(config);
  try {
    return await work(store, config);
  } finally {
    store.close();
  }
}

/**
 * The same for commands whose answer would mislead about a directory that was mistyped: nothing is created, and a
 * database that is not there is refused.
 */
export async function withKeptStore<T>(
  options: CommonOptions,
  work: (store: Store, config: Config) => Promise<T>,
): Promise<T> {
  const { url } = configOf(options).database;
  const path = url.startsWith("file:") ? url.slice("file:".length) : undefined;
  if (path !== undefined && !existsSync(path))
    throw new CommandError(
      `Cannot find a database at ${path}\nGive the directory where a gateway keeps its state with --data-dir`,
    );
  return withStore(options, work);
}

/** An account by id, or by a name that only it has. Throws when there is none. */
export async function accountBy(store: Store, text: string): Promise<Account> {
  const exact = await findAccount(store, text);
  if (exact) return exact;
  const [found, other] = (await listAccounts(store)).filter((account) => account.name === text);
  if (found && !other) return found;
  if (other) {
    throw new CommandError(
      `Cannot tell which account "${text}" is meant: several have this name\nGive the id; "lowrouter account list" shows it`,
    );
  }
  throw new CommandError(
    `Cannot find the account "${text}"\nRun "lowrouter account list" to see them, or "lowrouter account create --name ${text}"`,
  );
}
