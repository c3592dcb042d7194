import { expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import AsideDatabase from "libsql/promise";
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

test("a report of many rows leaves the thread to others between them", async () => {
  using kept = await temporaryStore();
  let turn = 0;
  const taken = new Map<number, number>();
  const { prepare } = AsideDatabase.prototype;
  using _watched = spyOn(AsideDatabase.prototype, "prepare").mockImplementation(async function (
    this: AsideDatabase,
    sql: string,
  ) {
    const statement = await prepare.call(this, sql);
    const { iterate } = statement;
    statement.iterate = async (...args: unknown[]) => {
      const rows: Iterator<unknown> = await iterate.apply(statement, args);
      return Iterator.from({
        next() {
          taken.set(turn, (taken.get(turn) ?? 0) + 1);
          return rows.next();
        },
      });
    };
    return statement;
  });
  let isDone = false;
  const reading = kept.store
    .snapshot([
      {
        sql: "WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n LIMIT 1050) SELECT at FROM n",
        args: [],
      },
    ])
    .finally(() => (isDone = true));
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    turn++;
  }
  const [rows = []] = await reading;
  expect(rows.map(({ at }) => at)).toEqual(Array.from({ length: 1050 }, (_, at) => at + 1));
  expect(Math.max(...taken.values())).toBeLessThanOrEqual(101);
});

test("what the collector does during a report keeps nobody waiting for it", async () => {
  // In a process of its own: to collect what this one holds takes as long as the report.
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "collected.ts")], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, wrong] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect([wrong, await child.exited]).toEqual(["", 0]);
  const told = JSON.parse(out);
  expect(told.wrong).toEqual([]);
  expect(told.report).toEqual([[{ most: 3_000_000 }]]);
  expect(told.turns).toBeGreaterThan(10);
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
