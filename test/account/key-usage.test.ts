import { expect, test } from "bun:test";
import { createKeySpend, usageOf } from "#src/account/key-usage.ts";
import { rollupPlace, rollupSums } from "#src/ledger/rollup.ts";
import { dayOf } from "#src/lib/clock.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const hourMs = 3_600_000;
const keys = ["key_1", "key_2", "key_never"];

/** Adds to the total of a day, as the end of a request that began on it does. */
async function spend(store: Store, key: string, day: string, cost: number): Promise<void> {
  const place = [day, "acc", key, "", "model", "host", "eu-west", ""];
  const sums = rollupSums.map((name) => (name === "cost" ? cost : name === "byok_cost" ? 3 : 0));
  const names = [...rollupPlace, ...rollupSums];
  await store.write([
    {
      sql: `INSERT INTO rollup (${names.map((name) => `"${name}"`).join(", ")}) VALUES (${names.map(() => "?").join(", ")})
ON CONFLICT DO UPDATE SET cost = cost + excluded.cost, byok_cost = byok_cost + excluded.byok_cost`,
      args: [...place, ...sums],
    },
  ]);
}

test("what keys spent is what all their totals come to, around each midnight of 40 days, over turns of week, month and year", async () => {
  using opened = await temporaryStore();
  const { store } = opened;
  // Wednesday; the year turns on the way, and February begins on a Sunday.
  const start = Date.UTC(2025, 11, 24);
  const clock = createFakeClock(start);
  const reader = createKeySpend({ store, clock });
  for (let day = 0; day < 40; day++) {
    for (const minute of [0, 4, 8, 57, 61, 65, 720, 1433, 1437]) {
      clock.set(start + (day * 1440 + minute) * 60_000);
      const whole = await Promise.all(keys.map((key) => usageOf(store, key, clock.now())));
      expect(await reader.of(keys)).toEqual(whole);
      expect(await reader.of(keys.toReversed())).toEqual(whole.toReversed());
      await spend(store, keys[minute % 2] ?? "", dayOf(clock.now()), 1 + day);
      // Requests that began before midnight end within the hour after it.
      await spend(store, "key_2", dayOf(clock.now() - hourMs), 1);
    }
  }
});

test("totals of days that are over are read once in ten minutes, and for each key once", async () => {
  using opened = await temporaryStore();
  const { store } = opened;
  const clock = createFakeClock();
  const asked: unknown[] = [];
  const reader = createKeySpend({
    clock,
    store: {
      read: (sql, args) => store.read(sql, args),
      snapshot(statements) {
        asked.push(statements[0]?.args[0]);
        return store.snapshot(statements);
      },
    },
  });
  await reader.of(["key_1"]);
  await reader.of(["key_1"]);
  await reader.of(["key_1", "key_2"]);
  expect(asked).toEqual(['["key_1"]', '["key_2"]']);
  clock.advance(600_000);
  await reader.of(["key_1", "key_2"]);
  expect(asked).toHaveLength(3);
});

test("a key that is forgotten while it is asked about has its sums all the same, and is read again after", async () => {
  using opened = await temporaryStore();
  const { store } = opened;
  const clock = createFakeClock();
  await spend(store, "key_1", dayOf(clock.now() - 48 * hourMs), 5);
  let waiting: (() => void) | undefined;
  let snapshots = 0;
  const reader = createKeySpend({
    clock,
    store: {
      async read(sql, args) {
        await new Promise<void>((resolve) => (waiting = resolve));
        return store.read(sql, args);
      },
      snapshot(statements) {
        snapshots++;
        return store.snapshot(statements);
      },
    },
  });
  const answered = async (asking: ReturnType<typeof reader.of>, meanwhile = () => {}) => {
    while (waiting === undefined) await Bun.sleep(0);
    meanwhile();
    waiting();
    waiting = undefined;
    return (await asking).map(({ own }) => Number(own.total));
  };
  expect(await answered(reader.of(["key_1"]))).toEqual([5]);
  const forgotten = answered(reader.of(["key_1"]), () => reader.forget("key_1"));
  expect([await forgotten, snapshots]).toEqual([[5], 1]);
  expect(await answered(reader.of(["key_1"]))).toEqual([5]);
  expect(snapshots).toBe(2);
});
