import { closeSync, lstatSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { createIds, timeOfId } from "#src/lib/id.ts";

/** Nobody writes to a part for so long any more. */
const abandonedMilliseconds = 3_600_000;
/** A name as parts have, with when it was begun in the id at its end. */
const partName = /\.(part_[0-7][0-9A-HJKMNP-TV-Z]{25})(-wal|-shm|-journal)?$/;

/** What a copy is called until it is whole. */
export function nameOfPart(target: string): string {
  return `${target}${createIds(systemClock).next(".part")}`;
}

/** Removes parts of copies that were cut off, of whatever database and name, from the folder where copies go. */
export function removeParts(folder: string): void {
  const before = systemClock.now() - abandonedMilliseconds;
  for (const name of readdirSync(folder)) {
    const [, id, companion] = partName.exec(name) ?? [];
    if (id === undefined || timeOfId(id) > before) continue;
    const path = join(folder, name);
    try {
      const found = lstatSync(path);
      const isOld = found.isFile() && found.mtimeMs < before;
      if (isOld && (companion !== undefined || isDatabase(path))) rmSync(path);
    } catch {
      // Somebody else's, or gone by now: it is in nobody's way.
    }
  }
}

const databaseMark = Buffer.from("SQLite format 3\0");

/** Whether a file is a database, or one whose first page was not written yet. */
function isDatabase(path: string): boolean {
  const start = Buffer.alloc(databaseMark.length);
  const file = openSync(path, "r");
  try {
    readSync(file, start);
  } finally {
    closeSync(file);
  }
  return start.equals(databaseMark) || start.every((byte) => byte === 0);
}
