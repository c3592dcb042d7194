import { expect, test } from "bun:test";
import { closeSync, openSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { backup, removeParts } from "#src/store/backup.ts";
import { temporaryStore } from "./temporary.ts";

function names(path: string): string[] {
  return readdirSync(dirname(path)).filter((name) => name.startsWith("copy"));
}

test("a copy has its name only when it is whole: what fails on the way leaves nothing", async () => {
  using kept = await temporaryStore();
  const target = `${dirname(kept.path)}/copy.db`;
  const seen: string[][] = [];
  const { client } = kept.store;
  const watched = {
    ...kept.store,
    client: new Proxy(client, {
      get: (from, name) =>
        name === "execute"
          ? async (statement: { sql: string; args: string[] }) => {
              const done = await from.execute(statement);
              seen.push(names(target));
              throw Object.assign(new Error(`after ${done.rows.length}`), { code: "SQLITE_IOERR" });
            }
          : Reflect.get(from, name),
    }),
  };
  await expect(backup(watched, target)).rejects.toThrow(
    "Name a file on a disk that has room and can be written",
  );
  expect(seen).toEqual([[expect.stringMatching(/^copy\.db\.part_\w{26}$/)]]);
  expect(names(target)).toEqual([]);
  await backup(kept.store, target);
  expect(names(target)).toEqual(["copy.db"]);
});

test("a copy does not take the place of a file that came while it was made", async () => {
  using kept = await temporaryStore();
  const target = `${dirname(kept.path)}/copy.db`;
  const { client } = kept.store;
  const raced = {
    ...kept.store,
    client: new Proxy(client, {
      get: (from, name) =>
        name === "execute"
          ? async (statement: { sql: string; args: string[] }) => {
              const done = await from.execute(statement);
              writeFileSync(target, "precious");
              return done;
            }
          : Reflect.get(from, name),
    }),
  };
  await expect(backup(raced, target)).rejects.toThrow("it exists. Move it away");
  expect(await Bun.file(target).text()).toBe("precious");
  expect(names(target)).toEqual(["copy.db"]);
});

test("parts of copies that were cut off are removed after an hour, others' files and new parts never", async () => {
  using kept = await temporaryStore();
  const folder = dirname(kept.path);
  const old = ["copy.db.part_A", "copy.db.part_A-wal", "copy.db", "other.db.part_A"];
  for (const name of [...old, "copy.db.part_B"]) closeSync(openSync(join(folder, name), "w"));
  for (const name of old) utimesSync(join(folder, name), 1000, 1000);
  removeParts(join(folder, "copy.db"));
  expect(names(kept.path).sort()).toEqual(["copy.db", "copy.db.part_B"]);
  expect(readdirSync(folder)).toContain("other.db.part_A");
});
