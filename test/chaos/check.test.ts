import { expect, test } from "bun:test";
import { closeSync, openSync, writeSync } from "node:fs";
import { createLedger } from "#src/ledger/commit.ts";
import { nano } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { createIds } from "#src/lib/id.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { openStore } from "#src/store/open.ts";
import { numberIn } from "#src/store/store.ts";
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
    "a row that was changed",
    "UPDATE generation_record SET record = replace(record, 'up_1', 'up_9') WHERE sequence = 1",
    "Row 1 of chain proc_1",
  ],
  [
    "a row without the one before it",
    "UPDATE generation_record SET previous = hash WHERE sequence = 2",
    "Row 2 of chain proc_1",
  ],
  ["a day's sum that is off", "UPDATE rollup SET requests = requests + 1", "of day 2026-01-15"],
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

test("the check of the fault suite finds a damaged page", async () => {
  const { held, store, complete } = await kept(["up_1", "up_2"]);
  using _ = held;
  const [index] = await store.read(
    `SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size()) AS place
     FROM sqlite_schema WHERE name = 'generation_account'`,
    [],
  );
  await store.read("PRAGMA wal_checkpoint(TRUNCATE)", []);
  // The number of entries in it: two bytes, after the kind of the page and its first free block.
  const file = openSync(held.path, "r+");
  writeSync(file, Uint8Array.of(0, 1), 0, 2, (numberIn(index, "place") ?? 0) + 3);
  closeSync(file);
  const again = await openStore({ url: `file:${held.path}` });
  const findings = await inspect(again, { complete });
  again.close();
  expect(findings.join("\n")).toContain("generation_account");
});

test("the check of the fault suite finds that somebody paid for a refusal", async () => {
  const { held, store, complete } = await kept(["up_1", "up_2"]);
  using _ = held;
  const [refused = "", ...others] = complete;
  expect(await inspect(store, { complete: others, refused: [refused] })).toEqual([
    expect.stringContaining(`The refused ${refused} was charged`),
  ]);
});

test("the check of the fault suite finds an upstream's answer that was written down twice", async () => {
  const { held, store, complete } = await kept(["up_1", "up_1"]);
  using _ = held;
  expect(await inspect(store, { complete })).toEqual(["The upstream's answer up_1 has 2 rows"]);
});

test("what clients saw is a finding unless the fault allows it", () => {
  const findings: string[] = [];
  const house: Pick<House, "complete" | "refused"> = { complete: [], refused: [] };
  const seen = {
    complete: ["gen_1"],
    others: [
      { kind: "refused", status: 503, code: "service_unavailable", retryAfter: "2" },
      { kind: "refused", status: 503, code: "service_unavailable", retryAfter: null, id: "gen_2" },
      { kind: "refused", status: 500, code: "internal_error", retryAfter: null },
      { kind: "late" },
    ] as const,
    longestMs: 1,
  };
  const tell = { seen() {}, findings: (more: readonly string[]) => void findings.push(...more) };
  judge(house, { ...seen, others: [...seen.others] }, tell, isHonestRefusal);
  expect(house).toEqual({ complete: ["gen_1"], refused: ["gen_2"] });
  expect(findings.map((text) => JSON.parse(text.slice("A client saw ".length)).status)).toEqual([
    503,
    500,
    undefined,
  ]);
});
