import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { Movement } from "#src/allowance/allowance.ts";
import { verifyChain } from "#src/ledger/chain.ts";
import { nano } from "#src/ledger/money.ts";
import { spoolFolder } from "#src/ledger/spool-file.ts";
import { openSpool } from "#src/ledger/spool.ts";
import { balanceOf } from "#src/ledger/transactions.ts";
import { StoreError, toStoreError } from "#src/store/error.ts";
import type { Statement, Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

/* A row that the disk refuses, sent to a database that does not answer in time: nobody knows what becomes of it. */

const cost = nano(700);
const taken: Movement[] = [
  { kind: "credit", owner: "acc_1", windowStart: 0, used: 700, fromLease: 700 },
  { kind: "requests_day", owner: "key_1", windowStart: 0, used: 1, fromLease: 1 },
];

/** Three rows, of which the second is given up; its writing is carried out after so many others. */
async function threeRows(after: 0 | 1 | 2) {
  using data = temporaryFolder();
  const kept = await temporaryStore();
  let late: (() => Promise<unknown>) | undefined;
  let writes = 0;
  const carryOut = async () => {
    const act = late;
    late = undefined;
    return (await act?.().catch(toStoreError)) ?? undefined;
  };
  let outcome: unknown;
  const store: Store = {
    ...kept.store,
    kind: "remote",
    async write(statements: readonly Statement[]) {
      await new Promise((done) => setImmediate(done));
      if (++writes === 2) {
        late = async () => kept.store.write(statements);
        throw new StoreError("unavailable", "no answer within 10 s");
      }
      if (writes === 3 + after) outcome = await carryOut();
      return kept.store.write(statements);
    },
  };
  await kept.store.write([
    { sql: "INSERT INTO process (id, started_at) VALUES ('proc_1', 0)", args: [] },
    ...taken.flatMap(({ kind, owner }): Statement[] => [
      {
        sql: `INSERT INTO allowance (kind, owner, window_start, leased) VALUES ('${kind}', '${owner}', 0, 5000)`,
        args: [],
      },
      {
        sql: `INSERT INTO lease (process, kind, owner, window_start, amount) VALUES ('proc_1', '${kind}', '${owner}', 0, 5000)`,
        args: [],
      },
    ]),
  ]);
  const written: (readonly Movement[])[] = [];
  const spool = openSpool({
    store,
    clock: createFakeClock(),
    processId: "proc_1",
    dataDir: data.path,
    synchronous: "normal",
    onWritten: (movements) => written.push(movements),
    onTrouble() {},
  });
  // The disk takes nothing more.
  rmSync(spoolFolder(data.path), { recursive: true });
  const rows = [1, 2, 3].map(() => sampleGeneration({ cost }));
  const told: string[] = [];
  for (const generation of rows) {
    const ended = spool.record({ generation, movements: taken });
    told.push(
      await ended.then(
        () => "kept",
        (thrown: unknown) => toStoreError(thrown).fault,
      ),
    );
  }
  await spool.flush();
  outcome ??= await carryOut();
  await spool.close();
  const [, second] = rows;
  const [found] = await kept.store.read(
    "SELECT status, cost, settlement FROM generation WHERE id = ?",
    [second?.id ?? ""],
  );
  const left = await kept.store.read("SELECT kind, used, leased FROM allowance ORDER BY kind", []);
  return { kept, told, written, found, left, late: outcome };
}

test("where it is there after all, it stands, and its place in the chain", async () => {
  const { kept, told, written, found, left } = await threeRows(0);
  using _ = kept;
  expect(told).toEqual(["kept", "unavailable", "kept"]);
  expect(found).toEqual({ status: "ok", cost: 700, settlement: "final" });
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 3, faults: [] });
  expect((await balanceOf(kept.store, "acc_1")).used).toBe(nano(2100));
  expect(left).toEqual([
    { kind: "credit", used: 2100, leased: 2900 },
    { kind: "requests_day", used: 3, leased: 4997 },
  ]);
  expect(written).toHaveLength(3);
});

test.each([1, 2] as const)(
  "where it comes too late, by %i, it is a request that failed and is free",
  async (after) => {
    const { kept, told, written, found, left, late } = await threeRows(after);
    using _ = kept;
    expect(told).toEqual(["kept", "unavailable", "kept"]);
    expect(found).toEqual({ status: "upstream_error", cost: 0, settlement: "waived" });
    expect(late).toMatchObject({ fault: "conflict" });
    expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 3, faults: [] });
    expect((await balanceOf(kept.store, "acc_1")).used).toBe(nano(1400));
    // What was leased for it is free for others.
    expect(left).toEqual([
      { kind: "credit", used: 1400, leased: 2900 },
      { kind: "requests_day", used: 3, leased: 4997 },
    ]);
    expect(written).toHaveLength(3);
  },
);
