import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import * as v from "valibot";
import { openStore } from "#src/store/open.ts";
import { numberIn } from "#src/store/store.ts";

/** What a gateway's process holds at a moment. */
export interface Sample {
  requests: number;
  residentBytes: number;
  /** What its heap holds after a full collection; absent where nothing tells. */
  heapBytes: number | undefined;
  sockets: number;
  /** Other descriptors: files, pipes, timers. */
  files: number;
  temporaryFiles: number;
  walBytes: number;
  leases: number;
}

/** Where to look. */
export interface Sight {
  pid: number;
  heapSocket: string | undefined;
  temporary: string;
  database: string;
}

const heapSchema = v.looseObject({
  heapSize: v.number(),
  objectTypeCounts: v.record(v.string(), v.number()),
});
export type Heap = v.InferOutput<typeof heapSchema>;

/** Looks at a process; the heap comes last, as its collection takes a moment. */
export async function sample(sight: Sight, requests: number): Promise<Sample> {
  const { pid, temporary, database } = sight;
  const open = descriptors(pid);
  return {
    requests,
    residentBytes: residentOf(pid),
    ...open,
    temporaryFiles: countFiles(temporary),
    walBytes: statSync(`${database}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    leases: await leasesIn(database),
    heapBytes: (await heapOf(sight.heapSocket))?.heapSize,
  };
}

/** What the heap of a process holds after a full collection. */
export async function heapOf(heapSocket: string | undefined): Promise<Heap | undefined> {
  if (heapSocket === undefined) return undefined;
  const told = await fetch("http://heap/", {
    unix: heapSocket,
    headers: { connection: "close" },
  });
  return v.parse(heapSchema, await told.json());
}

/** How many descriptors are sockets, and how many are not. */
export function descriptors(pid: number): { sockets: number; files: number } {
  let sockets = 0;
  let files = 0;
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${name}`).startsWith("socket:")) sockets++;
      else files++;
    } catch {
      // Closed between the two looks.
    }
  }
  return { sockets, files };
}

function residentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Files below a folder. */
export function countFiles(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((one) => one.isFile())
    .length;
}

async function leasesIn(database: string): Promise<number> {
  const store = await openStore({ url: `file:${database}` });
  try {
    const [row] = await store.read("SELECT count(*) AS leases FROM lease WHERE amount > 0", []);
    return (row && numberIn(row, "leases")) ?? 0;
  } finally {
    store.close();
  }
}
