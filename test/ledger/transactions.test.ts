import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLedger } from "#src/ledger/commit.ts";
import { nano } from "#src/ledger/money.ts";
import { addCredit, listTransactions } from "#src/ledger/transactions.ts";
import { createIds, ulidStart } from "#src/lib/id.ts";
import type { Statement, Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const start = Date.UTC(2026, 1, 26);
const dayMs = 86_400_000;

async function keep(store: Store, rows: { after: number; admitted: number; cost: number }[]) {
  const ledger = createLedger({ store, clock: createFakeClock(), processId: "prc_1" });
  const made = rows.map(({ after, admitted, cost }, at) =>
    sampleGeneration({
      id: `gen_${ulidStart(start + after + admitted).slice(0, 10)}${String(at).padStart(16, "0")}`,
      createdAt: start + after,
      cost: nano(cost),
    }),
  );
  await Promise.all(made.map((generation) => ledger.record({ generation, movements: [] })));
  return made;
}

const request = fc.record({
  after: fc.oneof(
    fc.integer({ min: 0, max: 9 * dayMs }),
    fc
      .record({ day: fc.integer({ min: 1, max: 9 }), back: fc.integer({ min: 1, max: 60_000 }) })
      .map(({ day, back }) => day * dayMs - back),
  ),
  admitted: fc.constantFrom(0, 1, 59_000, 599_000),
  cost: fc.constantFrom(0, 0, 0, 7),
});
const credit = fc.integer({ min: 0, max: 9 * dayMs });

test("pages of transactions have each credit and each request that cost something, once and newest first", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 60 }),
      fc.array(credit, { maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      async (made, credits, pageSize) => {
        using kept = await temporaryStore();
        const rows = await keep(kept.store, made);
        const paid = rows.filter(({ cost = 0 }) => cost > 0).map(({ id }) => id.slice(4));
        for (const after of credits) {
          const clock = createFakeClock(start + after);
          const entry = { accountId: "acc_1", type: "credit" as const, amount: nano(1) };
          const kit = { clock, ids: createIds(clock) };
          const by = { description: "", by: "cli" };
          paid.push((await addCredit(kept.store, kit, { ...entry, ...by })).id.slice(4));
        }
        const listed: string[] = [];
        for (let pageToken: string | undefined; ;) {
          const asked = { pageSize, ...(pageToken === undefined ? {} : { pageToken }) };
          const page = await listTransactions(kept.store, "acc_1", asked);
          listed.push(...page.items.map(({ id }) => id.slice(4)));
          pageToken = page.nextPageToken;
          if (pageToken === undefined) break;
        }
        expect(listed).toEqual(paid.toSorted().toReversed());
      },
    ),
    {
      numRuns: 40,
      // All on the first day that there is, which a page ends in.
      examples: [
        [[1, 2, 3].map((after) => ({ after, admitted: 0 as const, cost: 7 as const })), [], 1],
      ],
    },
  );
}, 60_000);

test("of days in which nothing was paid no request is read", async () => {
  using kept = await temporaryStore();
  const free = Array.from({ length: 50 }, (_, day) => ({
    after: day * dayMs,
    admitted: 0,
    cost: 0,
  }));
  await keep(kept.store, [...free, { after: 50 * dayMs, admitted: 0, cost: 7 }]);
  const asked: Statement[] = [];
  const store = {
    snapshot: (statements: readonly Statement[]) => {
      asked.push(...statements);
      return kept.store.snapshot(statements);
    },
  };
  expect((await listTransactions(store, "acc_1", { pageSize: 10 })).items).toHaveLength(1);
  const rows = asked.find(({ sql }) => sql.includes("FROM generation"));
  expect(rows?.args).toContain(`gen_${ulidStart(start + 50 * dayMs)}`);
  asked.length = 0;
  expect((await listTransactions(store, "acc_2", { pageSize: 10 })).items).toEqual([]);
  expect(asked.some(({ sql }) => sql.includes("FROM generation"))).toBe(false);
});

test("a page token that no id ends with is answered, with nothing or with what sorts below", async () => {
  using kept = await temporaryStore();
  for (const token of ["", "~", "zzzzzzzzzzzzzzzzzzzzzzzzzz", "ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "é"]) {
    const page = await listTransactions(kept.store, "acc_1", {
      pageSize: 3,
      pageToken: `txn_${token}`,
    });
    expect(page.items).toEqual([]);
  }
});
