import { expect, test } from "bun:test";
import Database from "libsql";
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
