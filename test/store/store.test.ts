import { expect, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { migrations } from "#db/migrations.ts";
import { backup, checkIntegrity, restore } from "#src/store/backup.ts";
import { migrate, schemaVersion } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { numberIn } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder, temporaryStore } from "./temporary.ts";

const clock = createFakeClock();

test("db/migrations.ts lists every file of the folder", () => {
  const folder = join(import.meta.dir, "../../db/migrations");
  const files = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  expect(migrations.map(({ tag }) => `${tag}.sql`)).toEqual(files.sort());
});

test("migrate() makes an empty file current, and does nothing the second time", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ url: `file:${folder.path}/a/new.db` });
  expect(await migrate(store, clock)).toEqual({
    from: 0,
    to: migrations.length,
    backup: undefined,
  });
  expect(await migrate(store, clock)).toMatchObject({ from: migrations.length, backup: undefined });
  expect(statSync(`${folder.path}/a/new.db`).mode & 0o777).toBe(0o600);
  store.close();
});

test("migrate() copies an existing database before it changes it", async () => {
  using kept = await temporaryStore();
  await kept.store.write([{ sql: "INSERT INTO setting VALUES ('a', 'b')", args: [] }]);
  const next = { index: migrations.length, tag: "next", sql: "CREATE TABLE next (a TEXT)" };
  const done = await migrate(kept.store, clock, [...migrations, next]);
  expect(done.backup).toBeString();
  const copy = await openStore({ url: `file:${done.backup}` });
  expect(await schemaVersion(copy)).toBe(migrations.length);
  expect(await copy.read("SELECT value FROM setting", [])).toEqual([{ value: "b" }]);
  copy.close();
});

test("migrate() changes nothing when a step fails", async () => {
  using kept = await temporaryStore();
  const good = { index: migrations.length, tag: "good", sql: "CREATE TABLE good (a TEXT)" };
  const bad = { index: migrations.length + 1, tag: "bad", sql: "CREATE TABEL bad (a TEXT)" };
  await expect(migrate(kept.store, clock, [...migrations, good, bad])).rejects.toThrow(
    "Cannot bring",
  );
  expect(await schemaVersion(kept.store)).toBe(migrations.length);
  expect(
    await kept.store.read("SELECT count(*) AS n FROM sqlite_master WHERE name = 'good'", []),
  ).toEqual([{ n: 0 }]);
});

test("migrate() refuses a schema newer than the program, and says both versions", async () => {
  using kept = await temporaryStore();
  await kept.store.write([
    { sql: "INSERT INTO schema_migration VALUES (99, 'future', 0)", args: [] },
  ]);
  await expect(migrate(kept.store, clock)).rejects.toThrow(
    `schema is version ${migrations.length + 1} and this program knows up to ${migrations.length}`,
  );
});

test("write() keeps all statements or none", async () => {
  using kept = await temporaryStore();
  const insert = { sql: "INSERT INTO setting VALUES (?, ?)", args: ["a", "b"] };
  expect(() => kept.store.write([insert, insert])).toThrow("Cannot use the database");
  expect(await kept.store.read("SELECT * FROM setting", [])).toEqual([]);
});

test("the pragmas hold, also for the sign-in library", async () => {
  using kept = await temporaryStore();
  expect(await kept.store.read("PRAGMA synchronous", [])).toEqual([{ synchronous: 1 }]);
  expect(await kept.store.read("PRAGMA journal_mode", [])).toEqual([{ journal_mode: "wal" }]);
  const rows = (await kept.store.client.execute("PRAGMA synchronous")).rows;
  expect(rows[0]?.[0]).toBe(1);
});

test("backup() makes a private whole copy and never overwrites", async () => {
  using kept = await temporaryStore();
  await kept.store.write([{ sql: "INSERT INTO setting VALUES ('a', 'b')", args: [] }]);
  const target = `${kept.path}.copy`;
  await backup(kept.store, target);
  expect(statSync(target).mode & 0o777).toBe(0o600);
  await expect(backup(kept.store, target)).rejects.toThrow("it exists");
  await expect(restore(target, kept.path)).rejects.toThrow("it exists");
  await restore(target, `${kept.path}.restored`);
  const restored = await openStore({ url: `file:${kept.path}.restored` });
  await checkIntegrity(restored);
  expect(numberIn((await restored.read("SELECT count(*) AS n FROM setting", []))[0], "n")).toBe(1);
  restored.close();
});

test("openStore() says which file it cannot open", async () => {
  using folder = temporaryFolder();
  writeFileSync(`${folder.path}/text.db`, "this is not a database, it is a text of some length");
  await expect(openStore({ url: `file:${folder.path}/text.db` })).rejects.toThrow("text.db");
  await expect(openStore({ url: "file::memory:" })).rejects.toThrow("needs a file");
});
