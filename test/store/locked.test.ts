import { expect, test } from "bun:test";
import Database from "libsql";
import { setting } from "#db/schema.ts";
import { StoreError } from "#src/store/error.ts";
import { openStore } from "#src/store/open.ts";
import { temporaryStore } from "./temporary.ts";

const insert = { sql: "INSERT INTO setting VALUES ('a', 'b')", args: [] };

/** Another process's write lock, as far as SQLite can tell: another connection's. */
function lock(path: string): { release(): void } {
  const other = new Database(path);
  other.exec("BEGIN IMMEDIATE");
  return {
    release() {
      other.exec("ROLLBACK");
      other.close();
    },
  };
}

test("write() is done at once where nobody holds a lock", async () => {
  using kept = await temporaryStore();
  expect(kept.store.write([insert])).not.toBeInstanceOf(Promise);
});

test("write() waits for another process's lock while everything else goes on, and is then done once", async () => {
  using kept = await temporaryStore();
  const held = lock(kept.path);
  const from = performance.now();
  const written = kept.store.write([insert]);
  expect(performance.now() - from).toBeLessThan(1000);
  // Reading is nobody's business but ours.
  expect(await kept.store.read("SELECT count(*) AS n FROM setting", [])).toEqual([{ n: 0 }]);
  held.release();
  await written;
  expect(await kept.store.read("SELECT value FROM setting", [])).toEqual([{ value: "b" }]);
  // And as before from then on.
  const next = kept.store.write([{ sql: "DELETE FROM setting", args: [] }]);
  expect(next).not.toBeInstanceOf(Promise);
  await Bun.sleep(20);
  const again = lock(kept.path);
  const later = kept.store.write([insert]);
  again.release();
  await later;
  expect(await kept.store.read("SELECT value FROM setting", [])).toEqual([{ value: "b" }]);
});

test("write() says that the database is busy when a lock does not go within five seconds, and wrote nothing", async () => {
  using kept = await temporaryStore();
  const held = lock(kept.path);
  let turns = 0;
  const ticking = setInterval(() => turns++, 10);
  const error = await Promise.resolve(kept.store.write([insert])).catch(
    (thrown: unknown) => thrown,
  );
  clearInterval(ticking);
  held.release();
  expect(error).toBeInstanceOf(StoreError);
  expect(error).toMatchObject({ fault: "busy", retryAfterSeconds: 2 });
  // Most of the five seconds were free for others.
  expect(turns).toBeGreaterThan(40);
  expect(await kept.store.read("SELECT count(*) AS n FROM setting", [])).toEqual([{ n: 0 }]);
}, 20_000);

test("what is wrong with the statement itself is thrown at once, lock or no lock", async () => {
  using kept = await temporaryStore();
  expect(() => kept.store.write([{ sql: "INSERT INTO nowhere VALUES (1)", args: [] }])).toThrow(
    "Cannot use the database: no such table: nowhere",
  );
});

test("a store that is closed while a write waits rejects it, and throws nothing that nobody catches", async () => {
  using kept = await temporaryStore();
  const other = await openStore({ url: `file:${kept.path}` });
  const held = lock(kept.path);
  const written = Promise.resolve(other.write([insert])).catch((thrown: unknown) => thrown);
  const from = performance.now();
  other.close();
  expect(await written).toBeInstanceOf(StoreError);
  // Not after the five seconds that a lock is waited for.
  expect(performance.now() - from).toBeLessThan(3000);
  held.release();
});

/** What waits on the loop of events meanwhile: the longest that it stood still, milliseconds. */
async function standstill(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const see = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const ticking = setInterval(see, 5);
  try {
    await work();
    see();
  } finally {
    clearInterval(ticking);
  }
  return longest;
}

test("however many writes wait for a lock, nobody else does, and each is done once, in the order that they came", async () => {
  using kept = await temporaryStore();
  const names = Array.from({ length: 200 }, (_, index) => `name ${index} as `);
  const held = lock(kept.path);
  const longest = await standstill(async () => {
    const written = names.map((name) =>
      // Done twice, it would be there twice.
      kept.store.write([
        { sql: "INSERT INTO setting SELECT ? || count(*), 'b' FROM setting", args: [name] },
      ]),
    );
    await Bun.sleep(1500);
    held.release();
    await Promise.all(written);
  });
  expect(longest).toBeLessThan(750);
  const rows = await kept.store.read("SELECT key FROM setting ORDER BY rowid", []);
  expect(rows.map(({ key }) => key)).toEqual(names.map((name, index) => name + index));
});

test("what the sign-in library writes waits for a lock in the same way, and is kept when it is said to be", async () => {
  using kept = await temporaryStore();
  const { db, client } = kept.store;
  const held = lock(kept.path);
  const longest = await standstill(async () => {
    const written = Promise.all([
      db.insert(setting).values({ key: "made", value: "b" }).returning(),
      client.execute("INSERT INTO setting VALUES (?, ?)", ["by its text", "b"]),
    ]);
    // Reading needs no lock.
    expect(await db.select().from(setting)).toEqual([]);
    await Bun.sleep(1500);
    held.release();
    const [made, { rowsAffected }] = await written;
    expect(made).toEqual([{ key: "made", value: "b" }]);
    expect(rowsAffected).toBe(1);
    // Nothing of ours is open any more.
    lock(kept.path).release();
  });
  expect(longest).toBeLessThan(750);
  const other = new Database(kept.path);
  expect(other.prepare("SELECT key FROM setting ORDER BY key").raw().all([])).toEqual([
    ["by its text"],
    ["made"],
  ]);
  other.close();
});

test("what the sign-in library writes is refused as busy when a lock does not go within five seconds; what comes then is kept", async () => {
  using kept = await temporaryStore();
  const held = lock(kept.path);
  const from = performance.now();
  const { client } = kept.store;
  const error = await client.execute(insert.sql).catch((thrown: unknown) => thrown);
  expect(performance.now() - from).toBeGreaterThan(4000);
  held.release();
  expect(error).toMatchObject({ fault: "busy", retryAfterSeconds: 2 });
  // A statement that was refused must leave nothing in progress: the next would be answered and never committed.
  await client.execute("INSERT INTO setting VALUES ('next', 'b')");
  const other = new Database(kept.path);
  expect(other.prepare("SELECT key FROM setting").raw().all([])).toEqual([["next"]]);
  other.close();
}, 20_000);
