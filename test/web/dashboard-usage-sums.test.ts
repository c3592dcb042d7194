import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano } from "#src/ledger/money.ts";
import {
  type Grouping,
  orders,
  rollupAnswer,
  rollupStatement,
  type Totals,
} from "#src/ledger/rollups.ts";
import { placeName, plus, sumOf } from "#src/report/totals.ts";
import { createUsageReader, dayAt, type UsageFilter } from "#src/report/usage.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const now = Date.UTC(2026, 0, 15, 10, 30);
const dayMs = 86_400_000;
const all: readonly Grouping[] = [
  ...(["day", "model", "creator", "provider", "region"] as const),
  ...(["key", "user", "maker"] as const),
];

const request = fc.record({
  daysAgo: fc.integer({ min: 0, max: 5 }),
  account: fc.constantFrom("acc_1", "acc_2"),
  key: fc.constantFrom("key_1", "key_2", "key_3"),
  user: fc.constantFrom(undefined, "ada", "=1+1"),
  model: fc.constantFrom(undefined, "openai/gpt-4o", "openai/gpt-4o-mini", "mistral/small"),
  region: fc.constantFrom("eu-west", "us-east"),
  cost: fc.option(fc.integer({ min: 0, max: 10 ** 12 }), { nil: undefined }),
  byok: fc.boolean(),
  failed: fc.boolean(),
  energy: fc.option(fc.double({ min: 1e-9, max: 1e3, noNaN: true }), { nil: undefined }),
  reasoning: fc.integer({ min: 0, max: 10 ** 6 }),
});
type Made = typeof request extends fc.Arbitrary<infer T> ? T : never;

function generationOf(made: Made): Generation {
  const { cost, energy } = made;
  return sampleGeneration({
    createdAt: now - made.daysAgo * dayMs,
    accountId: made.account,
    keyId: made.key,
    user: made.user,
    model: made.model,
    region: made.region,
    status: made.failed ? "upstream_error" : "ok",
    isByok: made.byok,
    cost: cost === undefined ? undefined : nano(cost),
    upstreamCost: cost === undefined ? undefined : nano(cost + 1),
    tokens: {
      inputFresh: 3,
      cacheRead: 5,
      cacheWrite5m: 7,
      cacheWrite1h: 11,
      outputVisible: 13,
      reasoning: made.reasoning,
    },
    energyWh: energy,
    carbonG: energy === undefined ? undefined : energy / 3,
    methodology: energy === undefined ? undefined : "v0.4-2026-01",
    energyBounds: energy === undefined ? undefined : { low: energy / 2, high: energy * 2 },
  });
}

/** What rows of the ledger come to, added up one by one. */
function rowsTotal(rows: readonly Generation[]): Totals {
  return sumOf(
    rows.map((row): Totals => {
      const { tokens } = row;
      const reasoning = tokens?.reasoning ?? 0;
      return {
        requests: 1,
        inputFresh: 3,
        cacheRead: 5,
        cacheWrite5m: 7,
        cacheWrite1h: 11,
        outputVisible: 13,
        reasoning,
        inputTokens: 26,
        outputTokens: 13 + reasoning,
        cost: row.cost ?? 0,
        upstreamCost: row.upstreamCost ?? 0,
        byokCost: row.isByok ? (row.upstreamCost ?? 0) : 0,
        energyWh: row.energyWh ?? 0,
        carbonG: row.carbonG ?? 0,
        energyWhLow: row.energyBounds?.low ?? 0,
        energyWhHigh: row.energyBounds?.high ?? 0,
        carbonGLow: ((row.energyBounds?.low ?? 0) * 271.4) / 1000,
        carbonGHigh: ((row.energyBounds?.high ?? 0) * 271.4) / 1000,
        withoutBounds: 0,
        withoutEco: row.carbonG === undefined ? 1 : 0,
        errors: row.status === "ok" ? 0 : 1,
      };
    }),
  );
}

/** Counts and money exactly, energy and carbon to 1e-9 of the whole. */
function expectSame(found: Totals, expected: Totals): void {
  const estimates = [
    "energyWh",
    "carbonG",
    "energyWhLow",
    "energyWhHigh",
    "carbonGLow",
    "carbonGHigh",
  ] as const;
  const none = Object.fromEntries(estimates.map((name) => [name, 0]));
  expect({ ...found, ...none }).toEqual({ ...expected, ...none });
  for (const name of estimates)
    expect(Math.abs(found[name] - expected[name])).toBeLessThanOrEqual(
      1e-9 * Math.max(1, expected[name]),
    );
}

const makers: Record<string, string> = { key_1: "per_1", key_2: "per_2" };

