import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Generation } from "#src/ledger/generation.ts";
import { filesIn, type FoundFile } from "#src/ledger/spool-file.ts";
import { entryOf } from "#src/ledger/spool-line.ts";
import { type Store, textOf } from "#src/store/store.ts";

/*
 * What stands in the spool files of processes that are gone, or that say nothing, read by who only looks. A file holds rows
 * that were sent besides those that were not, so the database is asked which it has.
 */

/** A row that stands in a file. */
export interface FiledRow {
  id: string;
  completionId: string | undefined;
  accountId: string;
  keyId: string;
  /** Unix milliseconds. */
  completedAt: number;
  file: FoundFile;
}

/** Files that somebody left, for who looks. */
export interface FiledRows {
  /**
   * Rows that the database does not have, but those of the processes given, which speak for themselves. Throws StoreError
   * while it is away.
   */
  missing(known: ReadonlySet<string>): Promise<FiledRow[]>;
  /** Rows that stand there, sent or not. */
  all(known: ReadonlySet<string>): Promise<FiledRow[]>;
}

interface Read {
  bytes: number;
  rows: FiledRow[];
}

/** Lines that are read in one turn of the event loop: a millisecond or two. */
const linesAtOnce = 100;
/** Ids that are asked for at a time. */
const mostIds = 500;

/** Nothing is read yet. */
export function openFiledRows(dataDir: string, store: Store | undefined): FiledRows {
  const folder = join(dataDir, "spool");
  /** By path. What nobody writes any more is read once. */
  const reads = new Map<string, Read>();
  let looking: Promise<FiledRow[]> | undefined;

  async function all(known: ReadonlySet<string>): Promise<FiledRow[]> {
    const files = existsSync(folder) ? filesIn(folder) : [];
    const paths = new Set(files.map(({ path }) => path));
    for (const path of reads.keys()) if (!paths.has(path)) reads.delete(path);
    const found: FiledRow[] = [];
    for (const file of files) {
      if (known.has(file.processId)) continue;
      let read = reads.get(file.path);
      if (read?.bytes !== file.bytes) {
        read = { bytes: file.bytes, rows: await rowsIn(file) };
        reads.set(file.path, read);
      }
      found.push(...read.rows);
    }
    return found;
  }

  async function look(known: ReadonlySet<string>): Promise<FiledRow[]> {
    const rows = await all(known);
    if (rows.length === 0 || store === undefined) return rows;
    const ours = await processesIn(
      store,
      rows.map(({ file }) => file),
    );
    const mine = rows.filter(({ file }) => ours.has(file.processId));
    const has = await idsIn(
      store,
      mine.map(({ id }) => id),
    );
    // What it has once it has for good: it is not asked for again.
    for (const read of reads.values()) read.rows = read.rows.filter(({ id }) => !has.has(id));
    return mine.filter(({ id }) => !has.has(id));
  }

  return {
    all,
    missing(known) {
      // Many that ask at once are one question.
      looking ??= look(known).finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}

/** A row as it stands in its file. Undefined where that is gone, so that the database has it. */
export async function filedGeneration({ id, file }: FiledRow): Promise<Generation | undefined> {
  const line = (await linesOf(file)).find((text) => text.includes(id));
  return line === undefined ? undefined : entryOf(line)?.generation;
}

/** Which processes that files are of the database knows: others wrote for another one. */
export async function processesIn(
  store: Store,
  files: readonly Pick<FoundFile, "processId">[],
): Promise<Set<string>> {
  const ids = new Set(files.map(({ processId }) => processId));
  const rows = await store.read(
    "SELECT id FROM process WHERE id IN (SELECT value FROM json_each(?))",
    [JSON.stringify([...ids])],
  );
  return new Set(rows.map((row) => textOf(row, "id") ?? ""));
}

/** Which of these requests the database has. */
export async function idsIn(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += mostIds) {
    const rows = await store.read(
      "SELECT id FROM generation_record WHERE id IN (SELECT value FROM json_each(?))",
      [JSON.stringify(ids.slice(at, at + mostIds))],
    );
    for (const row of rows) found.add(textOf(row, "id") ?? "");
  }
  return found;
}

async function rowsIn(file: FoundFile): Promise<FiledRow[]> {
  const rows: FiledRow[] = [];
  for (const [at, line] of (await linesOf(file)).entries()) {
    if (at % linesAtOnce === linesAtOnce - 1) await new Promise((next) => setImmediate(next));
    const found = entryOf(line)?.generation;
    if (found === undefined) continue;
    const { id, completionId, accountId, keyId, completedAt } = found;
    rows.push({ id, completionId, accountId, keyId, completedAt, file });
  }
  return rows;
}

/** Whole lines alone: a file that is written meanwhile, or was cut short, may end amid one. */
async function linesOf({ path }: FoundFile): Promise<string[]> {
  try {
    return (await readFile(path, "utf8")).split("\n").slice(0, -1);
  } catch (thrown) {
    // Its rows were sent, or somebody has it under another name.
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return [];
    throw thrown;
  }
}
