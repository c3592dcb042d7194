import { chmodSync, closeSync, existsSync, openSync, rmSync } from "node:fs";
import { StoreError } from "#src/store/error.ts";
import { openFile } from "#src/store/file.ts";
import { textOf, type Store } from "#src/store/store.ts";

/** Name of the setting that says when the last copy was made, Unix milliseconds. */
export const lastBackup = "last_backup";

/** Copies the database, as of one moment and while it is in use, to a new file that only its owner reads. */
export async function backup(store: Store, target: string): Promise<void> {
  if (store.path === undefined) {
    throw new StoreError("refused", "Cannot copy a remote database: use the backup of its server");
  }
  await copyInto(store, target);
}

/** Makes a database of a backup. Never overwrites: the old file has to be moved away first. */
export async function restore(source: string, target: string): Promise<void> {
  if (!existsSync(source))
    throw new StoreError("refused", `Cannot restore from ${source}: no such file`);
  if (existsSync(`${target}-wal`)) refuseExisting(`${target}-wal`);
  if (existsSync(target)) refuseExisting(target);
  const copy = await openFile({ url: `file:${source}` });
  try {
    await copyInto(copy, target);
  } finally {
    copy.close();
  }
}

/** Throws unless every page and index of the database is whole. */
export async function checkIntegrity(store: Store): Promise<void> {
  const rows = await store.read("PRAGMA integrity_check", []);
  const found = rows.map((row) => textOf(row, "integrity_check") ?? "").join("; ");
  if (found !== "ok")
    throw new StoreError("other", `Cannot trust ${store.path ?? "the database"}: ${found}`);
}

async function copyInto(store: Store, target: string): Promise<void> {
  createNew(target);
  try {
    await store.client.execute({ sql: "VACUUM INTO ?", args: [target] });
    chmodSync(target, 0o600);
    const copy = await openFile({ url: `file:${target}` });
    try {
      await checkIntegrity(copy);
    } finally {
      copy.close();
    }
  } catch (error) {
    rmSync(target, { force: true });
    throw error;
  }
}

/** An empty private file, which VACUUM INTO accepts, so that the copy is at no moment readable by others. */
function createNew(target: string): void {
  try {
    closeSync(openSync(target, "wx", 0o600));
  } catch (error) {
    if (existsSync(target)) refuseExisting(target);
    throw new StoreError(
      "refused",
      `Cannot write ${target}: name a file in a directory that exists and can be written`,
      error,
    );
  }
}

function refuseExisting(path: string): never {
  throw new StoreError(
    "refused",
    `Cannot write ${path}: it exists. Move it away or name another file`,
  );
}