test("every grouping of the same filter sums to the same as the ledger's own rows, whatever is shown and remembered", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 25 }),
      fc.subarray([...all], { minLength: 1 }),
      fc.constantFrom(...orders),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 5 }),
      fc.record(
        {
          key: fc.constantFrom("key_1", "key_3"),
          model: fc.constantFrom("openai/gpt-4o"),
          user: fc.constantFrom("ada", "=1+1"),
          region: fc.constantFrom("eu-west"),
          maker: fc.constantFrom("per_1", "per_2"),
        },
        { requiredKeys: [] },
      ),
      async (made, groupBy, order, limit, one, other, filters) => {
        using kept = await temporaryStore();
        const { store } = kept;
        const clock = createFakeClock(now);
        const reader = createUsageReader({ store, clock });
        await store.write(
          Object.entries(makers).map(([hash, person]) => ({
            sql: "INSERT INTO api_key (hash, account_id, name, label, type, created_at, created_by) VALUES (?, 'acc_1', '', '', 'regular', 0, ?)",
            args: [hash, person],
          })),
        );
        const ledger = createLedger({ store, clock, processId: "prc_1" });
        const rows = made.map(generationOf);
        const today = "2026-01-15";
        const filter: UsageFilter = {
          account: "acc_1",
          ...filters,
          fromDay: dayAt(today, -Math.max(one, other)),
          toDay: dayAt(today, -Math.min(one, other)),
        };
        const fits = (row: Generation) => {
          const day = new Date(row.createdAt).toISOString().slice(0, 10);
          return (
            row.accountId === "acc_1" &&
            day >= filter.fromDay &&
            day <= filter.toDay &&
            (filters.key === undefined || row.keyId === filters.key) &&
            (filters.model === undefined || row.model === filters.model) &&
            (filters.user === undefined || row.user === filters.user) &&
            (filters.region === undefined || row.region === filters.region) &&
            (filters.maker === undefined || makers[row.keyId] === filters.maker)
          );
        };
        await Promise.all(rows.map((generation) => ledger.record({ generation, movements: [] })));
        // Twice: the second time, days that are over come from memory, and today has one request more.
        const late = generationOf({ ...(made[0] ?? fail()), daysAgo: 0 });
        for (const extra of [[], [late]]) {
          await Promise.all(
            extra.map((generation) => ledger.record({ generation, movements: [] })),
          );
          const expected = rowsTotal([...rows, ...extra].filter(fits));
          const [cut, whole, days, none] = await reader.ask(filter, [
            { groupBy, order, limit },
            { groupBy, order, limit: 1000 },
            { groupBy: ["day"], order: "place", limit: 366 },
            { groupBy: [], order, limit: 1 },
          ]);
          const sums = [whole, days, none].map((answer) => sumOf(answer?.rows ?? []));
          for (const sum of sums) expectSame(sum, expected);
          expect(whole?.count).toBe(whole?.rows.length);
          expect(cut?.count).toBe(whole?.count);
          expect(cut?.rows).toEqual(whole?.rows.slice(0, limit));
          const asked = rollupStatement(filter, { groupBy, order, limit: 1000 });
          const [found = []] = await store.snapshot([asked]);
          const { rows: inOne } = await rollupAnswer(found, groupBy);
          // Sums of fractions that are equal there may differ here in their last digit.
          if (order !== "energy" && order !== "carbon")
            expect(whole?.rows.map((row) => placeName(row, groupBy))).toEqual(
              inOne.map((row) => placeName(row, groupBy)),
            );
          const others = plus(expected, sumOf(cut?.rows ?? []), -1);
          expectSame(plus(sumOf(cut?.rows ?? []), others), expected);
        }
        await ledger.close();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test("the first rows are the largest, and every one stands for its own place", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const clock = createFakeClock(now);
  const ledger = createLedger({ store, clock, processId: "prc_1" });
  const cost = { "a/1": 5, "a/2": 9, "a/3": 7 };
  await Promise.all(
    Object.entries(cost).flatMap(([model, each]) =>
      [0, 3].map((daysAgo) =>
        ledger.record({
          generation: sampleGeneration({
            model,
            cost: nano(each),
            createdAt: now - daysAgo * dayMs,
          }),
          movements: [],
        }),
      ),
    ),
  );
  const [answer] = await createUsageReader({ store, clock }).ask(
    { account: "acc_1", fromDay: "2026-01-01", toDay: "2026-01-15" },
    [{ groupBy: ["model"], order: "cost", limit: 2 }],
  );
  expect(answer?.count).toBe(3);
  expect(answer?.rows.map(({ model, cost }) => [model, cost])).toEqual([
    ["a/2", 18],
    ["a/3", 14],
  ]);
});

