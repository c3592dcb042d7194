import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkSpool, checkWaiting } from "#src/ledger/spool-check.ts";
import { filedGeneration, openFiledRows } from "#src/ledger/spool-filed.ts";
import { createSpoolFile, spoolFolder } from "#src/ledger/spool-file.ts";
import { lineOf } from "#src/ledger/spool-line.ts";
import { refuseRow } from "#src/ledger/spool-refused.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { StoreError } from "#src/store/error.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

const clock = createFakeClock();
let data: ReturnType<typeof temporaryFolder>;
let kept: Awaited<ReturnType<typeof temporaryStore>>;
beforeEach(async () => {
  data = temporaryFolder();
  kept = await temporaryStore();
  await kept.store.write([
    { sql: "INSERT INTO process (id, started_at) VALUES ('proc_1', 0)", args: [] },
  ]);
});
afterEach(() => {
  kept[Symbol.dispose]();
  data[Symbol.dispose]();
});

/** Rows in a file of a process that is gone. */
function leave(processId: string, count: number) {
  const entries = Array.from({ length: count }, () => ({
    generation: sampleGeneration(),
    movements: [],
  }));
  const path = join(spoolFolder(data.path), `4194304-1-0.${processId}.1.spool`);
  writeFileSync(path, entries.map(lineOf).join(""));
  return { path, entries };
}
const ledger = () => createLedger({ store: kept.store, clock, processId: "proc_1" });
const place = () => ({ dataDir: data.path, isRemote: true, now: clock.now() });
const none: ReadonlySet<string> = new Set();

test("says nothing of a database file without a spool, and that nothing waits for a remote one", async () => {
  expect(await checkSpool({ ...place(), isRemote: false }, undefined)).toBeUndefined();
  expect(await checkSpool(place(), kept.store)).toEqual({
    name: "spool",
    ok: true,
    found: "nothing waits for the database",
  });
});

test("counts what the database lacks of what a process left, and says what sends it", async () => {
  const { entries } = leave("proc_1", 3);
  const [first] = entries;
  if (first !== undefined) await ledger().record(first);
  expect(await checkSpool(place(), kept.store)).toMatchObject({
    ok: false,
    found: expect.stringMatching(/^rows of processes that ended, not sent: 2, the oldest of /),
    fix: expect.stringMatching(/^start the gateway on this data directory .*Keep the directory/),
  });
  // Whoever cannot ask the database does not know which it has.
  expect(await checkSpool(place(), undefined)).toMatchObject({
    ok: false,
    found: expect.stringContaining("not sent: up to 3"),
  });
  // All that stands there is of a database that is not this file.
  expect(await checkSpool({ ...place(), isRemote: false }, undefined)).toMatchObject({
    ok: false,
    fix: expect.stringContaining("they are of a remote database"),
  });
});

test("what is of another database is named as such, and counted by nobody", async () => {
  leave("proc_elsewhere", 2);
  expect(await openFiledRows(data.path, kept.store).missing(none)).toEqual([]);
  expect(await checkSpool(place(), kept.store)).toEqual({
    name: "spool",
    ok: false,
    found: "files of another database: 1",
    fix: "use this data directory with the database that it was used with before",
  });
});

test("rows of a process that runs are well for a minute, and a fault after", async () => {
  const row = sampleGeneration({ completedAt: clock.now() });
  const file = createSpoolFile(spoolFolder(data.path), "proc_1", 1, { isSynced: false });
  file.append(lineOf({ generation: row, movements: [] }));
  const now = clock.now();
  expect(await checkSpool({ ...place(), now: now + 60_000 }, kept.store)).toMatchObject({
    ok: true,
    found: expect.stringMatching(/^rows of processes that run, not sent yet: 1, the oldest of /),
  });
  expect(await checkSpool({ ...place(), now: now + 60_001 }, kept.store)).toMatchObject({
    ok: false,
    fix: expect.stringContaining("commit_failed"),
  });
  file.remove();
});

test("rows that were refused are a fault until their file is taken away", async () => {
  refuseRow(spoolFolder(data.path), "a row\n", new Error("no"));
  refuseRow(spoolFolder(data.path), "a row\n", new Error("no"));
  const refused = join(data.path, "spool/refused.jsonl");
  const expected = {
    ok: false,
    found: "rows that the database refused: 2",
    fix: `each line of ${refused} says why; take the file away once that is dealt with`,
  };
  expect(await checkSpool(place(), kept.store)).toMatchObject(expected);
  const state = {
    ...{ rows: 0, bytes: 0, mostBytes: 1000, oldest: undefined },
    ...{ refused: 0, faults: 0, leftBytes: 0 },
  };
  expect(checkWaiting(state, data.path, 0)).toMatchObject(expected);
  expect(checkWaiting({ ...state, leftBytes: 7 }, data.path, 0)).toMatchObject({
    ok: false,
    found: expect.stringContaining("bytes of processes that ended, not sent: 7"),
  });
});

test("a file is read without what is no row and the line that it breaks off in, and once; of a row that is there whole the record can be had", async () => {
  const { path, entries } = leave("proc_1", 250);
  appendFileSync(path, "no row\n");
  appendFileSync(path, lineOf({ generation: sampleGeneration(), movements: [] }).slice(0, 90));
  const filed = openFiledRows(data.path, kept.store);
  const rows = await filed.missing(none);
  expect(rows.map(({ id }) => id)).toEqual(entries.map(({ generation }) => generation.id));
  const last = rows.at(-1);
  expect(last && (await filedGeneration(last))).toEqual(entries.at(-1)?.generation);
  expect(await filed.missing(new Set(["proc_1"]))).toEqual([]);
  // As long as it was: nobody reads it again.
  writeFileSync(path, " ".repeat(Bun.file(path).size));
  expect(await filed.missing(none)).toHaveLength(250);
});

test("what the database took is missing no more, and while it is away nobody says what is", async () => {
  const { entries } = leave("proc_1", 3);
  let isAway = false;
  const store: Store = {
    ...kept.store,
    read(sql, args) {
      if (isAway) throw new StoreError("unavailable", "away");
      return kept.store.read(sql, args);
    },
  };
  const filed = openFiledRows(data.path, store);
  expect(await filed.missing(none)).toHaveLength(3);
  const writer = ledger();
  for (const entry of entries.slice(0, 2)) await writer.record(entry);
  expect((await filed.missing(none)).map(({ id }) => id)).toEqual([
    entries[2]?.generation.id ?? "",
  ]);
  isAway = true;
  expect(await filed.missing(none).catch((thrown: unknown) => thrown)).toBeInstanceOf(StoreError);
});
