import { expect, test } from "bun:test";
import { lutimesSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { backup } from "#src/store/backup.ts";
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

/** A part of a copy that began so many milliseconds ago. */
function partOf(name: string, ago: number): string {
  return `${name}.${createIds({ ...systemClock, now: () => systemClock.now() - ago }).next("part")}`;
}

test("parts of copies that were cut off are removed after an hour by any other into that folder", async () => {
  using kept = await temporaryStore();
  const folder = dirname(kept.path);
  const write = (name: string, text: string, ago: number) => {
    writeFileSync(join(folder, name), text);
    const at = (systemClock.now() - ago) / 1000;
    utimesSync(join(folder, name), at, at);
  };
  const [longAgo, lately] = [3_700_000, 3_500_000];
  const magic = "SQLite format 3\0 and pages";
  const dated = partOf("lowrouter-2026-01-14.db", longAgo);
  write(dated, magic, longAgo);
  for (const ending of ["-wal", "-shm", "-journal"]) write(dated + ending, "anything", longAgo);
  write(partOf("lowrouter.db.before-upgrade-from-3-at_X", longAgo), "", longAgo);
  write(partOf("other.db", longAgo), "\0".repeat(4096), longAgo);
  // Not old, still written to, not ours, or no file.
  const stay = [
    partOf("lately.db", lately),
    partOf("slow.db", longAgo),
    partOf("upload.zip", longAgo),
    `short.db.part_A`,
    `${partOf("longer.db", longAgo)}.gz`,
    "copy-1.db",
  ];
  for (const [at, name] of stay.entries())
    write(name, at === 2 ? "PK and more" : magic, at === 1 ? lately : longAgo);
  const link = partOf("link.db", longAgo);
  symlinkSync(join(folder, "copy-1.db"), join(folder, link));
  lutimesSync(join(folder, link), 1000, 1000);
  const others = readdirSync(folder).filter((name) => name.startsWith("test"));
  await backup(kept.store, join(folder, "copy-2.db"));
  const found = readdirSync(folder).filter((name) => !others.includes(name));
  expect(found.filter((name) => /part_|^copy/.test(name)).toSorted()).toEqual(
    [...stay, link, "copy-2.db"].toSorted(),
  );
});
