import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { writeRollups } from "#src/ledger/rollup.ts";
import { activity, hourly, type Totals, totals } from "#src/ledger/rollups.ts";
import { activityColumns, activityRecord } from "#src/report/activity.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

/** Wh and g as integers of their billionths of a thousandth, by the decimal text of the nearest one. */
function pico(amount: number): bigint {
  return BigInt(Math.round(amount * 1e12));
}

/** The double that is nearest to a sum of pico-units. */
function units(sum: bigint): number {
  const text = sum.toString().padStart(13, "0");
  return Number(`${text.slice(0, -12)}.${text.slice(-12)}`);
}

function sumOf(rows: readonly Generation[], amountOf: (row: Generation) => number): number {
  return units(rows.reduce((sum, row) => sum + pico(amountOf(row)), 0n));
}

/** The sums of rows, told by arithmetic that has nothing to round. */
function exact(rows: readonly Generation[]): Partial<Totals> {
  const grid = (row: Generation, wh: number) => (wh * (row.gridGPerKwh ?? 0)) / 1000;
  return {
    requests: rows.length,
    energyWh: sumOf(rows, (row) => row.energyWh ?? 0),
    carbonG: sumOf(rows, (row) => row.carbonG ?? 0),
    energyWhLow: sumOf(rows, (row) => row.energyBounds?.low ?? 0),
    energyWhHigh: sumOf(rows, (row) => row.energyBounds?.high ?? 0),
    carbonGLow: sumOf(rows, (row) => grid(row, row.energyBounds?.low ?? 0)),
    carbonGHigh: sumOf(rows, (row) => grid(row, row.energyBounds?.high ?? 0)),
  };
}

const amount = fc.oneof(
  fc.double({ min: 0, max: 1e-9, noNaN: true }),
  fc.double({ min: 1e-6, max: 50, noNaN: true }),
  // Of one row more than an integer of a double holds.
  fc.double({ min: 5e3, max: 4e4, noNaN: true }),
);
const request = fc.record({
  energy: amount,
  carbon: amount,
  model: fc.constantFrom("a/one", "a/two"),
  /** Whether the request is in one commit with those before it. */
  together: fc.boolean(),
});

test("sums of energy and carbon are those of the rounded rows, whatever the order and the commits", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 40 }), async (made) => {
      const rows = made.map(({ energy, carbon, model }) =>
        sampleGeneration({
          model,
          energyWh: energy,
          carbonG: carbon,
          energyBounds: { low: energy / 3, high: energy * 1.7 },
        }),
      );
      const orders = [rows, rows.toReversed()];
      for (const order of orders) {
        using kept = await temporaryStore();
        const { store } = kept;
        const ledger = createLedger({ store, clock: createFakeClock(), processId: "prc_1" });
        let group: Promise<void>[] = [];
        for (const [at, generation] of order.entries()) {
          if (made[at]?.together !== true) await Promise.all(group.splice(0));
          group.push(ledger.record({ generation, movements: [] }));
        }
        await Promise.all(group);
        group = [];
        expect(await totals(store, {})).toMatchObject(exact(rows));
        for (const row of await activity(store, {}, ["model"]))
          expect(row).toMatchObject(exact(rows.filter(({ model }) => model === row.model)));
        const [hour] = await hourly(store, {}, 0, 2 ** 45);
        expect(hour).toMatchObject(exact(rows));
      }
    }),
    { numRuns: 25 },
  );
}, 60_000);

test("a million times a tenth of a watt-hour is a hundred thousand, to the last digit", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  // Floating point would add it up to 100000.00000133288.
  const row = sampleGeneration({ energyWh: 0.1, carbonG: 0.3 });
  const commit = writeRollups(Array.from({ length: 1000 }, () => row));
  for (let at = 0; at < 1000; at++) await store.write(commit);
  const sum = await totals(store, {});
  expect([sum.requests, sum.energyWh, sum.carbonG]).toEqual([1_000_000, 100_000, 300_000]);
}, 60_000);

test("more than an integer of SQLite holds is summed up still", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const ledger = createLedger({ store, clock: createFakeClock(), processId: "prc_1" });
  // Nine megawatt-hours are the most that one integer holds of picowatt-hours.
  for (const user of ["a", "b", "c"])
    await ledger.record({
      generation: sampleGeneration({ user, energyWh: 5_000_000, carbonG: 1.5 }),
      movements: [],
    });
  expect(await totals(store, {})).toMatchObject({ energyWh: 15_000_000, carbonG: 4.5 });
});

test("the bounds of a sum are told where each request's interval is known, and are unknown where one is not", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const ledger = createLedger({ store, clock: createFakeClock(), processId: "prc_1" });
  const one = { energyWh: 2, carbonG: 1, gridGPerKwh: 500 };
  const rows = [
    sampleGeneration({ ...one, model: "a/known", energyBounds: { low: 1, high: 3 } }),
    sampleGeneration({ ...one, model: "a/known", energyBounds: { low: 2, high: 2 } }),
    sampleGeneration({ ...one, model: "a/mixed", energyBounds: { low: 1, high: 3 } }),
    sampleGeneration({ ...one, model: "a/mixed", energyBounds: undefined }),
    sampleGeneration({
      model: "a/none",
      energyWh: undefined,
      carbonG: undefined,
      energyBounds: undefined,
    }),
  ];
  await Promise.all(rows.map((generation) => ledger.record({ generation, movements: [] })));
  const records = (await activity(store, {}, ["model"])).map((row) =>
    activityRecord(row, ["model"]),
  );
  const unknown = {
    energy_wh_low: null,
    energy_wh_high: null,
    carbon_g_low: null,
    carbon_g_high: null,
  };
  expect(records).toMatchObject([
    {
      model: "a/known",
      energy_wh: 4,
      energy_wh_low: 3,
      energy_wh_high: 5,
      carbon_g_low: 1.5,
      carbon_g_high: 2.5,
    },
    { model: "a/mixed", energy_wh: 4, ...unknown },
    { model: "a/none", energy_wh: null, ...unknown },
  ]);
  for (const record of records) expect(Object.keys(record)).toEqual(activityColumns(["model"]));
});
