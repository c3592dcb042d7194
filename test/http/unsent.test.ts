import { afterEach, beforeEach, expect, test } from "bun:test";
import { createUnsent, findRequest, type Unsent } from "#src/http/unsent.ts";
import { openFiledRows } from "#src/ledger/spool-filed.ts";
import { openSpool, type Spool } from "#src/ledger/spool.ts";
import { StoreError } from "#src/store/error.ts";
import type { Store } from "#src/store/store.ts";
import type { Siblings } from "#src/workers/siblings.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

/* Two workers, as if on two data directories, so that neither can read the other's file. */

interface Worker {
  spool: Spool;
  unsent: Unsent;
}

const clock = createFakeClock();
let kept: Awaited<ReturnType<typeof temporaryStore>>;
let folders: ReturnType<typeof temporaryFolder>[];
let one: Worker;
let two: Worker;
/** How each answers, by its number. */
const makers = new Map<number, (detail: string) => string>();
beforeEach(async () => {
  kept = await temporaryStore();
  folders = [temporaryFolder(), temporaryFolder()];
  const [first, second] = folders.map((folder, at) => worker(at + 1, folder.path));
  if (first === undefined || second === undefined) throw new Error("There are two");
  [one, two] = [first, second];
});
afterEach(async () => {
  await one.spool.close();
  await two.spool.close();
  kept[Symbol.dispose]();
  for (const folder of folders) folder[Symbol.dispose]();
});

/** The database can be read and takes nothing. */
function readable(): Store {
  return {
    ...kept.store,
    kind: "remote",
    write() {
      throw new StoreError("unavailable", "away");
    },
  };
}

function worker(number: number, dataDir: string): Worker {
  const processId = `proc_${number}`;
  const store = readable();
  const spool = openSpool({
    ...{ store, clock, processId, dataDir, synchronous: "normal" },
    onTrouble() {},
  });
  const siblings: Siblings = {
    worker: number,
    ask: (_, detail = "") =>
      Promise.resolve([...makers].map(([from, make]) => ({ worker: from, text: make(detail) }))),
    answer: (_, make) => void makers.set(number, make),
    tell() {},
    hear() {},
  };
  const state = () => ({
    ...spool.waiting(),
    refused: number,
    faults: 10,
    leftBytes: number * 100,
  });
  const filed = openFiledRows(dataDir, store);
  return { spool, unsent: createUnsent({ processId, spool, filed, siblings, state }) };
}

async function keep({ spool }: Worker, more: Parameters<typeof sampleGeneration>[0] = {}) {
  const generation = sampleGeneration(more);
  await spool.record({ generation, movements: [] });
  return generation;
}

test("a worker counts what all keep, of whom it is asked for, and finds a row that another keeps", async () => {
  await keep(one, { accountId: "acc_1", keyId: "k1" });
  const theirs = await keep(two, { accountId: "acc_1", keyId: "k2" });
  await keep(two, { accountId: "acc_2", keyId: "k3" });
  expect(await one.unsent.count({})).toBe(3);
  expect(await one.unsent.count({ accountId: "acc_1" })).toBe(2);
  expect(await two.unsent.count({ accountId: "acc_1", keyIds: ["k1"] })).toBe(1);
  expect(await one.unsent.count({ accountId: "acc_1", keyIds: [] })).toBe(0);
  for (const id of [theirs.id, theirs.completionId ?? ""]) {
    const services = { store: readable(), unsent: one.unsent };
    expect(await findRequest(services, "acc_1", id)).toEqual({ row: theirs, waits: true });
    expect(await findRequest(services, "acc_2", id)).toBeUndefined();
  }
});

test("what all keep together is the sum, the oldest of all, and what is left in their one directory once", async () => {
  await keep(one, { completedAt: 7000 });
  await keep(two, { completedAt: 5000 });
  const { bytes, mostBytes, ...rest } = await one.unsent.stateOfAll();
  expect(rest).toEqual({ rows: 2, oldest: 5000, refused: 3, faults: 20, leftBytes: 200 });
  const own = [one.spool.waiting(), two.spool.waiting()];
  expect(bytes).toBe(own.reduce((sum, waiting) => sum + waiting.bytes, 0));
  expect(mostBytes).toBe(2 * (own[0]?.mostBytes ?? 0));
});

test("a worker whose sibling says nothing speaks for itself", async () => {
  await keep(one);
  await keep(two);
  makers.set(2, () => "");
  expect(await one.unsent.count({})).toBe(1);
  expect((await one.unsent.stateOfAll()).rows).toBe(1);
});

test("a row that is sent while it is looked for is found in the database, and what is nowhere is not", async () => {
  const row = sampleGeneration();
  let reads = 0;
  const store: Store = {
    ...readable(),
    read(sql, args) {
      // It is looked for with the others in between.
      return ++reads === 1 ? [] : kept.store.read(sql, args);
    },
  };
  const { createLedger } = await import("#src/ledger/commit.ts");
  await kept.store.write([
    { sql: "INSERT INTO process (id, started_at) VALUES ('proc_3', 0)", args: [] },
  ]);
  await createLedger({ store: kept.store, clock, processId: "proc_3" }).record({
    generation: row,
    movements: [],
  });
  const services = { store, unsent: one.unsent };
  expect(await findRequest(services, row.accountId, row.id)).toEqual({ row, waits: false });
  expect(await findRequest(services, row.accountId, "gen_0")).toBeUndefined();
});
