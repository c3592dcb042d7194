import { expect, test } from "bun:test";
import { verifyChain } from "#src/ledger/chain.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { nano } from "#src/ledger/money.ts";
import { balanceOf } from "#src/ledger/transactions.ts";
import { StoreError, toStoreError } from "#src/store/error.ts";
import type { Statement, Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryStore } from "#test/store/temporary.ts";

/* A database over the network that takes rows and cannot say so: whoever asks does not know whether they are there. */

const clock = createFakeClock();
const lost = () => new StoreError("unavailable", "the answer was lost");

/** What becomes of each write in turn; further ones go well. */
type Fate = "done" | "lost" | "away";

async function ledgerWith(...fates: Fate[]) {
  const kept = await temporaryStore();
  const sizes: number[] = [];
  const asked = { isAway: false };
  const store: Store = {
    ...kept.store,
    kind: "remote",
    async read(sql, args) {
      if (asked.isAway) throw lost();
      return kept.store.read(sql, args);
    },
    async write(statements: readonly Statement[]) {
      await new Promise((done) => setImmediate(done));
      sizes.push(statements.filter(({ sql }) => sql.includes("INTO generation_record")).length);
      const fate = fates.shift() ?? "done";
      if (fate === "away") throw lost();
      const rows = await kept.store.write(statements);
      if (fate === "lost") throw lost();
      return rows;
    },
  };
  const ledger = createLedger({ store, clock, processId: "proc_1", retryMilliseconds: [] });
  const record = (...rows: ReturnType<typeof sampleGeneration>[]) =>
    Promise.all(
      rows.map((generation) =>
        ledger.record({ generation, movements: [] }).then(
          () => "kept",
          (thrown: unknown) => toStoreError(thrown).fault,
        ),
      ),
    );
  return { kept, record, sizes, asked };
}

const row = () => sampleGeneration({ cost: nano(7) });

test("rows that are there already are passed over, and those behind them are written as one group", async () => {
  const { kept, record, sizes } = await ledgerWith("lost");
  using _ = kept;
  const [a, b, c, d] = [row(), row(), row(), row()];
  expect(await record(a, b)).toEqual(["unavailable", "unavailable"]);
  expect(await record(a, b, c, d)).toEqual(Array(4).fill("kept"));
  expect(sizes).toEqual([2, 4, 2]);
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 4, faults: [] });
  expect((await balanceOf(kept.store, "acc_1")).used).toBe(nano(28));
});

test("while rows are tried one by one, one that may be there is not followed by another in its place", async () => {
  // The group has a bad row, so each is tried by itself; of the first of these the answer is lost.
  const { kept, record } = await ledgerWith("done", "done", "lost");
  using _ = kept;
  const known = row();
  await record(known);
  const [a, bad, b] = [row(), sampleGeneration({ id: known.id, model: "other/model" }), row()];
  expect(await record(a, bad, b)).toEqual(["unavailable", "unavailable", "unavailable"]);
  expect(await record(a, bad, b)).toEqual(["kept", "conflict", "kept"]);
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 3, faults: [] });
  expect((await balanceOf(kept.store, "acc_1")).used).toBe(nano(21));
});

test.each<[string, Fate, number]>([
  ["is there", "lost", 3],
  ["is not there", "away", 2],
])("a row that nobody tries again does not break the chain, where it %s", async (_, fate, rows) => {
  const { kept, record } = await ledgerWith("done", fate, "lost");
  using __ = kept;
  await record(row());
  expect(await record(row())).toEqual(["unavailable"]);
  // The next is in doubt as well, and tried again.
  const next = row();
  expect(await record(next)).toEqual(["unavailable"]);
  expect(await record(next)).toEqual(["kept"]);
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows, faults: [] });
});

test("a row is not refused because nobody could look whether it is there already", async () => {
  const { kept, record, asked } = await ledgerWith("lost");
  using _ = kept;
  const [a, b, c] = [row(), row(), row()];
  expect(await record(a, b)).toEqual(["unavailable", "unavailable"]);
  asked.isAway = true;
  expect(await record(a, b, c)).toEqual(["unavailable", "unavailable", "unavailable"]);
  asked.isAway = false;
  expect(await record(a, b, c)).toEqual(["kept", "kept", "kept"]);
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 3, faults: [] });
});
