import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statfsSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import type { Check } from "#src/lib/check.ts";
import type { Clock } from "#src/lib/clock.ts";

/*
 * What the machine has to offer before the database can be opened. Nothing here loads the database library: where it cannot
 * be unpacked, that would end the search for the reason.
 */

/** A year that no honest clock shows any more. */
const released = Date.UTC(2026, 0, 1);
const neededFiles = 4096;
const neededBytes = 200 * 1024 * 1024;

/** Where the state is kept. */
export interface StatePlace {
  dataDir: string;
  database: { url: string };
}

/** Looks at the clock, the temporary directory, the limit of open files, the data directory and the disk. */
export function checkMachine(place: StatePlace, now: Clock): Check[] {
  return [...checkHost(now), dataDirectory(place), disk(place.dataDir)];
}

/** The first three of them, for which nobody has to know where the state is. */
export function checkHost(now: Clock): Check[] {
  return [clock(now), temporary(), files()];
}

/** Bytes that are free where a directory is, or would be made. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(existing(resolve(directory)));
  return bavail * bsize;
}

function clock(time: Clock): Check {
  const now = time.now();
  return {
    name: "clock",
    ok: now > released,
    found: new Date(now).toISOString(),
    fix: "set the clock, for example with timedatectl set-ntp true: windows and ids depend on it",
  };
}

/** The database library is unpacked into the temporary directory and loaded from there. */
function temporary(): Check {
  const directory = process.env.TMPDIR ?? tmpdir();
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return {
      name: "temporary directory",
      ok: !mountedNoexec(directory),
      found: directory,
      fix: `${directory} is mounted noexec: set TMPDIR to a directory that programs may be loaded from`,
    };
  } catch {
    return {
      name: "temporary directory",
      ok: false,
      found: `${directory} cannot be written`,
      fix: "set TMPDIR to a writable directory",
    };
  }
}

function mountedNoexec(directory: string): boolean {
  if (!existsSync("/proc/mounts")) return false;
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(
      ([, at = ""]) => directory === at || directory.startsWith(at.endsWith("/") ? at : `${at}/`),
    );
  const deepest = mounts.toSorted((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0];
  return deepest?.[3]?.split(",").includes("noexec") ?? false;
}

function files(): Check {
  const text = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
  const limit = Number(/Max open files\s+(\d+)/.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  return {
    name: "open files",
    ok: limit >= neededFiles,
    found: Number.isFinite(limit) ? String(limit) : "no limit known",
    fix: `raise it to ${neededFiles} or more: LimitNOFILE=65536 in the unit, or ulimit -n 65536`,
  };
}

/** The directory itself, or the nearest above it in which it would be made. */
function existing(directory: string): string {
  return existsSync(directory) ? directory : existing(dirname(directory));
}

function dataDirectory({ dataDir }: StatePlace): Check {
  const name = "data directory";
  const fix = "give one that can be written with --data-dir or LOWROUTER_DATA_DIR";
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK);
    return { name, ok: true, found: dataDir };
  } catch {
    return { name, ok: false, found: `${dataDir} cannot be written`, fix };
  }
}

function disk(directory: string): Check {
  const free = freeBytes(directory);
  const mode = existsSync(directory) ? statSync(directory).mode & 0o077 : 0;
  return {
    name: "disk",
    ok: free > neededBytes,
    found: `${Math.round(free / 1_048_576)} MB free${mode ? "; others can read the data directory" : ""}`,
    fix: "free some space: the ledger has to be written before an answer ends",
  };
}
