import { expect, test } from "bun:test";
import { createLedger } from "#src/ledger/commit.ts";
import { nano } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { createIds } from "#src/lib/id.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { inspect } from "#test/chaos/check.ts";
import { judge, isHonestRefusal } from "#test/chaos/scenario.ts";
import type { House } from "#test/chaos/house.ts";
import { temporaryStore } from "#test/store/temporary.ts";

/* A check that cannot fail would find nothing in any trouble: each of these does to a database what trouble could. */

const clock = createFakeClock();

async function kept(upstreamIds: readonly string[]) {
  const held = await temporaryStore();
  const { store } = held;
  const ids = createIds(clock);
  await addCredit(
    store,
    { clock, ids },
    {
      accountId: "acc_1",
      type: "credit",
      amount: nano(1_000_000_000),
      description: "Top-up",
      by: "test",
    },
  );
  const ledger = createLedger({ store, clock, processId: "proc_1" });
  const rows = upstreamIds.map((upstreamId) => sampleGeneration({ upstreamId }));
  for (const generation of rows) await ledger.record({ generation, movements: [] });
  return { held, store, complete: rows.map(({ id }) => id) };
}

test("the check of the fault suite finds nothing in a sound database", async () => {
  const { held, store, complete } = await kept(["up_1", "up_2"]);
  using _ = held;
  expect(await inspect(store, { complete, alive: [] })).toEqual([]);
});

test.each([
  ["an answer without a row", "DELETE FROM generation_record WHERE sequence = 2", "has 0 rows"],
  ["a row cut off", "DELETE FROM generation_record WHERE sequence = 2", "removed"],
  [
    "a balance that is off",
    "UPDATE allowance SET used = used + 1 WHERE kind = 'credit'",
    "is not the sum",
  ],
  [
    "more leased than granted",
    "UPDATE allowance SET leased = granted WHERE kind = 'credit'",
    "is used and",
  ],
  [
    "something leased by nobody",
    "UPDATE allowance SET leased = 7 WHERE kind = 'credit'",
    "7 leased, its leases say 0",
  ],
  [
    "a lease of a dead process",
    "INSERT INTO lease (process, kind, owner, window_start, amount) VALUES ('proc_9', 'credit', 'acc_1', 0, 7)",
    "outlives its process proc_9",
  ],
])("the check of the fault suite finds %s", async (_what, sql, words) => {
  const { held, store, complete } = await kept(["up_1", "up_2"]);
  using _ = held;
  await store.write([{ sql, args: [] }]);
  expect((await inspect(store, { complete, alive: [] })).join("\n")).toContain(words);
});

test("the check of the fault suite finds an upstream's answer that was written down twice", async () => {
  const { held, store, complete } = await kept(["up_1", "up_1"]);
  using _ = held;
  expect(await inspect(store, { complete })).toEqual(["The upstream's answer up_1 has 2 rows"]);
});

test("what clients saw is a finding unless the fault allows it", () => {
  const findings: string[] = [];
  const house: Pick<House, "complete"> = { complete: [] };
  const seen = {
    complete: ["gen_1"],
    others: [
      { kind: "refused", status: 503, code: "service_unavailable", retryAfter: "2" },
      { kind: "refused", status: 503, code: "service_unavailable", retryAfter: null },
      { kind: "refused", status: 500, code: "internal_error", retryAfter: null },
      { kind: "late" },
    ] as const,
    longestMs: 1,
  };
  const tell = { seen() {}, findings: (more: readonly string[]) => void findings.push(...more) };
  judge(house, { ...seen, others: [...seen.others] }, tell, isHonestRefusal);
  expect(house.complete).toEqual(["gen_1"]);
  expect(findings.map((text) => JSON.parse(text.slice("A client saw ".length)).status)).toEqual([
    503,
    500,
    undefined,
  ]);
});