test("what is added today stands where it belongs among the days that are over, in every order", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const clock = createFakeClock(now);
  const ledger = createLedger({ store, clock, processId: "prc_1" });
  const spent = { "a/1": [5, 3], "a/2": [9, 0], "a/3": [2, 3], "a/4": [0, 3], "a/5": [6, 0] };
  await Promise.all(
    Object.entries(spent).flatMap(([model, each]) =>
      each.flatMap((cost, daysAgo) => {
        const parts = { model, cost: nano(cost), createdAt: now - daysAgo * dayMs };
        const generation = sampleGeneration(parts);
        return cost === 0 ? [] : [ledger.record({ generation, movements: [] })];
      }),
    ),
  );
  const reader = createUsageReader({ store, clock });
  const filter = { account: "acc_1", fromDay: "2026-01-01", toDay: "2026-01-15" };
  const modelsBy = async (order: (typeof orders)[number]) => {
    const [answer] = await reader.ask(filter, [{ groupBy: ["model"], order, limit: 9 }]);
    return answer?.rows.map(({ model = "", cost }) => `${model} ${cost}`);
  };
  const byCost = ["a/2 9", "a/1 8", "a/5 6", "a/3 5", "a/4 3"];
  for (const order of ["cost", "place", "cost"] as const)
    expect(await modelsBy(order)).toEqual(order === "cost" ? byCost : byCost.toSorted());
  await ledger.close();
});

test("days that are over are read once in ten minutes, today every time", async () => {
  using kept = await temporaryStore();
  const clock = createFakeClock(now);
  let statements = 0;
  const reader = createUsageReader({
    clock,
    store: {
      snapshot: (asked) => {
        statements += asked.length;
        return kept.store.snapshot(asked);
      },
    },
  });
  const filter = { account: "acc_1", fromDay: "2026-01-01", toDay: "2026-01-15" };
  const ask = async () => {
    statements = 0;
    await reader.ask(filter, [{ groupBy: ["model"], order: "cost", limit: 5 }]);
    return statements;
  };
  expect([await ask(), await ask()]).toEqual([2, 1]);
  clock.advance(600_000);
  expect(await ask()).toBe(2);
});

test("what is remembered of one grouping does not stand beside another that was read later", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const clock = createFakeClock(now);
  const ledger = createLedger({ store, clock, processId: "prc_1" });
  // Of a day that is over: a row that the database got late.
  const late = () =>
    ledger.record({ generation: sampleGeneration({ createdAt: now - dayMs }), movements: [] });
  const reader = createUsageReader({ store, clock });
  const requestsBy = async (group: Grouping) => {
    const answers = await reader.ask(
      { account: "acc_1", fromDay: "2026-01-01", toDay: "2026-01-15" },
      [
        { groupBy: [group], order: "cost", limit: 50 },
        { groupBy: ["day"], order: "place", limit: 366 },
      ],
    );
    return answers.map(({ rows }) => sumOf(rows).requests);
  };
  await late();
  expect(await requestsBy("model")).toEqual([1, 1]);
  await late();
  expect(await requestsBy("key")).toEqual([2, 2]);
  expect(await requestsBy("model")).toEqual([2, 2]);
  await ledger.close();
});

test("what is remembered has an end, also of questions that no row answers", async () => {
  let statements = 0;
  const reader = createUsageReader({
    clock: createFakeClock(now),
    store: {
      snapshot: (asked) => {
        statements += asked.length;
        return Promise.resolve(asked.map(() => []));
      },
    },
  });
  const ask = async (user: string) => {
    statements = 0;
    const filter = { account: "acc_1", user, fromDay: "2026-01-01", toDay: "2026-01-09" };
    await reader.ask(filter, [{ groupBy: ["model"], order: "cost", limit: 5 }]);
    return statements;
  };
  const long = "x".repeat(10_000);
  expect([await ask("first"), await ask("first")]).toEqual([1, 0]);
  for (let at = 0; at < 400; at++) await ask(`${long}${at}`);
  expect(await ask(`${long}399`)).toBe(0);
  expect(await ask("first")).toBe(1);
});

test("more combinations than are put together in memory still sum up", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  await store.write([
    {
      sql: `WITH RECURSIVE n(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < 41999)
INSERT INTO rollup SELECT CASE WHEN at % 2 THEN '2026-01-15' ELSE '2026-01-02' END, 'acc_1', 'k', 'user ' || (at / 2), 'm', 'p', 'r',
'v0.4-2026-01', 1, 1, 0, 0, 0, 1, 0, at, 0, 0, 0, 0, 500000000000, 250000000000, 0, 0, 0, 0, 1 FROM n`,
      args: [],
    },
  ]);
  const reader = createUsageReader({ store, clock: createFakeClock(now) });
  const [answer, days] = await reader.ask(
    { account: "acc_1", fromDay: "2026-01-01", toDay: "2026-01-15" },
    [
      { groupBy: ["user"], order: "cost", limit: 3 },
      { groupBy: ["day"], order: "place", limit: 366 },
    ],
  );
  expect(answer?.count).toBe(21_000);
  expect(answer?.rows.map(({ user, cost }) => [user, cost])).toEqual([
    ["user 20999", 83_997],
    ["user 20998", 83_993],
    ["user 20997", 83_989],
  ]);
  expect(sumOf(days?.rows ?? []).requests).toBe(42_000);
});

function fail(): never {
  throw new Error("there is no request");
}
