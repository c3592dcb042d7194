import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/*
 * What a spool is made of: files of lines, one a row, in a folder of the data directory. A file's name says which process
 * writes it and whose chain its rows belong to, so that what a dead process left can be told from what a living one needs.
 */

/** An open file that lines are appended to. */
export interface SpoolFile {
  readonly path: string;
  /** Bytes in it. */
  readonly bytes: number;
  /** Appends whole lines, all or none. Throws where the disk does not take them. */
  append(lines: string): void;
  /** Empties it. */
  clear(): void;
  /** Closes it and leaves it to whoever looks for what was left. */
  leave(): void;
  /** Closes and removes it. */
  remove(): void;
}

/** A file that somebody left. */
export interface LeftFile {
  path: string;
  /** Whose chain its rows belong to. */
  processId: string;
  /** Of several files of one chain, which comes first. */
  order: number;
  /** Whether its writer is known to be gone: false where it may run where we cannot look. */
  isCertain: boolean;
}

const pattern = /^(\d+)-(\d+)-(\d+)\.([\w-]+)\.(\d+)\.spool$/;

/** The folder, made where there is none. */
export function spoolFolder(dataDir: string): string {
  const folder = join(dataDir, "spool");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Starts a file; `isSynced` waits for the disk with each append. */
export function createSpoolFile(
  folder: string,
  processId: string,
  order: number,
  { isSynced }: { isSynced: boolean },
): SpoolFile {
  const path = join(folder, nameOf(processId, order));
  // Appended to: after it was emptied, a write goes to where the end is now.
  const handle = openSync(path, "ax", 0o600);
  let bytes = 0;
  return {
    path,
    get bytes() {
      return bytes;
    },
    append(lines) {
      const data = Buffer.from(lines);
      try {
        for (let at = 0; at < data.length;) at += writeSync(handle, data, at);
        if (isSynced) fdatasyncSync(handle);
      } catch (thrown) {
        // What the disk took of it would be read as a row.
        ftruncateSync(handle, bytes);
        throw thrown;
      }
      bytes += data.length;
    },
    clear() {
      ftruncateSync(handle, 0);
      bytes = 0;
    },
    leave() {
      closeSync(handle);
      letGo(folder, { path, processId, order });
    },
    remove() {
      closeSync(handle);
      rmSync(path, { force: true });
    },
  };
}

/** A file as it lies there. */
export interface FoundFile extends LeftFile {
  bytes: number;
  /** Who writes it, or sends its rows; undefined where nobody is seen to. */
  writer: number | undefined;
}

/** All files of a folder. */
export function filesIn(folder: string): FoundFile[] {
  return readdirSync(folder).flatMap((name): FoundFile[] => {
    const [, pid, born, space, processId = "", order] = pattern.exec(name) ?? [];
    if (pid === undefined) return [];
    const path = join(folder, name);
    const bytes = statSync(path, { throwIfNoEntry: false })?.size;
    // Sent, or made somebody's, since the folder was read.
    if (bytes === undefined) return [];
    const isCertain = Number(space) === pidSpace();
    const isWritten = isCertain && Number(born) === birthOf(Number(pid));
    const writer = isWritten ? Number(pid) : undefined;
    return [{ path, processId, order: Number(order), isCertain, bytes, writer }];
  });
}

/** Files whose writers are gone or cannot be seen from here, in the order of their rows. */
export function leftFiles(folder: string): FoundFile[] {
  return filesIn(folder)
    .filter(({ writer }) => writer === undefined)
    .toSorted((a, b) => (a.processId === b.processId ? a.order - b.order : 0));
}

/** Makes a file ours, so that nobody else sends its rows. Undefined where somebody was faster. */
export function claim(folder: string, { path, processId, order }: LeftFile): LeftFile | undefined {
  const claimed = join(folder, nameOf(processId, order));
  try {
    renameSync(path, claimed);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
  return { path: claimed, processId, order, isCertain: true };
}

/** Gives a file of ours away, so that others send its rows: also those that come after in this process. */
export function letGo(
  folder: string,
  { path, processId, order }: Pick<LeftFile, "path" | "processId" | "order">,
): void {
  renameSync(path, join(folder, nameOf(processId, order, noBirth)));
}

/** Whether another process that lives has an earlier file of the same chain. */
export function isBehindOther(folder: string, { processId, order }: LeftFile): boolean {
  return ordersOfOthers(folder, processId).some((other) => other < order);
}

/** Whether another process that lives has any file of the same chain. */
export function isSharedWithOther(folder: string, { processId }: LeftFile): boolean {
  return ordersOfOthers(folder, processId).length > 0;
}

function ordersOfOthers(folder: string, processId: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const [, pid, born, space, owner, order] = pattern.exec(name) ?? [];
    if (owner !== processId || Number(pid) === process.pid || Number(space) !== pidSpace())
      return [];
    return Number(born) === birthOf(Number(pid)) ? [Number(order)] : [];
  });
}

/** Processes that rows in a folder belong to. */
export function ownersIn(folder: string): Set<string> {
  return new Set(readdirSync(folder).flatMap((name) => pattern.exec(name)?.[4] ?? []));
}

/** The whole lines of a file: one that a crash cut short was never acknowledged. */
export function linesOf({ path }: LeftFile): string[] {
  return readFileSync(path, "utf8").split("\n").slice(0, -1);
}

function nameOf(
  processId: string,
  order: number,
  birth: number | string = birthOf(process.pid) ?? 0,
): string {
  return `${process.pid}-${birth}-${pidSpace()}.${processId}.${order}.spool`;
}

/** No process began then, so that a file whose name says it has nobody who writes it. */
const noBirth = "9".repeat(15);

/** When a process began, in the system's own count, so that a number used again is not taken for it. Undefined: it is gone. */
function birthOf(pid: number): number | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  if (stat === undefined) return isAlive(pid) ? 0 : undefined;
  // The name in it may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // One that has ended and waits for its parent to notice writes nothing more.
  return fields[0] === "Z" ? undefined : Number(fields[19] ?? 0);
}

/** Which numbers of processes are ours to look at: those of other containers are not. 0 where there is one space only. */
function pidSpace(): number {
  try {
    return Number(/\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? 0);
  } catch {
    // No Linux: one space for all.
    return 0;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return !(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH");
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Gone, or no such folder on this system.
    return undefined;
  }
}
