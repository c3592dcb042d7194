import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { giveToOwnerOfFolder } from "#src/lib/owner.ts";
import { StoreError, toStoreError } from "#src/store/error.ts";
import { openFile } from "#src/store/file.ts";
import { nameOfPart, removeParts } from "#src/store/parts.ts";
import { textOf, type Store } from "#src/store/store.ts";

/** Name of the setting that says when the last copy was made, Unix milliseconds. */
export const lastBackup = "last_backup";

/**
 * Copies the database, as of one moment and while it is in use, to a new file that only its owner reads. False, and no file,
 * where the copy is not what `isWanted` wants.
 */
export async function backup(
  store: Store,
  target: string,
  isWanted?: (copy: Store) => Promise<boolean>,
): Promise<boolean> {
  if (store.path === undefined) {
    throw new StoreError("refused", "Cannot copy a remote database: use the backup of its server");
  }
  return copyInto(store, target, isWanted);
}

/** Makes a database of a backup. Never overwrites: the old file has to be moved away first. */
export async function restore(source: string, target: string): Promise<void> {
  if (!existsSync(source))
    throw new StoreError("refused", `Cannot restore from ${source}: no such file`);
  if (existsSync(`${target}-wal`)) refuseExisting(`${target}-wal`);
  if (existsSync(target)) refuseExisting(target);
  const wasAlone = !beside.some((ending) => existsSync(source + ending));
  const copy = await openCopy(source);
  try {
    await copyInto(copy, target);
    giveToOwnerOfFolder(target);
  } finally {
    copy.close();
    // Reading a copy makes these too. They are ours where none was there, and nothing is in them.
    if (wasAlone && isEmpty(`${source}-wal`))
      for (const ending of beside) rmSync(source + ending, { force: true });
  }
}

/** Removes the empty log of a database that was closed, unless somebody has it open: the next restore would be refused. */
export function removeEmptyLog(path: string): void {
  if (isEmpty(`${path}-wal`) && !existsSync(`${path}-shm`)) rmSync(`${path}-wal`, { force: true });
}

function isEmpty(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** Throws unless every page and index of the database is whole. */
export async function checkIntegrity(store: Store): Promise<void> {
  const rows = await store.read("PRAGMA integrity_check", []);
  const found = rows.map((row) => textOf(row, "integrity_check") ?? "").join("; ");
  if (found !== "ok")
    throw new StoreError("other", `Cannot trust ${store.path ?? "the database"}: ${found}`);
}

/** Ends of the names of files that belong to a database while it is open. */
const beside = ["-wal", "-shm"];
const companions = ["", ...beside, "-journal"];

/** A copy has its name only once it is whole: what was cut off, by a kill or a power cut, is never taken for one. */
async function copyInto(
  store: Store,
  target: string,
  isWanted?: (copy: Store) => Promise<boolean>,
): Promise<boolean> {
  if (existsSync(target)) refuseExisting(target);
  const part = nameOfPart(target);
  createNew(part, target);
  try {
    await store.client.execute({ sql: "VACUUM INTO ?", args: [part] });
    chmodSync(part, 0o600);
    const copy = await openFile({ url: `file:${part}`, synchronous: "full" });
    try {
      await checkIntegrity(copy);
      if (isWanted !== undefined && !(await isWanted(copy))) return false;
    } finally {
      copy.close();
    }
    syncFile(part);
    giveName(part, target);
    return true;
  } catch (error) {
    throw whyNot(target, error);
  } finally {
    for (const ending of companions) rmSync(part + ending, { force: true });
  }
}

/** Not by a rename, where that can be helped: it would write over what came there in the meantime. */
function giveName(part: string, target: string): void {
  try {
    linkSync(part, target);
  } catch (error) {
    if (codeOf(error) === "EEXIST" || existsSync(target)) throw existing(target);
    // A file system without links.
    renameSync(part, target);
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  fsyncSync(file);
  closeSync(file);
}

function whyNot(target: string, error: unknown): unknown {
  const cause = toStoreError(error);
  if (cause.fault !== "unavailable") return error;
  return new StoreError(
    "refused",
    `Cannot write ${target}: ${cause.message}. Name a file on a disk that has room and can be written`,
    error,
  );
}

/** An empty private file, which VACUUM INTO accepts, so that the copy is at no moment readable by others. */
function createNew(part: string, target: string): void {
  try {
    removeParts(dirname(target));
    closeSync(openSync(part, "wx", 0o600));
  } catch (error) {
    throw new StoreError(
      "refused",
      `Cannot write ${target}: name a file in a directory that exists and can be written`,
      error,
    );
  }
}

function refuseExisting(path: string): never {
  throw existing(path);
}

function existing(path: string): StoreError {
  return new StoreError(
    "refused",
    `Cannot write ${path}: it exists. Move it away or name another file`,
  );
}

/** Throws StoreError about the copy, not about the database here, where it is none. */
async function openCopy(source: string) {
  try {
    return await openFile({ url: `file:${source}` });
  } catch (cause) {
    throw new StoreError("refused", `Cannot restore from ${source}: it is no database`, cause);
  }
}
