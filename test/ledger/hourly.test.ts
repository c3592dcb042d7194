import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { hourly } from "#src/ledger/rollups.ts";
import { ulidStart } from "#src/lib/id.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const start = Date.UTC(2026, 1, 27);
const hourMs = 3_600_000;
const spanMs = 5 * 24 * hourMs;

/** A request that came in some time after the start, and had its id when its body was read. */
const request = fc.record({
  after: fc.oneof(
    fc.integer({ min: 0, max: spanMs - 1 }),
    fc
      .record({ hour: fc.integer({ min: 1, max: 119 }), off: fc.integer({ min: -1, max: 1 }) })
      .map(({ hour, off }) => hour * hourMs + off),
    // Shortly before a midnight: some have their ids after it.
    fc
      .record({ day: fc.integer({ min: 1, max: 5 }), back: fc.integer({ min: 1, max: 60_000 }) })
      .map(({ day, back }) => day * 24 * hourMs - back),
  ),
  admitted: fc.constantFrom(0, 1, 59_000, 599_000),
  account: fc.constantFrom("acc_1", "acc_2"),
});
const moment = fc.integer({ min: -hourMs, max: spanMs + hourMs });

async function keep(store: Parameters<typeof createLedger>[0]["store"], rows: Generation[]) {
  const ledger = createLedger({ store, clock: createFakeClock(), processId: "prc_1" });
  await Promise.all(rows.map((generation) => ledger.record({ generation, movements: [] })));
}

test("hours are summed as by hand, over midnights and ends of months, whenever requests had their ids", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 60 }),
      moment,
      moment,
      async (made, one, other) => {
        using kept = await temporaryStore();
        const rows = made.map(({ after, admitted, account }, at) =>
          sampleGeneration({
            id: `gen_${ulidStart(start + after + admitted).slice(0, 10)}${String(at).padStart(16, "0")}`,
            accountId: account,
            createdAt: start + after,
          }),
        );
        await keep(kept.store, rows);
        const [from, to] = [start + Math.min(one, other), start + Math.max(one, other)];
        const sums = new Map<number, number>();
        for (const { createdAt, accountId } of rows) {
          if (accountId !== "acc_1" || createdAt < from || createdAt >= to) continue;
          const hour = createdAt - (createdAt % hourMs);
          sums.set(hour, (sums.get(hour) ?? 0) + 1);
        }
        const found = await hourly(kept.store, { account: "acc_1" }, from, to);
        expect(found.map((point) => [point.start, point.requests])).toEqual(
          [...sums].toSorted(([a], [b]) => a - b),
        );
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);

test("hours are read a day at a time, of days with requests, and no more once nobody waits", async () => {
  using kept = await temporaryStore();
  const days = [0, 1, 40, 41];
  await keep(
    kept.store,
    days.map((day) => sampleGeneration({ createdAt: start + day * 24 * hourMs })),
  );
  const asked = async (leaveAfter: number) => {
    const leaving = new AbortController();
    let reads = 0;
    const store = {
      snapshot: (statements: Parameters<typeof kept.store.snapshot>[0]) => {
        if (++reads > leaveAfter) leaving.abort();
        return kept.store.snapshot(statements);
      },
    };
    const end = start + 100 * 24 * hourMs;
    const points = await hourly(store, { account: "acc_1" }, start, end, leaving.signal);
    return { reads, points: points.length };
  };
  // The first finds the days.
  expect(await asked(99)).toEqual({ reads: 5, points: 4 });
  expect(await asked(2)).toEqual({ reads: 3, points: 2 });
});
