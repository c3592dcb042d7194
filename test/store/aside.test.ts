import { expect, test } from "bun:test";
import { StoreError } from "#src/store/error.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const slow = `WITH RECURSIVE n(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < 3000000)
SELECT max(at) AS most FROM n`;
const count = { sql: "SELECT count(*) AS count FROM setting WHERE key LIKE 'aside%'", args: [] };
const insert = (key: string) => ({
  sql: "INSERT INTO setting (key, value) VALUES (?, '')",
  args: [key],
});

test("statements of a snapshot see the same moment, whatever is written meanwhile", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  await store.write([insert("aside 1")]);
  const reading = store.snapshot([count, { sql: slow, args: [] }, count]);
  // Written again and again until the report is done: its second count must not see them.
  let isDone = false;
  void reading.finally(() => void (isDone = true));
  let written = 0;
  while (!isDone) {
    await store.write([insert(`aside more ${written++}`)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [before, , after] = await reading;
  expect(written).toBeGreaterThan(1);
  expect(after).toEqual(before ?? []);
  expect(await store.snapshot([count])).toEqual([[{ count: 1 + written }]]);
});

test("a report on a file leaves the thread to others", async () => {
  using kept = await temporaryStore();
  let turns = 0;
  let isDone = false;
  const reading = kept.store.snapshot([{ sql: slow, args: [] }]).finally(() => (isDone = true));
  while (!isDone) {
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await reading).toEqual([[{ most: 3_000_000 }]]);
  expect(turns).toBeGreaterThan(20);
});

test("a report that fails says so, and the next is answered", async () => {
  using kept = await temporaryStore();
  const wrong = kept.store.snapshot([{ sql: "SELECT nothing FROM nowhere", args: [] }]);
  expect(await wrong.catch((error: unknown) => error)).toBeInstanceOf(StoreError);
  const all = await Promise.all([1, 2, 3, 4].map(() => kept.store.snapshot([count])));
  expect(all).toEqual([1, 2, 3, 4].map(() => [[{ count: 0 }]]));
});

test("after close() nothing more is read", async () => {
  const kept = await temporaryStore();
  await kept.store.snapshot([count]);
  kept[Symbol.dispose]();
  const late = kept.store.snapshot([count]);
  expect(await late.catch((error: unknown) => error)).toBeInstanceOf(StoreError);
});
