import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LeftSpools, openLeftSpools } from "#src/ledger/spool-left.ts";
import { spoolFolder } from "#src/ledger/spool-file.ts";
import { lineOf } from "#src/ledger/spool-line.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

/** The largest that a process can have is 4,194,304. */
const noPid = 9_999_999;
/** Another process that lives, on the same data directory. */
const other = Bun.spawn(["sleep", "300"], { stdio: ["ignore", "ignore", "ignore"] });
afterAll(() => other.kill());

let data: ReturnType<typeof temporaryFolder>;
let kept: Awaited<ReturnType<typeof temporaryStore>>;
let folder: string;
beforeEach(async () => {
  data = temporaryFolder();
  folder = spoolFolder(data.path);
  kept = await temporaryStore();
  await kept.store.write([
    {
      sql: "INSERT INTO process (id, started_at, expires_at) VALUES ('proc_dead', 0, 0)",
      args: [],
    },
    {
      sql: "INSERT INTO allowance (kind, owner, window_start, granted, leased) VALUES ('carbon', 'key_1', 0, 100, 60)",
      args: [],
    },
    {
      sql: "INSERT INTO lease (process, kind, owner, window_start, amount) VALUES ('proc_dead', 'carbon', 'key_1', 0, 60)",
      args: [],
    },
  ]);
});
afterEach(() => {
  kept[Symbol.dispose]();
  data[Symbol.dispose]();
});

function spools(store: Store = kept.store): LeftSpools {
  return openLeftSpools({
    store,
    clock: createFakeClock(),
    dataDir: data.path,
    onTrouble: (event) => {
      throw new Error(event);
    },
    onSent() {},
  });
}

/** Where a file of the dead process stands whose writer, or whoever sends it, is this one. */
function fileOf(who: "nobody" | "other", order: number): string {
  const space = /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  const [pid, born] = who === "nobody" ? [noPid, 1] : [other.pid, birthOf(other.pid)];
  return join(folder, `${pid}-${born}-${space}.proc_dead.${order}.spool`);
}

function birthOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

function leave(who: "nobody" | "other", order: number): string {
  const path = fileOf(who, order);
  writeFileSync(path, lineOf({ generation: sampleGeneration(), movements: [] }));
  return path;
}

/** Rows that the database has, and what is leased. */
async function state(): Promise<unknown[]> {
  const [row] = await kept.store.read(
    "SELECT (SELECT count(*) FROM generation_record) AS rows, leased FROM allowance WHERE kind = 'carbon'",
    [],
  );
  return [row?.["rows"], row?.["leased"]];
}

test("who finds that another process took the file gives nothing back: its rows are not written yet", async () => {
  const path = leave("nobody", 1);
  const faster: Store = {
    ...kept.store,
    read(sql, args) {
      renameSync(path, fileOf("other", 1));
      return kept.store.read(sql, args);
    },
  };
  await spools(faster).send();
  expect(await state()).toEqual([0, 60]);
});

test("of two processes that send for one chain, whoever has the later file waits for the other", async () => {
  const theirs = leave("other", 1);
  leave("nobody", 2);
  const ours = spools();
  await ours.send();
  expect(await state()).toEqual([0, 60]);
  rmSync(theirs);
  await ours.send();
  expect(await state()).toEqual([1, 0]);
});

test("of two processes that send for one chain, the last one gives the leases back", async () => {
  leave("nobody", 1);
  const theirs = leave("other", 2);
  const ours = spools();
  await ours.send();
  expect(await state()).toEqual([1, 60]);
  expect(ours.isOwed("proc_dead")).toBe(true);
  renameSync(theirs, fileOf("nobody", 2));
  await ours.send();
  expect(await state()).toEqual([2, 0]);
});
